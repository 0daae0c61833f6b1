import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database, sql, type DatabaseOptions, type Transaction } from '../../../src/index.js'
import {
  mariadbConformance, mysqlConformance, pgliteConformance, postgresConformance, sqliteConformance, startCluster, type ConformanceSql,
} from '../../../src/testing/index.js'
import { eventually } from '../../support/eventually.js'

/** One engine with a scratch database, and how its server is asked what it is still doing. */
interface Engine {
  readonly url: string
  readonly words: ConformanceSql
  /** Sessions that run the text of `words.sleep`, but for the one that asks; undefined where there is no server to ask. */
  readonly sleepers: string | undefined
  close(): Promise<void>
}

async function server(engine: 'postgres' | 'mariadb' | 'mysql', words: ConformanceSql, sleepers: string): Promise<Engine> {
  const cluster = await startCluster({ engine })
  return { url: cluster.url, words, sleepers, close: () => cluster.destroy() }
}

const SLEEPING_THREADS = "select count(*) as n from information_schema.processlist where info like '%sleep(30)%' and id <> connection_id()"

const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  postgres: () => server('postgres', postgresConformance,
    "select count(*)::int as n from pg_stat_activity where state = 'active' and query like '%pg_sleep(30)%' and pid <> pg_backend_pid()"),
  mariadb: () => server('mariadb', mariadbConformance, SLEEPING_THREADS),
  mysql: () => server('mysql', mysqlConformance, SLEEPING_THREADS),
  sqlite: () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-invariants-'))
    const close = (): Promise<void> => { rmSync(folder, { recursive: true, force: true }); return Promise.resolve() }
    return Promise.resolve({ url: `sqlite:${join(folder, 'bank.db')}`, words: sqliteConformance, sleepers: undefined, close })
  },
  pglite: () => Promise.resolve({ url: 'pglite://memory', words: pgliteConformance, sleepers: undefined, close: () => Promise.resolve() }),
}

const ACCOUNTS = 6
const START = 1_000
const TRANSFERS = 96
const WORKERS = 32
/** The statement to be cancelled runs for thirty seconds. */
const WELL_BEFORE_ITS_END_MS = 15_000

/** Reads both balances before it writes them: lost updates show in the sum. */
async function move(tx: Transaction, id: number, from: number, to: number): Promise<void> {
  const balance = async (account: number): Promise<number> => Number(await tx.value(sql`select balance from account where id = ${account}`))
  const changes: (readonly [number, number])[] = [[from, await balance(from) - 1], [to, await balance(to) + 1]]
  for (const [account, value] of changes.sort(([a], [b]) => a - b)) await tx.execute(sql`update account set balance = ${value} where id = ${account}`)
  await tx.execute(sql`insert into transfer (id) values (${id})`)
}

async function many(count: number, work: (n: number) => Promise<unknown>): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled(Array.from({ length: count }, (_, n) => work(n)))
}

function rejected(results: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return results.filter((each) => each.status === 'rejected').map((each): unknown => each.reason)
}

describe.each(Object.keys(ENGINES))('the same work on %s', { timeout: 240_000 }, (name) => {
  let engine: Engine
  let db: Database

  const open = (options: DatabaseOptions = {}): Promise<Database> =>
    Database.open({ primary: engine.url, pool: { max: 8, acquireTimeoutMs: 60_000 }, ...options })

  beforeAll(async () => {
    engine = await ENGINES[name]!()
    db = await open()
    await db.execute('create table account (id int primary key, balance int not null)')
    await db.execute('create table transfer (id int primary key)')
    for (let id = 0; id < ACCOUNTS; id++) await db.execute(sql`insert into account (id, balance) values (${id}, ${START})`)
  }, 240_000)

  afterAll(async () => {
    await db.close()
    await engine.close()
  })

  const atRest = (): boolean => db.stats().nodes.every(({ inUse, waiting }) => inUse === 0 && waiting === 0)
  const total = async (): Promise<number> => Number(await db.value('select sum(balance) from account', [], { target: 'primary' }))

  it('bank: 32 at a time, serializable: none fails, the sum stays, every transfer is there once', async () => {
    let next = 0
    let attempts = 0
    const results = await many(WORKERS, async () => {
      while (next < TRANSFERS) {
        const id = next++
        await db.transaction((tx) => {
          attempts++
          return move(tx, id, id % ACCOUNTS, (id + 1 + id % 5) % ACCOUNTS)
        }, { isolationLevel: 'serializable', name: 'transfer', retries: 50 })
      }
    })
    expect(rejected(results)).toEqual([])
    expect(await total()).toBe(ACCOUNTS * START)
    const stored = (await db.query<{ id: number }>('select id from transfer order by id', [], { target: 'primary' })).rows.map(({ id }) => id)
    expect(stored).toEqual(Array.from({ length: TRANSFERS }, (_, id) => id))
    expect(attempts).toBeGreaterThanOrEqual(TRANSFERS)
    expect(atRest()).toBe(true)
  })

  it('serialization: what is read and written back in a serializable transaction is never lost', async () => {
    await db.execute('update account set balance = 0 where id = 0')
    const results = await many(40, () => db.transaction(async (tx) => {
      const value = Number(await tx.value('select balance from account where id = 0'))
      await tx.execute(sql`update account set balance = ${value + 1} where id = 0`)
    }, { isolationLevel: 'serializable', name: 'count', retries: 100 }))
    expect(rejected(results)).toEqual([])
    expect(Number(await db.value('select balance from account where id = 0', [], { target: 'primary' }))).toBe(40)
    await db.execute(sql`update account set balance = ${START} where id = 0`)
  })

  it('exactly once: work with a key, asked for by many at once and later again, is done once and answered alike', async () => {
    await db.execute('update account set balance = 0 where id = 0')
    const keys = Array.from({ length: 4 }, (_, n) => `order ${String(n)}`)
    const ask = (key: string): Promise<unknown> => db.transaction(async (tx) => {
      await tx.execute('update account set balance = balance + 1 where id = 0')
      return { key, nth: Number(await tx.value('select balance from account where id = 0')) }
    }, { idempotencyKey: key, retries: 50 })
    const results = await many(20, (n) => ask(keys[n % keys.length]!))
    expect(rejected(results)).toEqual([])
    const first = new Map(results.slice(0, keys.length).map((each, n) => [keys[n], each.status === 'fulfilled' ? each.value : undefined]))
    for (const [n, each] of results.entries()) expect(each).toEqual({ status: 'fulfilled', value: first.get(keys[n % keys.length]) })
    const add = sql`update account set balance = balance + 10 where id = 0`
    // a key is its characters, one by one
    const adds = ['add', 'add', 'add ', 'ADD', 'ädd'].map((idempotencyKey) => () => db.execute(add, { idempotencyKey }))
    for (const once of adds) expect((await once()).rowsAffected).toBe(1)
    expect(Number(await db.value('select balance from account where id = 0', [], { target: 'primary' }))).toBe(keys.length + 40)
    await db.execute(sql`update account set balance = ${START} where id = 0`)
  })

  it('leak: whatever goes wrong, every connection comes back and nothing half-done stays', async () => {
    const failing = [
      () => db.query('selec'),
      () => db.transaction(async (tx) => { await tx.execute('delete from account'); throw new Error('mine') }),
      () => db.transaction(async (tx) => { await tx.execute('update account set balance = 1'); await tx.query('select * from nowhere') }),
      () => db.transaction(async (tx) => { await tx.execute('delete from transfer'); await tx.transaction(() => { throw new Error('inner') }) }),
      () => db.connection(async (connection) => { await connection.query('select 1'); throw new Error('mine') }),
      () => db.query('select 1', [], { signal: AbortSignal.abort() }),
      async () => { for await (const row of db.stream('select id from transfer', [], { batchSize: 1 })) throw new Error(JSON.stringify(row)) },
      async () => { await using tx = await db.begin(); await tx.execute('delete from account'); throw new Error('dropped') },
    ]
    const results = await many(failing.length * 10, (n) => failing[n % failing.length]!())
    expect(rejected(results)).toHaveLength(failing.length * 10)
    await eventually(atRest)
    expect(await total()).toBe(ACCOUNTS * START)
    expect(Number(await db.value('select count(*) from transfer', [], { target: 'primary' }))).toBe(TRANSFERS)
  })

  it('full pool: who waits for a connection of his own hears so at once, and everybody else when the time is over', async () => {
    await using single = await open({ pool: { max: 1, acquireTimeoutMs: 500 } })
    const write = (options?: { readonly ambient: false }): Promise<unknown> => single.execute('delete from transfer where id < 0', [], options)
    // memory belongs to one Database
    if (engine.url.includes('memory')) await single.execute('create table transfer (id int primary key)')
    await single.transaction(async () => {
      await write() // part of the transaction
      await expect(write({ ambient: false })).rejects.toMatchObject({ code: 'SLUICE_POOL_DEADLOCK' })
    })
    const held = await single.begin()
    await expect(write()).rejects.toMatchObject({ code: 'SLUICE_POOL_TIMEOUT' })
    await held.rollback()
    await write()
    await eventually(() => single.stats().nodes.every(({ inUse, waiting }) => inUse === 0 && waiting === 0))
  })

  it('fairness: transactions are served in the order they were asked for', async () => {
    await using single = await open({ pool: { max: 1, acquireTimeoutMs: 60_000 } })
    // memory belongs to one Database
    if (!engine.url.includes('memory')) expect(await single.value('select count(*) from account')).toBeDefined()
    const order: number[] = []
    const results = await many(50, (n) => single.transaction(async (tx) => {
      order.push(n)
      await tx.query('select 1')
    }))
    expect(rejected(results)).toEqual([])
    expect(order).toEqual(Array.from({ length: 50 }, (_, n) => n))
  })

  it('cancel: a statement whose time is over ends on the server, or gives up its place in the line', async () => {
    const { sleep } = engine.words
    if (sleep === undefined) {
      const tx = await db.begin()
      await expect(db.query('select 1', [], { timeoutMs: 50 })).rejects.toMatchObject({ code: expect.stringMatching(/TIMEOUT/) as unknown })
      await tx.rollback()
    } else {
      const results = await many(4, (n) => n % 2 === 0
        ? db.query(sleep, [], { timeoutMs: 200, target: 'primary' })
        : db.query(sleep, [], { signal: AbortSignal.timeout(200), target: 'primary' }))
      expect(rejected(results)).toHaveLength(4)
      const { sleepers } = engine
      const sleeping = async (): Promise<number> => sleepers === undefined ? 0 : Number(await db.connection((connection) => connection.value(sleepers)))
      await eventually(async () => await sleeping() === 0, WELL_BEFORE_ITS_END_MS)
    }
    await eventually(atRest)
    expect(await total()).toBe(ACCOUNTS * START)
  })
})
