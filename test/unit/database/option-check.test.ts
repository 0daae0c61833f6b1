import { describe, expect, it } from 'vitest'
import { Database, DatabaseManager, QueryCache } from '../../../src/index.js'

/** As JavaScript calls it: no compiler has looked at the names. */
const untyped = (options: unknown): never => options as never
const open = (): Database => new Database('postgres://app@127.0.0.1:1/shop')

describe('options beside those of statements', () => {
  it('are checked when a database is closed, which stays open then', async () => {
    const db = open()
    await expect(db.close(untyped({ drain: 5 }))).rejects.toMatchObject({ name: 'ConfigError', hint: "did you mean 'drainMs'?" })
    await expect(db.close({ drainMs: -1 })).rejects.toThrow('drainMs: expected a number of milliseconds')
    expect(db.explainRoute('select 1').class).toBe('read')
    await db.close({ drainMs: 0 })
    await expect(db.query('select 1')).rejects.toThrow('the database is closed')
  })

  it('are checked when pool limits change', async () => {
    const db = open()
    expect(() => { db.configurePool(untyped(5)) }).toThrow('pool: expected an object of limits, got 5')
    expect(() => { db.configurePool(untyped(undefined)) }).toThrow('pool: expected an object of limits')
    await db.close()
  })

  it('are checked when cached rows are invalidated: nothing dropped would mean old rows', async () => {
    const db = open()
    expect(db.cache).toBeInstanceOf(QueryCache)
    await expect(db.cache.invalidate(untyped({ table: ['users'] }))).rejects.toMatchObject({ name: 'ConfigError', message: expect.stringContaining("unknown name 'table'") as string })
    await expect(db.cache.invalidate(untyped({ tables: 'users' }))).rejects.toThrow('expected tables to be a list of texts')
    await expect(db.cache.invalidate(untyped(undefined))).rejects.toThrow('expected an object of tables, tags or keys')
    await expect(db.cache.invalidate({ tables: ['users'], tags: undefined })).resolves.toBeUndefined()
    await db.close()
  })

  it('are checked when several databases are managed', () => {
    expect(() => new DatabaseManager({ databases: {} }, untyped({ loger: console }))).toThrow(expect.objectContaining({ hint: "did you mean 'logger'?" }))
  })
})
