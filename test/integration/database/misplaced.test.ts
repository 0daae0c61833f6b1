import { describe, expect, it } from 'vitest'
import { ReadOnlyNodeError } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)

describe('a node that says it has another role than configured', () => {
  it('is told as a warning once, makes the database unhealthy when it is the primary, and takes no write', async () => {
    const told = new Told()
    const [standby] = server.replicaUrls
    const db = await open({ primary: { url: standby, name: 'standby' }, replicas: [{ url: server.primaryUrl, name: 'writable' }], observers: [told] })
    await db.health.check()
    await db.health.check()
    const mismatches = told.warnings.filter(({ code }) => code === 'SLUICE_ROLE_MISMATCH').map(({ message }) => message)
    expect(mismatches.sort()).toEqual([
      'standby is configured as primary and says it is a replica',
      'writable is configured as replica and says it is a primary',
    ])
    expect(db.health.isHealthy()).toBe(false)
    expect(db.health.status().nodes.map(({ name, role, says }) => [name, role, says])).toEqual([
      ['standby', 'primary', 'replica'], ['writable', 'replica', 'primary'],
    ])
    expect(await errorOf(db.execute('create table nowhere (id int)'))).toBeInstanceOf(ReadOnlyNodeError)
  })

  it('is no trouble for a database that only reads', async () => {
    const [standby] = server.replicaUrls
    const db = await open({ primary: standby, replicas: [], readOnly: true })
    expect(db.health.isHealthy()).toBe(true)
    expect(await db.value('select 1')).toBe(1)
  })
})
