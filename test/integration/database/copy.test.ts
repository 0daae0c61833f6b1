import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConstraintError, QueryCancelledError, QueryError, QueryTimeoutError, ReadOnlyNodeError, type Database } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf, opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const FROM = 'copy item (id, v) from stdin (format csv)'
const TO = 'copy (select id, v from item order by id) to stdout (format csv)'

beforeAll(async () => {
  await server.admin('create table item (id int primary key, v text)')
  await server.admin('grant all on item to public')
})
beforeEach(async () => { await server.admin('truncate item') })

const stored = async (): Promise<number> => Number((await server.admin('select count(*) as n from item'))[0]?.['n'])
const fill = (rows: number): Promise<unknown> => server.admin(`insert into item select g, repeat('x', 100) from generate_series(1, ${String(rows)}) g`)

function* lines(count: number): Generator<string> {
  for (let id = 1; id <= count; id++) yield `${String(id)},"a, ""b"" ü"\n`
}

async function text(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

/** Nothing is held, and the connections work. */
async function sound(db: Database): Promise<void> {
  await eventually(() => db.stats().nodes.every(({ inUse }) => inUse === 0))
  expect((await db.query('select 1 as one', [], { target: 'primary' })).rows).toEqual([{ one: 1 }])
}

/** A source that gives some lines and then does `what`. */
async function* sourceThen(what: () => Promise<never>): AsyncGenerator<string> {
  yield* lines(10)
  await what()
}

const never = (): Promise<never> => new Promise(() => undefined)

describe('copyFrom', () => {
  it.each<[string, () => Iterable<string> | AsyncIterable<string | Buffer>]>([
    ['lines', () => lines(5_000)],
    ['a stream of bytes cut anywhere', () => Readable.from([Buffer.from([...lines(5_000)].join('')).subarray(0, 777), Buffer.from([...lines(5_000)].join('')).subarray(777)])],
  ])('stores all of %s', async (_what, source) => {
    const db = await open()
    const result = await db.copyFrom(FROM, source())
    expect(result).toMatchObject({ rowsAffected: 5_000, node: new URL(server.primaryUrl).host })
    expect(await server.admin('select id, v from item order by id limit 1')).toEqual([{ id: 1, v: 'a, "b" ü' }])
    await sound(db)
  })

  it('of nothing stores nothing', async () => {
    const db = await open()
    expect(await db.copyFrom(FROM, [])).toMatchObject({ rowsAffected: 0 })
  })

  it('is part of a transaction, and undone with it', async () => {
    const db = await open()
    await db.transaction(async (tx) => {
      await tx.copyFrom(FROM, lines(10))
      expect(await tx.value('select count(*)::int from item')).toBe(10)
    })
    expect(await errorOf(db.transaction(async (tx) => {
      await tx.copyFrom('copy item (id) from stdin', ['100\n'])
      throw new Error('no')
    }))).toMatchObject({ message: 'no' })
    expect(await stored()).toBe(10)
    await sound(db)
  })

  it('that the server refuses half-way stores nothing, and reads no more of the source', async () => {
    const db = await open()
    let closed = false
    const endless = async function* (): AsyncGenerator<string> {
      try {
        yield '1,a\n1,b\n'
        for (let id = 2; ; id++) yield `${String(id)},${'x'.repeat(10_000)}\n`
      } finally {
        closed = true
      }
    }
    expect(await errorOf(db.copyFrom('copy item (id, v) from stdin (format csv, nonsense)', endless()))).toBeInstanceOf(QueryError)
    expect(closed).toBe(false)
    expect(await errorOf(db.copyFrom('copy item (id, v) from stdin (format csv, header match)', endless()))).toBeInstanceOf(QueryError)
    await eventually(() => closed)
    expect(await errorOf(db.copyFrom(FROM, ['1,a\n1,b\n']))).toBeInstanceOf(ConstraintError)
    expect(await stored()).toBe(0)
    await sound(db)
  })

  it('whose source fails stores nothing and tells why', async () => {
    const db = await open()
    const why = new Error('disk gone')
    const error = await errorOf(db.copyFrom(FROM, sourceThen(() => Promise.reject(why))))
    expect(error).toBeInstanceOf(QueryError)
    expect((error as Error).cause).toBe(why)
    expect(await errorOf(db.copyFrom(FROM, [1 as unknown as string]))).toMatchObject({ cause: { message: 'expected chunks of text or bytes from the source, got number' } })
    const locked = { [Symbol.asyncIterator]: () => { throw why } }
    expect(await errorOf(db.copyFrom(FROM, locked))).toMatchObject({ cause: why })
    const stubborn = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: '1,a\n1,b\n'.repeat(10_000) }), return: () => { throw new Error('not now') } }) }
    expect(await errorOf(db.copyFrom(FROM, stubborn))).toBeInstanceOf(ConstraintError)
    expect(await stored()).toBe(0)
    await sound(db)
  })

  it('whose source stops giving ends with its limits: the server waits for data and hears no cancel', async () => {
    const db = await open()
    expect(await errorOf(db.copyFrom(FROM, sourceThen(never), { timeoutMs: 300 }))).toBeInstanceOf(QueryTimeoutError)
    const abort = new AbortController()
    const copying = errorOf(db.copyFrom(FROM, sourceThen(never), { signal: abort.signal }))
    await eventually(async () => (await server.admin(`select 1 from pg_stat_activity where datname = '${server.name}' and query like 'copy item%' and state = 'active'`)).length === 1)
    abort.abort()
    const error = await copying
    expect(error).toBeInstanceOf(QueryCancelledError)
    expect(error).toMatchObject({ connectionLost: false })
    expect(await stored()).toBe(0)
    await sound(db)
  })

  it('whose connection is lost lets its source go, and says that the outcome is unknown', async () => {
    const db = await open()
    let released = false
    const slow = async function* (): AsyncGenerator<string> {
      try {
        for (let id = 1; ; id++) {
          yield `${String(id)},a\n`
          await new Promise((resolve) => { setTimeout(resolve, 5) })
        }
      } finally {
        released = true
      }
    }
    const copying = errorOf(db.copyFrom(FROM, slow()))
    const active = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${server.name}' and query like 'copy item%' and state = 'active'`
    await eventually(async () => (await server.admin(active)).length === 1)
    expect(await copying).toMatchObject({ code: 'SLUICE_OUTCOME_UNKNOWN' })
    await eventually(() => released)
    expect(await stored()).toBe(0)
    await sound(db)
  })

  it('of the wrong things is refused', async () => {
    const db = await open()
    await fill(10)
    expect(await errorOf(db.copyFrom(FROM, undefined as never))).toMatchObject({ code: 'SLUICE_CONFIG' })
    for (const sql of ['copy item to stdout', 'select * from item', '', 'select 1; select 2']) {
      expect(await errorOf(db.copyFrom(sql, lines(1)))).toMatchObject({ name: 'QueryError' })
    }
    expect(await errorOf(db.copyFrom('copy item from stdin (format csv); copy item from stdin (format csv)', ['500,a\n']))).toBeInstanceOf(QueryError)
    expect(await errorOf(db.transaction((tx) => tx.copyFrom(FROM, lines(1)), { readOnly: true }))).toBeInstanceOf(ReadOnlyNodeError)
    expect(await stored()).toBe(10)
    await sound(db)
  })
})

describe('copyTo', () => {
  it('hands out everything, from a replica, and takes it in again unchanged', async () => {
    const db = await open()
    await fill(50_000)
    await server.waitForReplay()
    const hash = createHash('sha256')
    const abroad = db.with({ target: 'replica' })
    await pipeline(abroad.copyTo(TO), hash)
    await db.transaction(async (tx) => {
      await tx.execute('create temporary table again (like item) on commit drop')
      await tx.copyFrom('copy again from stdin (format csv)', db.copyTo(TO, { ambient: false }))
      expect(createHash('sha256').update(await text(tx.copyTo('copy (select * from again order by id) to stdout (format csv)'))).digest('hex')).toBe(hash.digest('hex'))
    })
    expect(db.stats()).toMatchObject({ errors: 0 })
    expect(db.stats().replicaQueries).toBeGreaterThan(0)
    await sound(db)
  })

  it('of no rows is an empty text', async () => {
    const db = await open()
    await server.waitForReplay()
    expect(await text(db.copyTo(TO))).toBe('')
  })

  it('left early lets the connection go, and the transaction go on', async () => {
    const db = await open({ pool: { max: 2 } })
    await fill(50_000)
    for await (const chunk of db.copyTo(TO, { target: 'primary' })) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    await sound(db)
    await db.transaction(async (tx) => {
      await tx.execute("insert into item values (0, 'first')")
      for await (const chunk of tx.copyTo(TO)) {
        expect(chunk.toString()).toContain('0,first')
        break
      }
      await tx.execute("insert into item values (-1, 'last')")
    })
    expect(await stored()).toBe(50_002)
    await sound(db)
  })

  it('keeps to the pace of its consumer', async () => {
    const db = await open({ replicas: [], pool: { max: 2 } })
    await fill(200_000)
    let size = 0
    const chunks = db.copyTo(TO)[Symbol.asyncIterator]()
    await chunks.next()
    // with nobody reading the server has to stop: it is not done however long one waits
    await eventually(async () => (await server.admin(`select 1 from pg_stat_activity where datname = '${server.name}' and wait_event = 'ClientWrite'`)).length === 1)
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) size += next.value.length
    expect(size).toBeGreaterThan(200_000 * 100)
    await sound(db)
  })

  it('of the wrong things is refused', async () => {
    const db = await open()
    for (const sql of ['select 1', 'copy item from stdin', '', 'nonsense']) {
      expect(await errorOf(text(db.copyTo(sql, { target: 'primary' })))).toMatchObject({ name: 'QueryError' })
    }
    await sound(db)
  })
})
