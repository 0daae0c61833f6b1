import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConnectionError, ConstraintError, QueryCancelledError, QueryTimeoutError, TransactionOutcomeUnknownError } from '../../../src/index.js'
import { flakyProxy, type FlakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)
let proxy: FlakyProxy

beforeAll(async () => {
  proxy = await flakyProxy({ target: server.primaryUrl })
  await server.admin('create table entry (id int primary key)')
  await server.admin('create table part (id int references entry deferrable initially deferred)')
  await server.admin('grant all on all tables in schema public to public')
})
afterAll(async () => { await proxy.close() })
beforeEach(async () => {
  await proxy.restore()
  await server.admin('truncate entry, part')
})

const stored = async (): Promise<unknown[]> => (await server.admin('select id from entry order by id')).map(({ id }) => id)

describe('on a connection of one\'s own', () => {
  it('a write whose answer is lost may have been done, and says so', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    proxy.cutBefore(({ tag }) => tag?.startsWith('INSERT') === true)
    const error = await errorOf(db.connection((own) => own.execute('insert into entry values (1)')))
    expect(error).toBeInstanceOf(TransactionOutcomeUnknownError)
    expect(await stored()).toEqual([1])
  })

  it('so may a batch whose COMMIT has no answer; one that the server refuses at COMMIT was not', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    proxy.cutBefore('commit-answer')
    expect(await errorOf(db.connection((own) => own.batch(['insert into entry values (2)'])))).toBeInstanceOf(TransactionOutcomeUnknownError)
    expect(await stored()).toEqual([2])
    await db.connection(async (own) => {
      expect(await errorOf(own.batch(['insert into part values (9)']))).toBeInstanceOf(ConstraintError)
      expect(await own.value('select count(*)::int from part')).toBe(0)
    })
  })

  it('a read whose answer is lost is a lost connection', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    const error = await errorOf(db.connection((own) => {
      proxy.cutBefore(({ tag }) => tag?.startsWith('SELECT') === true)
      return own.query('select 1')
    }))
    expect(error).toBeInstanceOf(ConnectionError)
  })

  it('timeoutMs of the connection bounds each statement, and its signal ends the one that runs', async () => {
    const db = await open()
    const controller = new AbortController()
    const slow = (options: object): Promise<unknown> => errorOf(db.connection((own) => own.query('select pg_sleep(5)'), options))
    expect(await slow({ timeoutMs: 100 })).toBeInstanceOf(QueryTimeoutError)
    setTimeout(() => { controller.abort() }, 100)
    expect(await slow({ signal: controller.signal })).toBeInstanceOf(QueryCancelledError)
    await db.connection(async (own) => { await own.query('select pg_sleep(0.3)', { timeoutMs: 5_000 }) }, { timeoutMs: 200 })
  })
})

describe('a stream whose connection is lost between two batches', () => {
  it('ends with an error that does not claim that nothing was sent', async () => {
    const db = await open({ primary: proxy.url, replicas: [] })
    const rows = db.stream('select n from generate_series(1, 1000) n', [], { batchSize: 10 })[Symbol.asyncIterator]()
    await rows.next()
    proxy.cut()
    const error = await errorOf((async () => { while (!(await rows.next()).done); })())
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject({ connectionLost: true, neverSent: false })
    expect(db.stats().nodes[0]?.inUse).toBe(0)
  })
})

describe('a plan', () => {
  it('is made for one statement: what stands beside it would be executed', async () => {
    const db = await open()
    await expect(db.explain('select 1; insert into entry values (5)')).rejects.toThrow(/sql: expected one statement, got 2/)
    expect(await stored()).toEqual([])
  })
})

describe('options given as undefined', () => {
  it('do not undo bound ones', async () => {
    const db = await open()
    const given = { timeoutMs: undefined, target: undefined }
    expect(await errorOf(db.with({ timeoutMs: 100 }).query('select pg_sleep(2)', [], given))).toBeInstanceOf(QueryTimeoutError)
    expect((await db.primary.query('select 1', [], given)).route).toBe('forced')
    expect(db.replica.explainRoute('select 1', given).role).toBe('replica')
    await expect(db.with({ timeoutMs: 100 }).transaction((tx) => tx.query('select pg_sleep(2)'), given)).rejects.toThrow(QueryTimeoutError)
  })
})
