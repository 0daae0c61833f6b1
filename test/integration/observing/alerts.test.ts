import { expect, it } from 'vitest'
import type { Alert } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { opener, Told } from '../database/open.js'

const open = opener(await freshDatabase())

it('a pool whose connections are all held is told of, and that it is over', async () => {
  const alerts: Alert[] = []
  const told = new Told()
  const db = await open({
    replicas: [], pool: { max: 1 }, metrics: { collectIntervalMs: 20 }, alerts: { onAlert: (alert) => { alerts.push(alert) } }, observers: [told],
  })
  await db.connection(async () => { await eventually(() => alerts.length > 0) })
  expect(alerts).toMatchObject([{ kind: 'connections', state: 'raised', value: 1, node: db.stats().nodes[0]?.name }])
  await eventually(() => alerts.some(({ state }) => state === 'cleared'))
  expect(told.warnings.map(({ code }) => code)).toEqual(['SLUICE_ALERT'])
})
