import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChangedTables } from '../../../src/database/writes.js'
import { registerDriver } from '../../../src/database/registry.js'
import { Database } from '../../../src/facade/database.js'
import { FakeServer, fakeError, fakeResult, hang } from '../../../src/testing/fake-driver.js'

let server: FakeServer
let db: Database
let told: ChangedTables[]
let schemes = 0

beforeEach(async () => {
  server = new FakeServer()
  const scheme = `fakewrites${String(++schemes)}`
  registerDriver(scheme, server.driver)
  db = await Database.open(`${scheme}://app@db1:1/shop`)
  told = []
  db.assembly.writes.listen((tables) => {
    told.push(tables)
    return undefined
  })
})

afterEach(() => db.close({ drainMs: 0 }))

const swallow = (): undefined => undefined

describe('a change is announced', () => {
  it('when a statement of its own was answered', async () => {
    await db.execute('update Users set a = 1')
    await db.query('insert into a select * from b')
    expect(told).toEqual([['users'], expect.arrayContaining(['a', 'b'])])
  })

  it('and never for a read', async () => {
    await db.query('select * from users')
    await db.transaction(async (tx) => { await tx.query('select * from users') })
    expect(told).toEqual([])
  })

  it('as any table, where nobody can say which', async () => {
    await db.execute('alter table users add x int')
    expect(told).toEqual([undefined])
  })

  it('not when the server refused the statement', async () => {
    server.respond(/^update/, () => { throw fakeError('unique') })
    await db.execute('update users set a = 1').catch(swallow)
    expect(told).toEqual([])
  })

  it('when the answer was lost, for the change may stand', async () => {
    server.respond(/^update/, (asked, connection) => {
      connection.break()
      return hang(asked, connection)
    })
    await db.execute('update users set a = 1').catch(swallow)
    expect(told).toEqual([['users']])
  })

  it('when the statement ran out of time', async () => {
    server.respond(/^update/, hang)
    await db.execute('update users set a = 1', [], { timeoutMs: 20 }).catch(swallow)
    expect(told).toEqual([['users']])
  })

  it('after a commit, once, with everything the transaction has changed', async () => {
    await db.transaction(async (tx) => {
      await tx.execute('update users set a = 1')
      await tx.transaction((inner) => inner.execute('delete from orders'))
      expect(told).toEqual([])
    })
    expect(told).toEqual([['users', 'orders']])
  })

  it('before the hooks after the commit are called', async () => {
    let seen: unknown
    await db.transaction(async (tx) => {
      tx.afterCommit(() => { seen = [...told] })
      await tx.execute('update users set a = 1')
    })
    expect(seen).toEqual([['users']])
  })

  it('never after a rollback', async () => {
    await db.transaction(async (tx) => {
      await tx.execute('update users set a = 1')
      throw new Error('no')
    }).catch(swallow)
    const tx = await db.begin()
    await tx.execute('update users set a = 1')
    await tx.rollback()
    expect(told).toEqual([])
  })

  it('when the answer to COMMIT was lost', async () => {
    server.respond('COMMIT', (asked, connection) => {
      connection.break()
      return hang(asked, connection)
    })
    await db.transaction((tx) => tx.execute('update users set a = 1')).catch(swallow)
    expect(told).toEqual([['users']])
  })

  it('by a batch, as one', async () => {
    await db.batch(['update a set x = 1', 'update b set x = 1'])
    expect(told).toEqual([['a', 'b']])
  })

  it('by a stream, when it has ended', async () => {
    server.respond(/returning/, () => fakeResult([{ id: 1 }, { id: 2 }], 'DELETE'))
    for await (const row of db.stream('delete from users returning id')) {
      expect(row).toBeDefined()
      expect(told).toEqual([])
      break
    }
    expect(told).toEqual([['users']])
  })

  it('on a lent connection at once, and inside a block opened by hand when that ends', async () => {
    await db.connection(async (connection) => {
      await connection.query('update a set x = 1')
      expect(told).toEqual([['a']])
      await connection.query('begin')
      await connection.query('update b set x = 1')
      expect(told).toEqual([['a']])
      await connection.query('rollback')
      expect(told).toEqual([['a']])
      await connection.query('begin')
      await connection.query('update c set x = 1')
      await connection.query('commit')
      expect(told).toEqual([['a'], ['c']])
    })
    expect(told).toEqual([['a'], ['c']])
  })
})
