import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, ConstraintError, Database } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)

beforeAll(async () => {
  await server.admin('create schema app')
  await server.admin('create table app."Order" (id int primary key, note text default \'none\', tags text[], body jsonb, "at" timestamptz)')
  await server.admin('grant usage on schema app to public')
  await server.admin('grant all on all tables in schema app to public')
})
beforeEach(async () => { await server.admin('truncate app."Order"') })

const count = async (): Promise<unknown> => (await server.admin('select count(*)::int as n from app."Order"'))[0]?.['n']

describe('insertMany', () => {
  it.each([0, 1, 499, 500, 501, 1_700])('stores %i rows, with the values of each', async (rows) => {
    const db = await open({ replicas: [] })
    const made = Array.from({ length: rows }, (_, id) => ({ id, note: id % 2 === 0 ? null : `n${String(id)}`, tags: [`a${String(id)}`, 'b'], body: { id }, at: new Date(id * 1_000) }))
    await expect(db.insertMany('app.Order', made)).resolves.toEqual({ rowsAffected: rows })
    const stored = await db.many('select id, note, tags, body, "at" from app."Order" order by id', { target: 'primary' })
    expect(stored).toEqual(made)
  })

  it('leaves out of all rows what shall have its default', async () => {
    const db = await open({ replicas: [] })
    await db.insertMany('app.Order', [{ id: 1 }, { id: 2 }])
    expect(await server.admin('select note from app."Order"')).toEqual([{ note: 'none' }, { note: 'none' }])
  })

  it('stores nothing when one row of the last statement is refused', async () => {
    const db = await open({ replicas: [] })
    const rows = Array.from({ length: 1_200 }, (_, id) => ({ id: id === 1_199 ? 3 : id }))
    const error = await errorOf(db.insertMany('app.Order', rows))
    expect(error).toBeInstanceOf(ConstraintError)
    expect(await count()).toBe(0)
  })

  it('joins the transaction around it', async () => {
    const db = await open({ replicas: [] })
    await expect(db.transaction(async () => {
      await db.insertMany('app.Order', Array.from({ length: 600 }, (_, id) => ({ id })))
      throw new Error('undone')
    })).rejects.toThrow('undone')
    expect(await count()).toBe(0)
    await db.transaction((tx) => tx.insertMany('app.Order', [{ id: 1 }]))
    expect(await count()).toBe(1)
  })

  it('quotes names, so that none of them is anything but a name', async () => {
    const db = await open({ replicas: [] })
    await expect(db.insertMany('app.Order" (id) values (1); --', [{ id: 1 }])).rejects.toMatchObject({ serverCode: '42P01' })
    await expect(db.insertMany('app.Order', [{ 'id") values (1); --': 1 }])).rejects.toMatchObject({ serverCode: '42703' })
    expect(await count()).toBe(0)
  })

  const WRONG: readonly [call: (db: Database) => Promise<unknown>, says: RegExp][] = [
    [(db) => db.insertMany('', []), /first argument of insertMany.*table/],
    [(db) => db.insertMany('t', {} as never), /second argument of insertMany.*list of rows/],
    [(db) => db.insertMany('t', [null as never]), /row 0 of insertMany.*object/],
    [(db) => db.insertMany('t', [{ id: 1 }, 5 as never]), /row 1 of insertMany.*object/],
    [(db) => db.insertMany('t', [{}]), /row 0 of insertMany.*columns/],
    [(db) => db.insertMany('t', [{ id: 1, v: 'hidden' }, { id: 2 }]), /row 1 of insertMany: expected a value for v/],
    [(db) => db.insertMany('t', [{ id: 1 }, { id: 2, v: 'hidden' }]), /row 1 of insertMany: expected the columns of the first row, got v/],
  ]

  it.each(WRONG)('refuses a wrong call before anything is sent (%#)', async (call, says) => {
    const db = await open({ replicas: [] })
    const error = await errorOf(call(db))
    expect(error).toBeInstanceOf(ConfigError)
    expect(String(error)).toMatch(says)
    expect(String(error)).not.toContain('hidden')
    expect(db.stats()).toMatchObject({ errors: 0, primaryQueries: 0 })
  })

  it('stores rows on an engine with other placeholders and limits as well', async () => {
    await using db = await Database.open('sqlite::memory:')
    await db.execute('create table item (id integer primary key, v text)')
    await expect(db.insertMany('item', Array.from({ length: 1_100 }, (_, id) => ({ id, v: `v${String(id)}` })))).resolves.toEqual({ rowsAffected: 1_100 })
    await expect(db.value('select count(distinct v) from item')).resolves.toBe(1_100)
    await expect(db.insertMany('item', Array.from({ length: 600 }, (_, n) => ({ id: 2_000 - n * 2, v: '' })))).rejects.toBeInstanceOf(ConstraintError)
    await expect(db.value('select count(*) from item')).resolves.toBe(1_100)
  })
})
