import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Database, type DatabaseOptions, type FailoverEvent } from '../../../src/index.js'
import { startCluster, type Cluster } from '../../../src/testing/index.js'
import { eventually } from '../../support/eventually.js'
import { ownServers } from '../../support/own-servers.js'
import { Traffic } from '../../support/traffic.js'

let cluster: Cluster
let db: Database | undefined
let steps: FailoverEvent[]

beforeEach(async () => {
  cluster = await startCluster({ engine: 'postgres', replicas: 2, provider: await ownServers() })
})
afterEach(async () => {
  await db?.close({ drainMs: 500 })
  await cluster.destroy()
}, 60_000)

async function open(options: DatabaseOptions = {}): Promise<Database> {
  steps = []
  const [first, ...rest] = cluster.nodes.map(({ name, url }) => ({ name, url }))
  db = await Database.open({
    primary: first, replicas: rest, health: { intervalMs: 500, timeoutMs: 1_000 }, observers: [{ failover: (event) => { steps.push(event) } }], ...options,
  })
  await db.execute('create table if not exists entry (id int primary key)')
  await cluster.waitForReplay()
  return db
}

const roles = (on: Database): Record<string, string> => Object.fromEntries(on.health.status().nodes.map(({ name, role, state }) => [name, `${role} ${state}`]))

async function storedIds(on: Database): Promise<number[]> {
  return (await on.query<{ id: number }>('select id from entry order by id', [], { target: 'primary' })).rows.map(({ id }) => id)
}

describe('the primary is killed and a replica promoted', () => {
  it('writes wait and go on there, no acknowledged write is lost, no read fails, and the old one comes back as a replica', async () => {
    const db = await open()
    const traffic = new Traffic(db)
    await eventually(() => traffic.acknowledged.length > 50)
    await cluster.primary.kill()
    await eventually(() => steps.some(({ step }) => step === 'lost'))
    const promoted = await cluster.promote(1)
    const acceptsAt = performance.now()
    await eventually(() => traffic.firstAfter(acceptsAt) !== undefined)
    await eventually(() => traffic.acknowledged.length > 100)

    const report = await traffic.stop()
    expect(report.failedReads).toEqual([])
    expect(report.refused).toEqual([])
    const stored = new Set(await storedIds(db))
    expect(report.acknowledged.filter((id) => !stored.has(id))).toEqual([])
    await cluster.rejoin(0)
    await eventually(() => roles(db)['node1'] === 'replica up' && db.health.status().nodes[0]?.lagMs === 0, 20_000)
    await eventually(async () => (await db.query('select 1')).node === 'node1')
    expect(roles(db)[promoted.name]).toBe('primary up')
  }, 60_000)
})
