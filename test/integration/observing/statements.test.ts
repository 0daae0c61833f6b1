import { expect, it } from 'vitest'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener } from '../database/open.js'

const server = await freshDatabase()
const open = opener(server)

it('db.statements() says how often each statement ran, where, how long, and what the cache spared', async () => {
  const db = await open()
  for (let id = 0; id < 20; id++) await db.query(`select ${String(id)} as quick`)
  await db.query('select pg_sleep(0.2)', [], { target: 'primary' })
  for (let at = 0; at < 3; at++) await db.query('select 1 as kept', [], { cache: true })
  await errorOf(db.query('select * from nowhere'))
  const slowest = db.statements({ orderBy: 'p99' }).find(({ text }) => text.includes('pg_sleep'))
  expect(slowest).toMatchObject({ text: 'select pg_sleep(?)', calls: 1, rows: 1, nodes: { [db.stats().nodes[0]?.name ?? '']: 1 } })
  expect(slowest?.p50).toBeGreaterThan(180)
  const byText = new Map(db.statements().map((statement) => [statement.text, statement]))
  const quick = byText.get('select ? as quick')
  expect(quick).toMatchObject({ calls: 20, errors: 0, rows: 20 })
  expect(Object.keys(quick?.nodes ?? {}).sort()).toEqual(db.stats().nodes.slice(1).map(({ name }) => name).sort())
  expect(byText.get('select ? as kept')).toMatchObject({ calls: 1, cacheHits: 2 })
  expect(byText.get('select * from nowhere')).toMatchObject({ errors: 1, rows: 0 })
})

it('is empty when single statements are not to be counted', async () => {
  const db = await open({ metrics: { collectQueryStats: false } })
  await db.query('select 1')
  expect(db.statements()).toEqual([])
})
