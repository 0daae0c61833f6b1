import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { DeadlockError, NoPrimaryError, SerializationError } from '../../../src/index.js'
import { flakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)

beforeAll(async () => {
  await server.admin('create table entry (id int)')
  await server.admin('grant all on all tables in schema public to public')
  await server.admin(`create procedure stores_then_fails() language plpgsql as $$
    begin insert into entry values (1); commit; raise exception 'conflict' using errcode = '40001'; end $$`)
  await server.admin(`create function fails() returns int language plpgsql as $$
    begin insert into entry values (1); raise exception 'conflict' using errcode = '40001'; end $$`)
  await server.waitForReplay()
})
beforeEach(async () => { await server.admin('truncate entry') })

const stored = async (): Promise<number> => (await server.admin('select * from entry')).length

describe('what is run again', () => {
  it('is no transaction whose callback brings a conflict of another database', async () => {
    const [db, other] = [await open(), await open()]
    let runs = 0
    const error = await errorOf(db.transaction(async () => {
      runs++
      await other.execute('insert into entry values (1)')
      await other.transaction((tx) => tx.value('select fails()'), { retries: 0 })
    }))
    expect(error).toBeInstanceOf(SerializationError)
    expect(runs).toBe(1)
    expect(await stored()).toBe(1)
  })

  it('is no transaction whose callback throws a conflict of its own making', async () => {
    const db = await open()
    let runs = 0
    await errorOf(db.transaction(() => { runs++; throw new DeadlockError('mine') }))
    expect(runs).toBe(1)
  })

  it('is a transaction with a conflict in a savepoint, and one that joins it', async () => {
    const db = await open()
    let runs = 0
    await db.transaction(async (tx) => {
      runs++
      if (runs === 1) await tx.transaction((inner) => inner.value('select fails()'))
      if (runs === 2) await db.value('select fails()')
    })
    expect(runs).toBe(3)
  })

  it.each(['call stores_then_fails()', 'do $$ begin call stores_then_fails(); end $$'])('is no statement that may have committed in between: %s', async (text) => {
    const db = await open()
    expect(await errorOf(db.execute(text))).toBeInstanceOf(SerializationError)
    expect(await stored()).toBe(1)
  })

  it('is no BEGIN that waited for a connection in vain: the caller waits failoverTimeoutMs once', async () => {
    const proxy = await flakyProxy({ target: server.primaryUrl })
    onTestFinished(() => proxy.close())
    const db = await open({ primary: proxy.url, replicas: [], failoverTimeoutMs: 400 })
    await proxy.refuse()
    proxy.cut()
    const startedAt = performance.now()
    expect(await errorOf(db.transaction((tx) => tx.query('select 1')))).toBeInstanceOf(NoPrimaryError)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})

describe('a read-only transaction on a replica', () => {
  it.each(["set local work_mem = '8MB'", 'select lo_get(0) where false', "select set_config('app.tenant', '7', true)"])('commits after %s', async (text) => {
    const db = await open()
    const node = await db.transaction(async (tx) => {
      await tx.query(text)
      return tx.node
    }, { readOnly: true, target: 'replica' })
    expect(node).not.toBe(db.stats().nodes[0]?.name)
  })
})
