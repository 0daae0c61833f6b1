import { describe, expect, it } from 'vitest'
import { ReadOnlyNodeError, type FailoverEvent } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)

describe('roles that are configured the wrong way round', () => {
  it('are found out: writes go to the server that takes them, reads to the standby', async () => {
    const steps: FailoverEvent[] = []
    const [standby] = server.replicaUrls
    const db = await open({
      primary: { url: standby, name: 'standby' }, replicas: [{ url: server.primaryUrl, name: 'writable' }],
      observers: [{ failover: (event) => { steps.push(event) } }],
    })
    await db.health.check()
    expect(db.health.isHealthy()).toBe(true)
    expect(db.health.status().nodes.map(({ name, role, says }) => [name, role, says])).toEqual([
      ['standby', 'replica', 'replica'], ['writable', 'primary', 'primary'],
    ])
    expect(steps.find(({ step }) => step === 'found')).toMatchObject({ node: 'writable', previous: 'standby' })
    expect((await db.execute('create table somewhere (id int)')).node).toBe('writable')
    // until it has caught up with what was just written, the read is answered where that is
    await eventually(async () => (await db.query('select 1')).node === 'standby')
  })
})

describe('one server under two addresses', () => {
  it('is one: the second takes reads, and that it says it is the primary is told as a warning once', async () => {
    const told = new Told()
    const db = await open({ primary: { url: server.primaryUrl, name: 'one' }, replicas: [{ url: server.primaryUrl, name: 'other' }], observers: [told] })
    await db.health.check()
    await db.health.check()
    const mismatches = told.warnings.filter(({ code }) => code === 'SLUICE_ROLE_MISMATCH').map(({ message }) => message)
    expect(mismatches).toEqual(['other is configured as replica and says it is a primary'])
    expect((await db.query('select 1')).node).toBe('other')
    expect((await db.execute('create table elsewhere (id int)')).node).toBe('one')
  })
})

describe('a primary that is a standby, and nobody else', () => {
  it('makes the database unhealthy, and takes no write', async () => {
    const [standby] = server.replicaUrls
    const db = await open({ primary: standby, replicas: [] })
    expect(db.health.isHealthy()).toBe(false)
    expect(await errorOf(db.execute('create table nowhere (id int)'))).toBeInstanceOf(ReadOnlyNodeError)
    expect(await db.value('select 1')).toBe(1)
  })

  it('is no trouble for a database that only reads', async () => {
    const [standby] = server.replicaUrls
    const db = await open({ primary: standby, replicas: [], readOnly: true })
    expect(db.health.isHealthy()).toBe(true)
    expect(await db.value('select 1')).toBe(1)
  })
})
