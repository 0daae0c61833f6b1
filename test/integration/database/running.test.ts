import { beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const [primary = '', ...replicas] = [server.primaryUrl, ...server.replicaUrls].map((url) => new URL(url).host)

beforeAll(async () => {
  await server.admin('create table item (id int primary key, grp int)')
  await server.admin('insert into item select n, n % 10 from generate_series(1, 20000) n')
  await server.admin('analyze item')
  await server.admin('grant all on all tables in schema public to public')
  await server.waitForReplay()
})

describe('stats', () => {
  it('count what ran where, and what failed', async () => {
    const told = new Told()
    const db = await open({ slowQueryMs: 50, observers: [told] })
    for (let turn = 0; turn < 4; turn++) await db.query('select 1')
    await db.execute('update item set grp = grp where id = 1')
    await db.query('select pg_sleep(0.06)', { target: 'primary' })
    await errorOf(db.query('select 1 / 0', { target: 'primary' }))
    await db.transaction((tx) => tx.query('select 1'))
    const stats = db.stats()
    // on a busy machine others may be slow, too: what is counted is what the observers were told
    const slow = told.queries.filter(({ durationMs }) => durationMs >= 50)
    expect(slow.map(({ text }) => text)).toContain('select pg_sleep(0.06)')
    expect(stats).toMatchObject({ primaryQueries: 3, replicaQueries: 4, errors: 1, slowQueries: slow.length })
    expect(stats.totalLatencyMs).toBeGreaterThan(60)
    expect(stats.latency.p50).toBeGreaterThan(0)
    expect(stats.latency.p99).toBeGreaterThanOrEqual(stats.latency.p50)
    expect(stats.nodes.map(({ name, role, healthy }) => ({ name, role, healthy }))).toEqual([
      { name: primary, role: 'primary', healthy: true }, ...replicas.map((name) => ({ name, role: 'replica', healthy: true })),
    ])
    expect(stats.nodes.map(({ inUse, waiting }) => [inUse, waiting])).toEqual([[0, 0], [0, 0], [0, 0]])
    expect(stats.nodes[0]).toMatchObject({ openConnections: 1, idle: 1, max: 10, lagMs: 0 })
  })

  it('show what is in use and who waits at this moment', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const calls = [db.query('select pg_sleep(0.2)'), db.query('select 1'), db.query('select 1')]
    await eventually(() => db.stats().nodes[0]?.inUse === 1)
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 1, waiting: 2, inFlight: 1 })
    await Promise.all(calls)
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 0, waiting: 0, waitCount: 3 })
  })
})

describe('configurePool', () => {
  it('raises the limit for those who wait already', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const seen = new AbortController()
    const calls = Array.from({ length: 3 }, () => errorOf(db.query('select pg_sleep(20)', [], { signal: seen.signal })))
    await eventually(() => db.stats().nodes[0]?.inUse === 1)
    db.configurePool({ max: 3 })
    await eventually(() => db.stats().nodes[0]?.inUse === 3)
    seen.abort()
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'SLUICE_QUERY_CANCELLED' })
  })

  it('lowers the limit without failing anybody', async () => {
    const db = await open({ replicas: [], pool: { max: 4 } })
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => { release = resolve })
    const calls = Array.from({ length: 12 }, () => db.connection(() => released))
    await eventually(() => db.stats().nodes[0]?.inUse === 4)
    db.configurePool({ max: 1 })
    release()
    await Promise.all(calls)
    await eventually(() => db.stats().nodes[0]?.openConnections === 1)
  })

  it('changes one node when it is named', async () => {
    const db = await open()
    db.configurePool({ max: 3 }, primary)
    expect(db.stats().nodes.map(({ max }) => max)).toEqual([3, 10, 10])
    db.configurePool({ max: 5 })
    expect(db.stats().nodes.map(({ max }) => max)).toEqual([5, 5, 5])
  })

  const WRONG: readonly [limits: object, option: string][] = [
    [{ max: 0 }, 'pool.max'], [{ max: 2.5 }, 'pool.max'], [{ min: 11 }, 'pool.min'], [{ acquireTimeoutMs: -1 }, 'pool.acquireTimeoutMs'],
    [{ validation: 'sometimes' }, 'pool.validation'], [{ maxx: 3 }, 'pool.maxx'],
  ]

  it.each(WRONG)('refuses %j, and changes nothing', async (limits, option) => {
    const db = await open({ replicas: [] })
    expect(() => { db.configurePool(limits) }).toThrow(ConfigError)
    expect(() => { db.configurePool(limits) }).toThrow(option)
    expect(db.stats().nodes[0]?.max).toBe(10)
  })

  it('refuses an unknown node and names those there are', async () => {
    const db = await open()
    expect(() => { db.configurePool({ max: 2 }, 'elsewhere:1') }).toThrow(primary)
  })
})

describe('resetPool', () => {
  it('replaces every connection under load without failing a call', async () => {
    const db = await open({ replicas: [], pool: { max: 4 } })
    const opened = () => db.stats().nodes[0]?.opened ?? 0
    let stop = false
    let answered = 0
    const load = Array.from({ length: 8 }, async () => {
      while (!stop) {
        await db.query('select pg_sleep(0.002)')
        answered++
      }
    })
    await eventually(() => opened() === 4)
    for (let round = 1; round <= 3; round++) {
      const before = answered
      await db.resetPool()
      await eventually(() => opened() >= 4 + 4 * round && answered > before + 8)
    }
    stop = true
    await Promise.all(load)
    expect(db.stats().errors).toBe(0)
    expect(db.stats().nodes[0]).toMatchObject({ openConnections: 4, inUse: 0 })
  })
})

describe('all backends killed while idle', () => {
  it('is not noticed by the next queries, and nothing is thrown into the void', async () => {
    const unhandled: unknown[] = []
    const onUnhandled = (error: unknown): void => { unhandled.push(error) }
    process.on('uncaughtException', onUnhandled)
    process.on('unhandledRejection', onUnhandled)
    try {
      const told = new Told()
      const db = await open({ pool: { max: 5, min: 5 }, observers: [told], health: { intervalMs: 100 } })
      await Promise.all(Array.from({ length: 15 }, () => db.query('select pg_sleep(0.02)')))
      await server.admin("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'sluice'")
      await eventually(async () => (await server.admin(
        "select 1 from pg_stat_activity where datname = current_database() and application_name = 'sluice' and backend_start < now() - interval '1 s'")).length === 0)
      const calls = Array.from({ length: 30 }, (_, index) => index % 3 === 0
        ? db.execute('update item set grp = grp where id = $1', [index])
        : db.query('select id from item where id = $1', [index + 1]))
      const results = await Promise.allSettled(calls)
      expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
      await expect(db.transaction((tx) => tx.value('select 1'))).resolves.toBe(1)
    } finally {
      process.off('uncaughtException', onUnhandled)
      process.off('unhandledRejection', onUnhandled)
    }
    expect(unhandled).toEqual([])
  })
})

describe('explain', () => {
  it('gives the plan, its cost and its node', async () => {
    const db = await open()
    const plan = await db.explain('select * from item where id = $1', [7])
    expect(plan.text).toContain('item_pkey')
    expect(plan.cost).toBeGreaterThan(0)
    expect(plan.executionMs).toBeUndefined()
    expect([primary, ...replicas]).toContain(plan.node)
  })

  it('with analyze measures, and advises where many rows are read for few', async () => {
    const db = await open()
    const plan = await db.explain('select * from item where grp = 3 and id % 1000 = 3', [], { analyze: true })
    expect(plan.executionMs).toBeGreaterThan(0)
    expect(plan.advice.join(' ')).toMatch(/item.*index/)
  })

  it('with analyze of a DELETE changes nothing', async () => {
    const db = await open()
    const plan = await db.explain('delete from item where id <= $1', [100], { analyze: true })
    expect(plan.text).toContain('item')
    expect(plan.executionMs).toBeGreaterThan(0)
    expect(plan.node).toBe(primary)
    await expect(db.primary.value('select count(*)::int from item')).resolves.toBe(20_000)
    await db.transaction(async (tx) => {
      await db.explain('delete from item', [], { analyze: true })
      await expect(tx.value('select count(*)::int from item')).resolves.toBe(20_000)
    })
  })
})

describe('health', () => {
  it('knows every node, its lag and its version', async () => {
    const db = await open()
    const status = await db.health.check()
    expect(status.healthy).toBe(true)
    expect(status.nodes).toHaveLength(3)
    for (const node of status.nodes) {
      expect(node).toMatchObject({ state: 'up', lagging: false, lastError: undefined, version: expect.stringMatching(/^\d+/) as unknown })
      expect(node.checkedAt).toBeGreaterThan(Date.now() - 60_000)
    }
    expect(db.health.replicationLag().map(({ node }) => node)).toEqual(replicas)
  })

  it('can be stopped and started again', async () => {
    const db = await open({ health: { intervalMs: 30 } })
    await db.health.stop()
    const stoppedAt = db.health.status().nodes[0]?.checkedAt ?? 0
    db.health.start()
    await eventually(() => (db.health.status().nodes[0]?.checkedAt ?? 0) > stoppedAt)
    expect(db.health.status().nodes.every(({ state }) => state === 'up')).toBe(true)
  })

  it('does not take its own process being busy for a silent server', async () => {
    const db = await open({ health: { timeoutMs: 300, intervalMs: 60_000, failureThreshold: 1 } })
    await eventually(async () => (await db.health.check()).nodes.every(({ state }) => state === 'up'))
    for (let turn = 0; turn < 3; turn++) {
      const checking = db.health.check()
      await new Promise((resolve) => { setImmediate(resolve) })
      const blockedUntil = performance.now() + 400
      while (performance.now() < blockedUntil);
      expect((await checking).nodes.map(({ state, lastError }) => ({ state, lastError }))).toEqual(Array(3).fill({ state: 'up', lastError: undefined }))
    }
  })

  it('asks nobody once the database is closed', async () => {
    const db = await open()
    await db.close()
    await db.health.check()
    const rows = await server.admin("select 1 from pg_stat_activity where datname = current_database() and application_name = 'sluice'")
    expect(rows).toEqual([])
  })
})

describe('close', () => {
  it('lets what is under way end, refuses the rest, and may be called again', async () => {
    const db = await open({ replicas: [] })
    const running = db.value('select 5 from pg_sleep(0.2)')
    await eventually(() => db.stats().nodes[0]?.inUse === 1)
    const closing = db.close({ drainMs: 5_000 })
    await expect(db.query('select 1')).rejects.toMatchObject({ code: 'SLUICE_POOL_CLOSED', neverSent: true })
    await expect(db.transaction(() => 1)).rejects.toMatchObject({ code: 'SLUICE_POOL_CLOSED' })
    await expect(running).resolves.toBe(5)
    await closing
    await db.close()
  })
})
