import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Database, sql, type DatabaseOptions, type FailoverEvent } from '../../../src/index.js'
import { startCluster, type Cluster } from '../../../src/testing/index.js'
import { eventually } from '../../support/eventually.js'
import { Traffic } from '../../support/traffic.js'

const PATIENCE_MS = 60_000

describe.each(['mariadb', 'mysql'] as const)('failover of %s, by GTID', { timeout: 240_000 }, (engine) => {
  let cluster: Cluster
  let open: Database[]
  let steps: FailoverEvent[]

  beforeEach(async () => {
    open = []
    steps = []
    cluster = await startCluster({ engine, replicas: 2 })
  }, 240_000)
  afterEach(async () => {
    await Promise.all(open.map((db) => db.close({ drainMs: 500 })))
    await cluster.destroy()
  }, 180_000)

  async function opened(options: DatabaseOptions = {}): Promise<Database> {
    const [first, ...rest] = cluster.nodes.map(({ name, url }) => ({ name, url }))
    const db = await Database.open({
      primary: first, replicas: rest, health: { intervalMs: 500, timeoutMs: 5_000 }, failoverTimeoutMs: PATIENCE_MS,
      // a busy machine needs longer for a promotion than a statement may take by default
      statementTimeoutMs: 2 * PATIENCE_MS, observers: [{ failover: (event) => { steps.push(event) } }], ...options,
    })
    open.push(db)
    await db.execute('create table if not exists entry (id int primary key)')
    await cluster.waitForReplay()
    return db
  }

  const insert = (db: Database, id: number): Promise<{ readonly node: string }> => db.execute(sql`insert into entry (id) values (${id})`)
  const roles = (db: Database): Record<string, string> => Object.fromEntries(db.health.status().nodes.map(({ name, role, state }) => [name, `${role} ${state}`]))
  const storedIds = async (db: Database): Promise<number[]> =>
    (await db.query<{ id: number }>('select id from entry order by id', [], { target: 'primary' })).rows.map(({ id }) => id)

  it('the primary is killed and a replica promoted: writes wait and go on there, no read fails, and the old one comes back as a replica', async () => {
    const db = await opened()
    const traffic = new Traffic(db, { write: insert })
    await eventually(() => traffic.acknowledged.length > 50, PATIENCE_MS)
    const safe = new Set(traffic.acknowledged)
    await cluster.waitForReplay(PATIENCE_MS)
    await cluster.primary.kill()
    await eventually(() => steps.some(({ step }) => step === 'lost'), PATIENCE_MS)
    const promoted = await cluster.promote()
    const acceptsAt = performance.now()
    await eventually(() => traffic.firstAfter(acceptsAt) !== undefined, PATIENCE_MS)
    const report = await traffic.stop()
    expect([report.failedReads, report.refused]).toEqual([[], []])
    const stored = new Set(await storedIds(db))
    // asynchronous replication: what no replica had received is lost with the server; what they had, and what came later, is not
    const lost = report.acknowledged.filter((id, index) => !stored.has(id) && (safe.has(id) || (report.acknowledgedAt[index] ?? 0) > acceptsAt))
    expect(lost).toEqual([])
    await cluster.rejoin(0)
    await eventually(() => roles(db)['node1'] === 'replica up', PATIENCE_MS)
    await eventually(async () => (await db.query('select 1')).node === 'node1', PATIENCE_MS)
    expect(roles(db)[promoted.name]).toBe('primary up')
  })

  it('a planned switchover is a pause without errors: the old primary refuses writes, and the new one takes them when it has everything', async () => {
    const db = await opened()
    const traffic = new Traffic(db, { write: insert })
    await eventually(() => traffic.acknowledged.length > 50, PATIENCE_MS)
    const former = cluster.primary
    const operator = await Database.open(former.superuserUrl)
    open.push(operator)
    await operator.connection((connection) => connection.query('set global read_only = 1'))
    await cluster.waitForReplay(PATIENCE_MS)
    const promoted = await cluster.promote()
    const acceptsAt = performance.now()
    await eventually(() => traffic.firstAfter(acceptsAt) !== undefined, PATIENCE_MS)
    const report = await traffic.stop()
    expect([report.failedReads, report.refused, report.unknown]).toEqual([[], [], []])
    const stored = new Set(await storedIds(db))
    expect(report.acknowledged.filter((id) => !stored.has(id))).toEqual([])
    expect(roles(db)).toMatchObject({ [promoted.name]: 'primary up' })
  })

  it('a former primary that was frozen and takes writes again is fenced, also by who comes later; once both have written it is a split brain', async () => {
    const db = await opened()
    await insert(db, 1)
    await cluster.waitForReplay()
    const former = cluster.primary
    await former.freeze()
    await eventually(() => steps.some(({ step }) => step === 'lost'), PATIENCE_MS)
    const promoted = await cluster.promote()
    expect((await insert(db, 2)).node).toBe(promoted.name)
    await former.thaw()
    await eventually(() => db.health.status().nodes[0]?.fenced?.includes('a former primary') === true, PATIENCE_MS)
    const late = await opened()
    for (const [index, each] of [db, late].entries()) {
      const answers = await Promise.all(Array.from({ length: 20 }, async (_, n) => n % 2 === 0 ? each.query('select 1') : insert(each, 100 * (index + 1) + n)))
      expect(answers.map(({ node }) => node)).not.toContain(former.name)
    }
    expect(roles(late)[promoted.name]).toBe('primary up')

    // two that have each written what the other has not: nobody who comes later can tell
    const alone = new Database({ primary: former.url, failoverTimeoutMs: 0 })
    open.push(alone)
    await insert(alone, 3)
    const [one, ...rest] = cluster.nodes.map(({ name, url }) => ({ name, url }))
    const lost = new Database({ primary: one, replicas: rest, failoverTimeoutMs: 0, health: { intervalMs: 500, timeoutMs: 5_000 } })
    open.push(lost)
    await lost.connect().catch(() => undefined)
    await lost.health.check()
    await expect(insert(lost, 4)).rejects.toMatchObject({ code: 'SLUICE_SPLIT_BRAIN' })
    // who saw the succession knows better
    expect((await insert(db, 5)).node).toBe(promoted.name)
    await former.kill()
    await eventually(() => insert(lost, 6).then(({ node }) => node === promoted.name, () => false), PATIENCE_MS)
  })
})
