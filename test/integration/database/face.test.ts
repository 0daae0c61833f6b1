import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { NoRowsError, type RowSchema, SchemaError, sql, TooManyRowsError } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const [primary, ...replicas] = [server.primaryUrl, ...server.replicaUrls].map((url) => new URL(url).host)

beforeAll(async () => {
  await server.admin('create table item (id int primary key, name text, amount numeric)')
  await server.admin("insert into item select n, 'item ' || n, n * 1.5 from generate_series(1, 5) n")
  await server.admin('grant all on all tables in schema public to public')
  await server.waitForReplay()
})

describe('query', () => {
  it('takes text alone, text with parameters, text with options, and all three', async () => {
    const db = await open()
    expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    expect((await db.query('select $1::int as n', [2])).rows).toEqual([{ n: 2 }])
    expect(await db.query('select 3 as n', { target: 'primary' })).toMatchObject({ rows: [{ n: 3 }], node: primary, route: 'forced' })
    expect(await db.query('select $1::int as n', [4], { target: 'primary' })).toMatchObject({ rows: [{ n: 4 }], node: primary })
  })

  it('says everything about the answer', async () => {
    const db = await open({ replicas: [] })
    const result = await db.query('select id, name from item where id <= $1 order by id', [2])
    expect(result).toMatchObject({ rowCount: 2, command: 'SELECT', node: primary, route: 'read', cached: false })
    expect(result.fields.map((field) => field.name)).toEqual(['id', 'name'])
    expect(result.durationMs).toBeGreaterThan(0)
  })

  it('takes fragments of the sql tag, nested, and never pastes their values into the text', async () => {
    const db = await open()
    const condition = sql`name = ${"item 2'; drop table item; --"} or id = ${3}`
    const { rows } = await db.query(sql`select id from ${sql.id('item')} where ${condition} or id in (${sql.join([4, 5])}) order by id`)
    expect(rows).toEqual([{ id: 3 }, { id: 4 }, { id: 5 }])
  })

  it('runs a prepared statement again and again, also after its table changed shape', async () => {
    const db = await open({ pool: { max: 1 }, replicas: [] })
    await db.execute('create table shape (a int)')
    await db.execute('insert into shape values (1)')
    const read = () => db.query('select * from shape', [], { prepare: true })
    expect((await read()).rows).toEqual([{ a: 1 }])
    expect((await read()).rows).toEqual([{ a: 1 }])
    await db.execute('alter table shape add b int')
    expect((await read()).rows).toEqual([{ a: 1, b: null }])
  })
})

describe('execute', () => {
  it('runs on the primary and counts the rows, whatever target the face has', async () => {
    const db = await open()
    await expect(db.execute('update item set amount = amount where id <= $1', [3])).resolves.toMatchObject({ rowsAffected: 3, node: primary })
    await expect(db.replica.execute('update item set amount = amount where id = 1')).resolves.toMatchObject({ rowsAffected: 1, node: primary })
    await expect(db.execute('update item set amount = amount where id = -1')).resolves.toMatchObject({ rowsAffected: 0 })
  })
})

describe('row counts', () => {
  it('one gives the row, and throws when there is none or more than one', async () => {
    const db = await open()
    await expect(db.one('select name from item where id = $1', [2])).resolves.toEqual({ name: 'item 2' })
    const none = await errorOf(db.one('select name from item where id = $1', [99]))
    expect(none).toBeInstanceOf(NoRowsError)
    expect(none).toMatchObject({ code: 'SLUICE_NO_ROWS', sql: 'select name from item where id = $1' })
    const many = await errorOf(db.one('select name from item'))
    expect(many).toBeInstanceOf(TooManyRowsError)
    expect(String(many)).toContain('got 5')
  })

  it('maybeOne gives undefined for no row and still throws for two', async () => {
    const db = await open()
    await expect(db.maybeOne('select name from item where id = 99')).resolves.toBeUndefined()
    await expect(db.maybeOne('select name from item where id = 1')).resolves.toEqual({ name: 'item 1' })
    await expect(db.maybeOne('select name from item')).rejects.toBeInstanceOf(TooManyRowsError)
  })

  it('many gives the rows, none included', async () => {
    const db = await open()
    await expect(db.many('select id from item where id > 3 order by id')).resolves.toEqual([{ id: 4 }, { id: 5 }])
    await expect(db.many('select id from item where id > 9')).resolves.toEqual([])
  })

  it('value gives the first column of the row, NULL as null, and undefined without a row', async () => {
    const db = await open()
    await expect(db.value('select name, id from item where id = 1')).resolves.toBe('item 1')
    await expect(db.value<number>(sql`select count(*)::int from item`)).resolves.toBe(5)
    await expect(db.value('select null')).resolves.toBeNull()
    await expect(db.value('select id from item where id = 99')).resolves.toBeUndefined()
    await expect(db.value('select id from item')).rejects.toBeInstanceOf(TooManyRowsError)
  })
})

describe('row schemas', () => {
  const Item = z.object({ id: z.number(), amount: z.string().transform(Number) })

  it('a zod schema checks and converts every row', async () => {
    const db = await open()
    const rows = await db.many('select id, amount from item where id <= 2 order by id', { schema: Item })
    expect(rows).toEqual([{ id: 1, amount: 1.5 }, { id: 2, amount: 3 }])
    await expect(db.one('select id, amount from item where id = $1', [2], { schema: Item })).resolves.toEqual({ id: 2, amount: 3 })
  })

  it('names row, path and statement of a misfit, and never its value', async () => {
    const db = await open()
    const Named = z.object({ id: z.number(), owner: z.object({ name: z.enum(['a', 'b']) }) })
    const text = "select id, json_build_object('name', case id when 3 then $1 else 'a' end) as owner from item order by id"
    const error = await errorOf(db.many(text, ['hush-hush'], { schema: Named }))
    expect(error).toBeInstanceOf(SchemaError)
    expect(error).toMatchObject({ code: 'SLUICE_SCHEMA', row: 2, path: 'owner.name', sql: text })
    expect((error as SchemaError).fingerprint).toMatch(/^\w{8,}$/)
    expect(JSON.stringify(error) + String(error)).not.toContain('hush-hush')
  })

  it('takes any Standard Schema, also one that answers later', async () => {
    const db = await open()
    const positive: RowSchema<number> = {
      '~standard': {
        version: 1, vendor: 'mine',
        validate: async (row) => {
          await Promise.resolve()
          const { id } = row as { id: number }
          return id > 2 ? { issues: [{ message: `too big: ${String(id)}`, path: [{ key: 'id' }] }] } : { value: id * 10 }
        },
      },
    }
    await expect(db.many('select id from item where id <= 2 order by id', { schema: positive })).resolves.toEqual([10, 20])
    const error = await errorOf(db.many('select id from item order by id', { schema: positive }))
    expect(error).toMatchObject({ row: 2, path: 'id' })
    expect(String(error)).not.toContain('too big')
  })

  it('a schema that throws becomes a SchemaError that does not quote it', async () => {
    const db = await open()
    const schema: RowSchema<never> = { '~standard': { version: 1, vendor: 'broken', validate: (row) => { throw new Error(JSON.stringify(row)) } } }
    const error = await errorOf(db.many('select id, name from item', { schema }))
    expect(error).toBeInstanceOf(SchemaError)
    expect(String(error)).not.toContain('item 1')
  })

  it('checks streamed rows too, counting rows across batches', async () => {
    const db = await open()
    const Small = z.object({ id: z.number().max(4) })
    const seen: number[] = []
    const error = await errorOf((async () => {
      for await (const { id } of db.stream('select id from item order by id', { schema: Small, batchSize: 2 })) seen.push(id)
    })())
    expect(error).toMatchObject({ code: 'SLUICE_SCHEMA', row: 4, path: 'id' })
    expect(seen).toEqual([1, 2, 3, 4])
    expect(db.stats().nodes.map((node) => node.inUse)).toEqual([0, 0, 0])
  })
})

describe('batch', () => {
  it('gives one result per statement', async () => {
    const db = await open()
    const results = await db.batch([['select $1::int as n', [1]], sql`select ${2}::int as n`, 'select 3 as n', ['select 4 as n']])
    expect(results.map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }], [{ n: 4 }]])
    await expect(db.batch([])).resolves.toEqual([])
  })

  it('stores all or nothing', async () => {
    const db = await open()
    await db.execute('create table if not exists entry (id int primary key)')
    await expect(db.batch([['insert into entry values ($1)', [1]], ['insert into entry values ($1)', [2]]])).resolves.toHaveLength(2)
    const failing = db.batch([['insert into entry values ($1)', [3]], ['insert into entry values ($1)', [1]]])
    await expect(failing).rejects.toMatchObject({ code: 'SLUICE_CONSTRAINT' })
    await expect(db.primary.many('select id from entry order by id')).resolves.toEqual([{ id: 1 }, { id: 2 }])
  })

  it('of reads runs on a replica, of anything else on the primary', async () => {
    const db = await open()
    const [read] = await db.batch(['select 1', 'select 2'])
    expect(replicas).toContain(read?.node)
    const [write] = await db.batch(['select 1', 'update item set amount = amount where id = 1'])
    expect(write?.node).toBe(primary)
  })

  it('pinned to the replicas never writes', async () => {
    const db = await open()
    await db.execute('create table if not exists held (id int)')
    await server.waitForReplay()
    await expect(db.replica.batch(['insert into held values (1)'])).rejects.toMatchObject({ code: 'SLUICE_READ_ONLY_NODE' })
    await expect(db.primary.value('select count(*)::int from held')).resolves.toBe(0)
  })
})

describe('faces with defaults', () => {
  it('db.primary and db.replica stay on their role', async () => {
    const db = await open()
    const nodes = await Promise.all(Array.from({ length: 4 }, () => db.replica.query('select 1')))
    expect(nodes.every(({ node, route }) => replicas.includes(node) && route === 'forced')).toBe(true)
    await expect(db.primary.query('select 1')).resolves.toMatchObject({ node: primary, route: 'forced' })
  })

  it('db.with binds options, and a call may override them', async () => {
    const db = await open()
    const bound = db.with({ target: 'primary', timeoutMs: 50, label: 'report' })
    await expect(bound.query('select 1')).resolves.toMatchObject({ node: primary })
    await expect(bound.query('select pg_sleep(5)')).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    await expect(bound.query('select pg_sleep(0.1)', { timeoutMs: 5_000 })).resolves.toMatchObject({ rowCount: 1 })
    const gone = db.with({ signal: AbortSignal.abort(new Error('gone')) })
    await expect(gone.query('select 1')).rejects.toMatchObject({ code: 'SLUICE_QUERY_CANCELLED', neverSent: true })
  })
})
