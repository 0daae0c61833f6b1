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
}, 180_000)

async function open(options: DatabaseOptions = {}): Promise<Database> {
  steps = []
  const [first, ...rest] = cluster.nodes.map(({ name, url }) => ({ name, url }))
  db = await Database.open({
    primary: first, replicas: rest, health: { intervalMs: 500, timeoutMs: 5_000 }, observers: [{ failover: (event) => { steps.push(event) } }], ...options,
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
  }, 180_000)
})

describe('a former primary', () => {
  it('that comes back taking writes is fenced: nothing is sent to it, neither writes nor reads', async () => {
    const db = await open()
    await cluster.primary.kill()
    const promoted = await cluster.promote(1)
    await db.execute('insert into entry values (1000)')
    await cluster.node(0).start()
    await eventually(() => db.health.status().nodes[0]?.fenced?.includes('a former primary') === true)
    const answers = await Promise.all(Array.from({ length: 60 }, async (_, index) =>
      index % 2 === 0 ? db.query('select 1') : db.execute('insert into entry values ($1)', [index])))
    expect(new Set(answers.map(({ node }) => node))).not.toContain('node1')
    expect(steps.map(({ step, node }) => `${step} ${node}`)).toContain('fenced node1')
    expect(roles(db)[promoted.name]).toBe('primary up')
  }, 180_000)

  it('named as the primary by an old configuration is not believed: the new one is found at start, the old one alone is refused', async () => {
    const first = await open()
    await cluster.primary.kill()
    const promoted = await cluster.promote(1)
    await first.execute('insert into entry values (1)')
    await first.close()
    db = undefined
    const dead = await open()
    expect((await dead.execute('insert into entry values (2)')).node).toBe(promoted.name)
    await dead.close()
    await cluster.node(0).start()
    const serving = await open()
    expect((await serving.execute('insert into entry values (3)')).node).toBe(promoted.name)
    expect(await storedIds(serving)).toEqual([1, 2, 3])
  }, 180_000)
})

describe('a planned switchover', () => {
  it('is a pause without errors', async () => {
    const db = await open()
    const traffic = new Traffic(db)
    await eventually(() => traffic.acknowledged.length > 50)
    await cluster.primary.stop('fast')
    await cluster.promote()
    const acceptsAt = performance.now()
    await eventually(() => traffic.firstAfter(acceptsAt) !== undefined)
    const report = await traffic.stop()
    expect([report.failedReads, report.refused, report.unknown]).toEqual([[], [], []])
    const stored = new Set(await storedIds(db))
    expect(report.acknowledged.filter((id) => !stored.has(id))).toEqual([])
  }, 180_000)
})

describe('without a primary', () => {
  it('a read of what was written of late waits for a replica that has it, instead of asking for the primary', async () => {
    const db = await open({ failoverTimeoutMs: 0, consistency: { causalReadsTimeoutMs: 20_000 } })
    await cluster.replicas[0]?.pauseReplay()
    await cluster.replicas[1]?.pauseReplay()
    await db.execute('insert into entry values (1)')
    await cluster.primary.kill()
    await eventually(() => steps.some(({ step }) => step === 'lost'))
    const read = db.query('select id from entry')
    await cluster.replicas[1]?.resumeReplay()
    expect(await read).toMatchObject({ rows: [{ id: 1 }], node: 'node3', route: 'read' })
  }, 180_000)

  it('writes fail at once or after failoverTimeoutMs, saying what is known of each node, and reads go on', async () => {
    const impatient = await open({ failoverTimeoutMs: 0, consistency: { causalReadsTimeoutMs: 20_000 } })
    await cluster.primary.kill()
    await eventually(() => steps.some(({ step }) => step === 'lost'))
    await expect(impatient.execute('insert into entry values (1)')).rejects.toMatchObject({ code: 'SLUICE_NO_PRIMARY' })
    expect((await impatient.query('select count(*)::int as n from entry')).rows).toEqual([{ n: 0 }])
    expect(impatient.health.isHealthy()).toBe(false)
    const patient = await Database.open({
      primary: { name: 'node1', url: cluster.node(0).url }, replicas: cluster.replicas.map(({ name, url }) => ({ name, url })), failoverTimeoutMs: 300,
    }).catch((error: unknown) => error)
    expect(patient).toMatchObject({ name: 'ConnectionError' })
    await cluster.node(0).start()
    await eventually(() => impatient.health.isHealthy())
    await impatient.execute('insert into entry values (2)')
    expect(steps.map(({ step }) => step)).toEqual(['lost', 'found'])
  }, 180_000)
})
