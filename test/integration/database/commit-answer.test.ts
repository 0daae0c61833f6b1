import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Database, TransactionOutcomeUnknownError, TransactionRolledBackError } from '../../../src/index.js'
import { flakyProxy, type FlakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)
let proxy: FlakyProxy

beforeAll(async () => {
  proxy = await flakyProxy({ target: server.primaryUrl })
  await server.admin('create table entry (id int)')
  await server.admin('grant all on all tables in schema public to public')
})
afterAll(async () => { await proxy.close() })
beforeEach(async () => {
  await proxy.restore()
  await server.admin('truncate entry')
})

const stored = async (): Promise<unknown[]> => (await server.admin('select id from entry order by id')).map(({ id }) => id)
const insert = 'insert into entry (id) values ($1)'

describe('the answer to COMMIT is cut', () => {
  it.each([1, 4])('thirty times on a pool of %i: every transaction is resolved, none doubled, none reported failed', async (max) => {
    const db = await open({ primary: proxy.url, replicas: [], pool: { max, acquireTimeoutMs: 60_000 } })
    const watch = proxy.cutBefore('commit-answer', { times: 30 })
    let attempts = 0
    let hooks = 0
    const results = await Promise.allSettled(Array.from({ length: 30 }, (_, id) => db.transaction(async (tx) => {
      attempts++
      tx.afterCommit(() => { hooks++ })
      await tx.execute(insert, [id])
      return id
    })))
    expect(watch.count).toBe(30)
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
    expect(await stored()).toEqual(Array.from({ length: 30 }, (_, id) => id))
    expect(attempts).toBe(30)
    expect(hooks).toBe(30)
  })

  it('of a transaction opened by hand: it knows that it is committed', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    const tx = await db.begin()
    await tx.execute(insert, [1])
    proxy.cutBefore('commit-answer')
    await tx.commit()
    expect(tx.state).toBe('committed')
    expect(await stored()).toEqual([1])
  })

  it('and the server stays unreachable: the outcome is unknown, told in bounded time', async () => {
    const told = new Told()
    const db = await open({ primary: proxy.url, replicas: [], pool: { acquireTimeoutMs: 500 }, observers: [told] })
    const watch = proxy.cutBefore('commit-answer')
    void watch.done.then(() => proxy.refuse())
    let attempts = 0
    const startedAt = performance.now()
    const error = await errorOf(db.transaction((tx) => { attempts++; return tx.execute(insert, [1]) }, { timeoutMs: 1_500 }))
    expect(error).toBeInstanceOf(TransactionOutcomeUnknownError)
    expect(performance.now() - startedAt).toBeLessThan(6_000)
    expect(attempts).toBe(1)
    expect(told.transactions).toMatchObject([{ outcome: 'unknown' }])
    expect(await stored()).toEqual([1])
  })

  it('before the database was connected: the transaction learns by itself what it needs', async () => {
    const lazy = new Database({ primary: proxy.url })
    try {
      proxy.cutBefore('commit-answer')
      await lazy.transaction((tx) => tx.execute(insert, [2]))
      expect(await stored()).toEqual([2])
    } finally {
      await lazy.close()
    }
  })
})

describe('COMMIT itself is cut on its way', () => {
  it('and the server rolled back: the callback runs again, and its work is stored once', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    const watch = proxy.cutBefore((message) => message.from === 'client' && message.sql?.toUpperCase() === 'COMMIT')
    let attempts = 0
    const outcome = await db.transaction((tx) => { attempts++; return tx.execute(insert, [1]) }).then(() => 'done', (error: unknown) => error)
    expect(watch.count).toBe(1)
    expect(outcome).toBe('done')
    expect(attempts).toBe(2)
    expect(await stored()).toEqual([1])
  })

  it('and it may not run again: the error says that it was rolled back', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    proxy.cutBefore((message) => message.from === 'client' && message.sql?.toUpperCase() === 'COMMIT')
    const error = await errorOf(db.transaction((tx) => tx.execute(insert, [1]), { retries: 0 }))
    expect(error).toBeInstanceOf(TransactionRolledBackError)
    expect(error).toMatchObject({ transient: true, connectionLost: true })
    expect(await stored()).toEqual([])
  })
})

describe('an autocommit write whose answer is cut', () => {
  it('is of unknown outcome, and is not repeated', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    const watch = proxy.cutBefore((message) => message.from === 'server' && message.tag?.startsWith('INSERT') === true)
    const error = await errorOf(db.execute(insert, [1]))
    expect(watch.count).toBe(1)
    expect(error).toBeInstanceOf(TransactionOutcomeUnknownError)
    expect(error).toMatchObject({ code: 'SLUICE_OUTCOME_UNKNOWN', connectionLost: true, transient: false, sql: insert })
    expect(await stored()).toEqual([1])
  })

  it('streamed is of unknown outcome too', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    proxy.cutBefore((message) => message.from === 'server' && message.tag?.startsWith('INSERT') === true)
    const error = await errorOf((async () => {
      for await (const row of db.stream(`${insert} returning id`, [1], { batchSize: 10 })) expect(row).toBeUndefined()
    })())
    expect(error).toBeInstanceOf(TransactionOutcomeUnknownError)
  })

  it('a read whose answer is cut is repeated', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    const watch = proxy.cutBefore((message) => message.from === 'server' && message.tag?.startsWith('SELECT') === true)
    await expect(db.value('select 42')).resolves.toBe(42)
    const streamed = proxy.cutBefore((message) => message.from === 'server' && message.tag?.startsWith('SELECT') === true)
    const rows: unknown[] = []
    for await (const row of db.stream('select 43 as n')) rows.push(row)
    expect(rows).toEqual([{ n: 43 }])
    expect([watch.count, streamed.count]).toEqual([1, 1])
  })
})

describe('a connection lost inside a transaction', () => {
  it('before COMMIT means that nothing was stored, and says so', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    const error = await errorOf(db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      proxy.cut()
      await tx.execute(insert, [2])
    }))
    expect(error).toMatchObject({ code: 'SLUICE_CONNECTION_LOST', connectionLost: true, transient: true })
    expect(await stored()).toEqual([])
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('and swallowed still fails the transaction', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    const error = await errorOf(db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      proxy.cut()
      await tx.query('select 1').catch(() => undefined)
    }))
    expect(error).toMatchObject({ connectionLost: true })
    expect(await stored()).toEqual([])
  })

  it('of reads only runs again', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    let attempts = 0
    const value = await db.transaction(async (tx) => {
      if (++attempts === 1) proxy.cut()
      return tx.value('select 9')
    }, { readOnly: true })
    expect(value).toBe(9)
    expect(attempts).toBe(2)
  })
})
