import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, QueryTimeoutError, type Database, type QueryEvent, type RetryPolicy } from '../../../src/index.js'
import { flakyProxy, type FlakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf, opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)
let proxy: FlakyProxy

beforeAll(async () => {
  proxy = await flakyProxy({ target: server.replicaUrls[1] ?? '' })
  await server.admin('create table entry (id int)')
  await server.admin('grant all on entry to public')
})
afterAll(async () => { await proxy.close() })
beforeEach(async () => {
  await proxy.restore()
  await server.admin('truncate entry')
})

const SLOW_MS = 30_000
/** Enough for a server that answers, on a slow machine. */
const TRY_MS = 1_000
const stored = async (): Promise<unknown[]> => (await server.admin('select id from entry order by id')).map(({ id }) => id)

/** Two replicas, one of them behind a link that takes seconds; only queries that were asked see it. */
async function withSlowReplica(retry: RetryPolicy, events: QueryEvent[] = []): Promise<Database> {
  const db = await open({
    replicas: [{ name: 'quick', url: server.replicaUrls[0] }, { name: 'slow', url: proxy.url }], retry, pool: { lanes: 0 },
    routing: { ejection: false, strategy: (nodes) => nodes.find(({ name }) => name === 'slow') ?? nodes[0]! },
    health: { intervalMs: 60_000, timeoutMs: 30_000 }, observers: [{ query: (event) => { events.push(event) } }],
  })
  expect((await db.query('select 1', [], { retry: { perTryTimeoutMs: 0 } })).node).toBe('slow')
  proxy.delay(SLOW_MS)
  return db
}

describe('a read that takes longer than one try may', () => {
  it('is asked elsewhere, within the limit of the call', async () => {
    const events: QueryEvent[] = []
    const db = await withSlowReplica({ perTryTimeoutMs: TRY_MS }, events)
    const { node, durationMs } = await db.query('select 1')
    expect(node).toBe('quick')
    expect(durationMs).toBeLessThan(SLOW_MS)
    const tries = events.slice(1).map(({ node: on, attempt, error }) => [on, attempt, error === undefined])
    expect([tries[0], tries.at(-1)?.[0], tries.at(-1)?.[2]]).toEqual([['slow', 1, false], 'quick', true])
  })

  it.each<[string, (db: Database) => Promise<{ node: string }>]>([
    ['a call', (db) => db.query('select 1', [], { retry: { perTryTimeoutMs: TRY_MS } })],
    ['a face', (db) => db.with({ retry: { perTryTimeoutMs: TRY_MS } }).query('select 1')],
  ])('as %s wants it', async (_what, ask) => {
    expect((await ask(await withSlowReplica({}))).node).toBe('quick')
  })

  it.each([{ perTryTimeoutMs: 150, maxAttempts: 1 }, { timeoutMs: 200 }])('is not asked again with %j', async (retry) => {
    const db = await withSlowReplica({})
    expect(await errorOf(db.query('select 1', [], { retry }))).toBeInstanceOf(QueryTimeoutError)
  })

  it('is cancelled on the server it left', async () => {
    const db = await open({ retry: { perTryTimeoutMs: 200, maxAttempts: 2 } })
    expect(await errorOf(db.query('select pg_sleep(60)', [], { target: 'primary' }))).toBeInstanceOf(QueryTimeoutError)
    const sleeping = "select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()"
    await eventually(async () => (await server.admin(sleeping))[0]?.['n'] === 0)
  })
})

describe('what changes data', () => {
  it('is never cut short by the limit of one try', async () => {
    const db = await open({ retry: { perTryTimeoutMs: 50 } })
    await db.execute('insert into entry select 1 from pg_sleep(0.4)')
    expect(await stored()).toEqual([1])
  })

  it('in a transaction is rolled back when a try takes too long, and the whole of it runs again', async () => {
    const db = await open()
    let runs = 0
    const value = await db.transaction(async (tx) => {
      const run = ++runs
      await tx.execute('insert into entry values ($1)', [run])
      if (run < 3) await tx.query('select pg_sleep(60)')
      return run
    }, { retry: { perTryTimeoutMs: 2 * TRY_MS, maxAttempts: 3 } })
    expect([value, await stored()]).toEqual([3, [3]])
  })

  it('in a transaction runs as often as the policy says, and no longer than it says in all', async () => {
    const db = await open()
    let runs = 0
    const hang = (retry: RetryPolicy): Promise<unknown> => errorOf(db.transaction(async (tx) => { runs++; await tx.query('select pg_sleep(60)') }, { retry }))
    expect(await hang({ perTryTimeoutMs: 200, maxAttempts: 2 })).toBeInstanceOf(QueryTimeoutError)
    expect(runs).toBe(2)
    expect(await hang({ perTryTimeoutMs: 200, maxAttempts: 1_000, timeoutMs: 900 })).toBeInstanceOf(QueryTimeoutError)
    expect(runs).toBeLessThan(10)
    await eventually(() => db.stats().nodes.every(({ inUse }) => inUse === 0))
  })
})

describe('a policy', () => {
  it.each([{ maxAttempts: 0 }, { attempts: 3 }, { perTryTimeoutMs: -1 }, { backoff: 10 }, { backoff: { base: 1 } }, 3])('%j is refused', async (retry) => {
    const db = await open()
    expect(await errorOf(db.query('select 1', [], { retry: retry as never }))).toBeInstanceOf(ConfigError)
    expect(await errorOf(db.transaction(() => 1, { retry: retry as never }))).toBeInstanceOf(ConfigError)
  })
})
