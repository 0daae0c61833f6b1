import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postgres } from '../../../src/drivers/postgres/index.js'
import { Database, registerDriver, type Driver } from '../../../src/index.js'
import { flakyProxy, startCluster, type Cluster } from '../../../src/testing/index.js'
import { eventually } from '../../support/eventually.js'
import { ownServers } from '../../support/own-servers.js'
import { Told } from './open.js'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster({
    engine: 'postgres', replicas: 2, provider: await ownServers(),
    settings: { max_connections: '40' }, hba: ['host all keyed 127.0.0.1/32 scram-sha-256'],
  })
})
afterAll(async () => { await cluster.destroy() })

const warnings: Error[] = []
const onWarning = (warning: Error): void => { warnings.push(warning) }
beforeEach(() => { process.on('warning', onWarning) })
afterEach(async () => { for (const node of cluster.nodes) if (node.state === 'stopped') await node.start() })
// of listeners above all: thousands of calls share a signal here, and dozens of connections are made at once
afterEach(async () => {
  await new Promise((resolve) => { setImmediate(resolve) })
  process.off('warning', onWarning)
  expect(warnings.splice(0)).toEqual([])
})

async function withDatabase(options: ConstructorParameters<typeof Database>[0] & object, work: (db: Database) => Promise<void>): Promise<void> {
  const db = await Database.open({ primary: cluster.url, replicas: [...cluster.replicaUrls], ...options })
  try {
    await work(db)
  } finally {
    await db.close({ drainMs: 1_000 })
  }
}

/** A driver that also tells what its connections are asked, in the order they are. */
function recording(driver: Driver, asked: (params: readonly unknown[]) => void): Driver {
  return {
    dialect: driver.dialect,
    async connect(settings, signal) {
      const connection = await driver.connect(settings, signal)
      const query = connection.query.bind(connection)
      connection.query = (statement) => {
        asked(statement.params)
        return query(statement)
      }
      return connection
    },
  }
}

const nodeNames = (): string[] => cluster.nodes.map(({ host, port }) => `${host}:${String(port)}`)

describe('ten thousand queries at once', () => {
  it('on a pool of ten are all answered, and started in the order they were asked', async () => {
    const started: unknown[] = []
    registerDriver('recorded', recording(postgres, (params) => { started.push(params[0]) }))
    const patient = { pool: { max: 10, acquireTimeoutMs: 60_000 }, health: { intervalMs: 60_000, timeoutMs: 60_000 } }
    await withDatabase({ primary: cluster.url.replace(/^\w+:/, 'recorded:'), replicas: [], ...patient }, async (db) => {
      const { signal } = new AbortController()
      started.length = 0
      const results = await Promise.all(Array.from({ length: 10_000 }, (_, n) => db.query<{ n: number }>('select $1::int as n', [n], { signal })))
      results.forEach(({ rows }, n) => { expect(rows).toEqual([{ n }]) })
      expect(db.stats()).toMatchObject({ errors: 0, primaryQueries: 10_000 })
      expect(db.stats().nodes[0]?.openConnections).toBeLessThanOrEqual(10)
    })
    // one that left a stuck connection was asked for once more: what counts is when it was first
    const first = new Set(started.filter((n) => typeof n === 'number'))
    expect([...first]).toEqual(Array.from({ length: 10_000 }, (_, n) => n))
  })

  it('of which one replica is killed in the middle: no read fails', async () => {
    const [, doomed, survivor] = cluster.nodes
    if (!doomed || !survivor) throw new Error('two replicas are needed')
    const told = new Told()
    await withDatabase({ pool: { max: 10, acquireTimeoutMs: 60_000 }, observers: [told], health: { intervalMs: 200, timeoutMs: 500 } }, async (db) => {
      const { signal } = new AbortController()
      let answered = 0
      let killed: Promise<void> | undefined
      const calls = Array.from({ length: 10_000 }, async (_, n) => {
        const result = await db.query<{ n: number }>('select $1::int as n', [n], { signal })
        if (++answered === 2_000) killed = doomed.kill()
        return result
      })
      const results = await Promise.allSettled(calls)
      await killed
      expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
      results.forEach((result, n) => { if (result.status === 'fulfilled') expect(result.value.rows).toEqual([{ n }]) })
      expect(db.stats().nodes.find(({ name }) => name.endsWith(`:${String(doomed.port)}`))).toMatchObject({ healthy: false, inUse: 0, waiting: 0 })
      // and it takes reads again when it is back
      await doomed.start()
      await eventually(async () => (await db.query('select 1')).node.endsWith(`:${String(doomed.port)}`), 20_000)
    })
  })
})

describe('a replica that falls silent', () => {
  it('is found out, its reads are answered by others, and it returns when it speaks again', async () => {
    const [, first] = cluster.nodes
    if (!first) throw new Error('a replica is needed')
    await using proxy = await flakyProxy({ target: first.url })
    const silent = `${proxy.host}:${String(proxy.port)}`
    const replicas = [proxy.url, cluster.replicaUrls[1] ?? '']
    await withDatabase({ replicas, health: { intervalMs: 100, timeoutMs: 250, failureThreshold: 2 }, pool: { max: 4 } }, async (db) => {
      await eventually(async () => (await db.query('select 1')).node === silent)
      proxy.blackHole()
      const startedAt = performance.now()
      const results = await Promise.allSettled(Array.from({ length: 40 }, () => db.query('select 1')))
      expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
      expect(performance.now() - startedAt).toBeLessThan(3_000)
      await eventually(() => db.stats().nodes.some(({ name, healthy }) => name === silent && !healthy))
      for (let turn = 0; turn < 10; turn++) expect((await db.query('select 1')).node).not.toBe(silent)
      await proxy.restore()
      await eventually(async () => (await db.query('select 1')).node === silent)
    })
  })
})

describe('every server falls silent', () => {
  it('and closing the database still ends in bounded time', async () => {
    const [first, second] = cluster.nodes
    if (!first || !second) throw new Error('two nodes are needed')
    await using one = await flakyProxy({ target: first.url })
    await using other = await flakyProxy({ target: second.url })
    const db = await Database.open({ primary: one.url, replicas: [other.url], health: { intervalMs: 50, timeoutMs: 10_000 } })
    const running = [db.query('select 1 from pg_sleep(30)', { target: 'primary' }), db.transaction((tx) => tx.query('select pg_sleep(30)'))]
    const ended = Promise.allSettled(running)
    await eventually(() => db.stats().nodes[0]?.inFlight === 2)
    one.blackHole()
    other.blackHole()
    const checked = db.health.check()
    const startedAt = performance.now()
    await db.close({ drainMs: 100 })
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    await checked
    expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})

describe('a password', () => {
  it('that is wrong is refused at once and never shown; a function is asked again when it has rotated', async () => {
    await withDatabase({ primary: cluster.superuserUrl, replicas: [] }, async (admin) => {
      await admin.execute("create role keyed login password 'right-one'")
      await admin.execute(`grant connect on database ${cluster.database} to keyed`)
    })
    const keyed = (password: string | (() => string)) => {
      const { host, port } = cluster.primary
      return { primary: { engine: 'postgres', host, port, user: 'keyed', database: cluster.database, password }, replicas: [] }
    }
    const startedAt = performance.now()
    const error = await Database.open(keyed('wrong-one')).then(() => undefined, (thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'SLUICE_AUTHENTICATION', permanent: true })
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    expect(JSON.stringify(error) + String(error)).not.toContain('wrong-one')
    const answers = ['stale-one', 'right-one']
    await withDatabase(keyed(() => answers.shift() ?? 'right-one'), async (db) => { await expect(db.value('select 1')).resolves.toBe(1) })
  })
})

describe('every replica is gone', () => {
  it('reads fall back to the primary where they may, and say why not where they may not', async () => {
    const dead = ['postgres://nobody@127.0.0.1:1/app', 'postgres://nobody@127.0.0.1:2/app']
    await withDatabase({ replicas: dead }, async (db) => {
      await expect(db.query('select 1')).resolves.toMatchObject({ node: nodeNames()[0], route: 'fallback' })
      await expect(db.transaction((tx) => tx.query('select 1'), { readOnly: true })).resolves.toMatchObject({ node: nodeNames()[0] })
    })
    await withDatabase({ replicas: dead, routing: { fallbackToPrimary: { maxShare: 0 } } }, async (db) => {
      const refused = db.query('select 1')
      await expect(refused).rejects.toMatchObject({ code: 'SLUICE_NO_REPLICA', transient: true })
      await expect(refused).rejects.toThrow(/127\.0\.0\.1:1 is down.*127\.0\.0\.1:2 is down/)
      await expect(db.primary.query('select 1')).resolves.toMatchObject({ rowCount: 1 })
    })
  })
})

describe('a server that is full', () => {
  it('gives a typed error in bounded time, and work goes on when there is room', async () => {
    // the administrator gets in where others are refused, and stays, so that nothing becomes free behind the hog
    await using admin = await Database.open({ primary: cluster.superuserUrl, pool: { min: 1, max: 1 } })
    const inside = "select count(*)::int from pg_stat_activity where backend_type = 'client backend' and usename is not null"
    await withDatabase({ replicas: [], pool: { max: 39, acquireTimeoutMs: 60_000 } }, async (hog) => {
      let release: () => void = () => undefined
      const released = new Promise<void>((resolve) => { release = resolve })
      const held: Promise<unknown>[] = []
      const hold = () => hog.connection(() => released).catch((error: unknown) => error)
      for (let index = 0; index < 39; index++) held.push(hold())
      // a login that was refused while others were still trying proves nothing: 3 of the 40 are the administrator's
      await eventually(async () => (hog.stats().nodes[0]?.connectFailures ?? 0) > 0 && (await admin.value<number>(inside) ?? 0) >= 37)
      // one that still finds room gives it back: the hog is waiting for it
      let late: unknown
      await eventually(async () => {
        late = await Database.open({ primary: cluster.url, pool: { acquireTimeoutMs: 3_000 }, connectTimeoutMs: 3_000 }).catch((error: unknown) => error)
        if (late instanceof Database) await late.close()
        return late instanceof Error
      })
      expect(late).toMatchObject({ code: 'SLUICE_TOO_MANY_CONNECTIONS', transient: true, neverSent: true })
      release()
      await Promise.all(held)
      await eventually(() => hog.stats().nodes[0]?.inUse === 0)
      await hog.close()
    })
    await withDatabase({ replicas: [] }, async (db) => { await expect(db.value('select 1')).resolves.toBe(1) })
  })
})
