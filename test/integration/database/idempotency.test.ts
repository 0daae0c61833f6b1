import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, IdempotencyKeyError, QueryCancelledError, type Database } from '../../../src/index.js'
import { flakyProxy, type FlakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)
let proxy: FlakyProxy

beforeAll(async () => {
  proxy = await flakyProxy({ target: server.primaryUrl })
  await server.admin('create table entry (id int, note text)')
  await server.admin('create table account (id int primary key, balance int not null)')
  await server.admin('insert into account values (1, 0)')
  await server.admin('grant all on all tables in schema public to public')
})
afterAll(async () => { await proxy.close() })
beforeEach(async () => {
  await proxy.restore()
  await server.admin('truncate entry')
})

const INSERT = 'insert into entry (id) values ($1)'
const stored = async (): Promise<unknown[]> => (await server.admin('select id from entry order by id')).map(({ id }) => id)

/** A database whose every connection goes through the proxy, with the table of keys in place. */
async function through(options: Parameters<typeof open>[0] = {}): Promise<Database> {
  // a machine that is too busy to answer a probe in time must not look like a server that is gone
  const db = await open({ primary: proxy.url, replicas: [], health: { timeoutMs: 20_000 }, ...options })
  await db.execute('insert into entry (id) values (0)', { idempotencyKey: `table ${String(Math.random())}` })
  await server.admin('truncate entry')
  return db
}

describe('a transaction with an idempotency key', () => {
  it('is done once, and who asks again gets what it returned', async () => {
    const db = await open()
    let runs = 0
    const pay = (): Promise<unknown> => db.transaction(async (tx) => {
      runs++
      await tx.execute(INSERT, [1])
      return { receipt: 7, at: new Date(0) }
    }, { idempotencyKey: 'pay 1', name: 'pay' })
    const receipt = { receipt: 7, at: '1970-01-01T00:00:00.000Z' }
    expect([await pay(), await pay()]).toEqual([receipt, receipt])
    expect(runs).toBe(1)
    expect(await stored()).toEqual([1])
  })

  it('asked for by many at once in two processes is done once', async () => {
    const [one, other] = [await open(), await open()]
    const results = await Promise.all(Array.from({ length: 24 }, (_, index) => (index % 2 ? one : other).transaction(async (tx) => {
      await tx.execute('update account set balance = balance + 1 where id = 1')
      return index
    }, { idempotencyKey: 'once for all', isolationLevel: index % 3 ? 'read committed' : 'serializable' })))
    expect(new Set(results).size).toBe(1)
    expect(await server.admin('select balance from account')).toEqual([{ balance: 1 }])
  })

  it('that failed may be tried again', async () => {
    const db = await open()
    const options = { idempotencyKey: 'second time lucky' }
    const error = await errorOf(db.transaction(async (tx) => { await tx.execute(INSERT, [1]); throw new Error('mine') }, options))
    expect(error).toMatchObject({ message: 'mine' })
    const results = [await db.transaction(async (tx): Promise<unknown> => tx.execute(INSERT, [2]).then(() => undefined), options)]
    results.push(await db.transaction(() => 'never run', options))
    expect(results).toEqual([undefined, undefined])
    expect(await stored()).toEqual([2])
  })

  it('whose answer to COMMIT is cut thirty times: each is stored once, each tells its hooks once, none is unknown', async () => {
    const told = new Told()
    const db = await through({ observers: [told], pool: { max: 4, acquireTimeoutMs: 60_000 } })
    told.transactions.length = 0
    const watch = proxy.cutBefore('commit-answer', { times: 30 })
    let runs = 0
    const committed: number[] = []
    const results = await Promise.all(Array.from({ length: 30 }, (_, id) => db.transaction(async (tx) => {
      runs++
      tx.afterCommit(() => { committed.push(id) })
      await tx.execute(INSERT, [id])
      return id
    }, { idempotencyKey: `cut ${String(id)}` })))
    const all = Array.from({ length: 30 }, (_, id) => id)
    expect(watch.count).toBe(30)
    expect(results).toEqual(all)
    expect(await stored()).toEqual(all)
    expect(runs).toBe(30)
    expect(committed.sort((a, b) => a - b)).toEqual(all)
  })

  it('whose COMMIT is cut on its way is done by the second attempt, and only its hooks are told', async () => {
    const db = await through()
    const watch = proxy.cutBefore((message) => message.from === 'client' && message.sql?.toUpperCase() === 'COMMIT')
    const told: string[] = []
    let runs = 0
    await db.transaction(async (tx) => {
      const run = ++runs
      tx.afterCommit(() => told.push(`${String(run)} committed`))
      tx.afterRollback(() => told.push(`${String(run)} rolled back`))
      await tx.execute(INSERT, [run])
    }, { idempotencyKey: 'cut on its way' })
    expect(watch.count).toBe(1)
    expect(await stored()).toEqual([2])
    expect(told).toEqual(['1 rolled back', '2 committed'])
  })

  it('whose connection is lost in the middle runs again', async () => {
    const db = await through()
    let runs = 0
    await db.transaction(async (tx) => {
      await tx.execute(INSERT, [++runs])
      if (runs === 1) proxy.cut()
      await tx.execute(INSERT, [100 + runs])
    }, { idempotencyKey: 'lost in the middle' })
    expect(await stored()).toEqual([2, 102])
  })

  it('refuses a key that stands for other work, and results that cannot be stored', async () => {
    const db = await open()
    await db.transaction((tx) => tx.execute(INSERT, [1]), { idempotencyKey: 'taken', name: 'pay' })
    expect(await errorOf(db.transaction((tx) => tx.execute(INSERT, [2]), { idempotencyKey: 'taken', name: 'refund' }))).toBeInstanceOf(IdempotencyKeyError)
    expect(await errorOf(db.execute(INSERT, [2], { idempotencyKey: 'taken' }))).toMatchObject({ code: 'SLUICE_IDEMPOTENCY_KEY' })
    const unfit = [10n, () => 1, 'x'.repeat(70_000)]
    for (const [index, value] of unfit.entries()) {
      const error = await errorOf(db.transaction(async (tx) => { await tx.execute(INSERT, [3]); return value }, { idempotencyKey: `unfit ${String(index)}` }))
      expect(error).toBeInstanceOf(IdempotencyKeyError)
    }
    expect(await stored()).toEqual([1])
  })
})

describe('a change with an idempotency key', () => {
  it('is made once', async () => {
    const db = await open()
    const many = (values: readonly unknown[]): Promise<unknown> =>
      db.execute('select $1::bigint, $2::bytea, $3::timestamptz', values, { idempotencyKey: 'values' })
    const values = [10n, Buffer.from([1, 2]), new Date(0)]
    await many(values)
    await many([10n, Buffer.from([1, 2]), new Date(0)])
    for (const [at, other] of [11n, Buffer.from([1, 3]), new Date(1)].entries()) {
      expect(await errorOf(many(values.with(at, other)))).toBeInstanceOf(IdempotencyKeyError)
    }
    const first = await db.execute('insert into entry (id) values (1), (2)', { idempotencyKey: 'two rows' })
    const again = await db.execute('insert into entry (id) values (1), (2)', [], { idempotencyKey: 'two rows' })
    expect([first.rowsAffected, again.rowsAffected, again.node]).toEqual([2, 2, first.node])
    const rows = Array.from({ length: 1_200 }, (_, id) => ({ id: 10 + id, note: 'x' }))
    for (const _ of [1, 2]) expect(await db.insertMany('entry', rows, { idempotencyKey: 'many rows' })).toEqual({ rowsAffected: 1_200 })
    expect((await stored()).length).toBe(1_202)
    expect(await errorOf(db.insertMany('entry', rows.map((row) => ({ ...row, note: 'y' })), { idempotencyKey: 'many rows' }))).toBeInstanceOf(IdempotencyKeyError)
  })

  it('whose answer is lost is sent again, and made once', async () => {
    const db = await through()
    const watch = proxy.cutBefore('commit-answer', { times: 2 })
    expect(await db.execute(INSERT, [1], { idempotencyKey: 'lost answer' })).toMatchObject({ rowsAffected: 1 })
    expect(watch.count).toBeGreaterThan(0)
    expect(await stored()).toEqual([1])
  })
})

describe('a key', () => {
  it('is refused where it cannot be kept', async () => {
    const db = await open()
    const key = { idempotencyKey: 'k' }
    const refused = [
      () => db.query(INSERT, [1], key as never),
      () => db.begin(key),
      () => db.transaction(() => 1, { ...key, readOnly: true }),
      () => db.transaction(() => db.transaction(() => 1, key)),
      () => db.transaction(() => db.execute(INSERT, [1], key)),
      () => db.transaction((tx) => tx.execute(INSERT, [1], key)),
      () => db.connection((connection) => connection.execute(INSERT, [1], key)),
      () => db.execute(INSERT, [1], { idempotencyKey: '' }),
      () => db.execute(INSERT, [1], { idempotencyKey: 'x'.repeat(256) }),
    ]
    for (const call of refused) expect(await errorOf(call())).toBeInstanceOf(ConfigError)
    expect(await errorOf(db.execute('set search_path to x', key))).toMatchObject({ code: 'SLUICE_SESSION_STATEMENT' })
    expect(await stored()).toEqual([])
  })

  it('is forgotten when it is old, and its table comes back when it was dropped', async () => {
    const db = await open({ idempotency: { table: 'public.kept', keepMs: 60_000 } })
    await db.execute(INSERT, [1], { idempotencyKey: 'young' })
    expect(await server.admin('select idempotency_key from kept')).toEqual([{ idempotency_key: 'young' }])
    await server.admin('drop table kept')
    await db.execute(INSERT, [2], { idempotencyKey: 'lost table' })
    expect(await stored()).toEqual([1, 2])
  })

  it('waits for its table within the limits of its own call, and leaves the others to theirs', async () => {
    const db = await open({ idempotency: { table: 'awaited' } })
    const held = await db.begin()
    await held.execute('create table awaited (n int)')
    const abort = new AbortController()
    const first = errorOf(db.execute(INSERT, [1], { idempotencyKey: 'impatient', signal: abort.signal }))
    const second = db.execute(INSERT, [2], { idempotencyKey: 'patient' })
    await eventually(async () => (await server.admin("select from pg_stat_activity where wait_event_type = 'Lock' and query like 'create table if not exists%'")).length === 1)
    abort.abort()
    expect(await first).toBeInstanceOf(QueryCancelledError)
    await held.rollback()
    await second
    expect(await stored()).toEqual([2])
  })

  it('whose table may not be made says how', async () => {
    await server.admin('create schema closed')
    const db = await open({ idempotency: { table: 'closed.kept' } })
    const error = await errorOf(db.execute(INSERT, [1], { idempotencyKey: 'k' }))
    expect(error).toMatchObject({ name: 'QueryError', hint: expect.stringContaining('create table if not exists "closed"."kept"') as string })
    expect(await stored()).toEqual([])
    await eventually(() => db.stats().nodes.every(({ inUse }) => inUse === 0))
  })
})
