import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { QueryTimeoutError, ReadOnlyNodeError, SchemaError, sql } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const [primary, ...replicas] = [server.primaryUrl, ...server.replicaUrls].map((url) => new URL(url).host)

beforeAll(async () => {
  await server.admin('create table item (id int primary key, name text)')
  await server.admin("insert into item values (1, 'one'), (2, 'two')")
  await server.admin('grant all on all tables in schema public to public')
  await server.waitForReplay()
})

describe('a bound database', () => {
  it('bounds a transaction by the time bound to it', async () => {
    const db = await open()
    const hurried = db.with({ timeoutMs: 100 })
    const slow = hurried.transaction((tx) => tx.query('select pg_sleep(10)'))
    expect(await errorOf(slow)).toBeInstanceOf(QueryTimeoutError)
    expect(db.stats().nodes[0]?.inUse).toBe(0)
  })

  it('lets the options of a call win over those bound', async () => {
    const db = await open()
    const bound = db.with({ timeoutMs: 1, target: 'primary' }).with({ target: 'replica' })
    expect(await bound.transaction((tx) => tx.node, { target: 'primary', timeoutMs: 5_000 })).toBe(primary)
    expect(bound.explainRoute('select 1')).toMatchObject({ role: 'replica', route: 'forced' })
  })

  it('runs transactions of the replicas on one of them, read-only', async () => {
    const db = await open()
    expect(replicas).toContain(await db.replica.transaction((tx) => tx.node))
    await using tx = await db.replica.begin()
    expect(replicas).toContain(tx.node)
    expect(await errorOf(tx.execute('delete from item'))).toBeInstanceOf(ReadOnlyNodeError)
  })

  it('lends a connection of its role, and explains there', async () => {
    const db = await open()
    expect(replicas).toContain(await db.replica.connection((connection) => connection.node))
    expect(await db.primary.connection((connection) => connection.node)).toBe(primary)
    expect((await db.primary.explain(sql`select * from item where id = ${1}`, { analyze: true })).node).toBe(primary)
    expect(replicas).toContain((await db.replica.explain('select * from item where id = $1', [1])).node)
  })

  it('is joined to the transaction around it like the database itself', async () => {
    const db = await open()
    await db.transaction(async (tx) => {
      await tx.execute("insert into item values (3, 'three')")
      expect(await db.replica.value('select count(*)::int from item')).toBe(3)
      await db.with({ label: 'inner' }).transaction((inner) => inner.execute('delete from item where id = 3'))
    })
  })
})

describe('explain', () => {
  it('takes options right after a fragment', async () => {
    const db = await open()
    const plan = await db.explain(sql`select * from item where id = ${1}`, { analyze: true, target: 'primary' })
    expect(plan).toMatchObject({ node: primary })
    expect(plan.executionMs).toBeGreaterThan(0)
  })
})

describe('a schema', () => {
  it('checks and converts the rows of query', async () => {
    const db = await open()
    const schema = z.object({ id: z.number(), name: z.string().transform((name) => name.toUpperCase()) })
    const { rows, rowCount, node } = await db.query(sql`select * from item where id = ${2}`, { schema })
    expect(rows.map((row) => row.name.length + row.id)).toEqual([5])
    expect({ rows, rowCount }).toEqual({ rows: [{ id: 2, name: 'TWO' }], rowCount: 1 })
    expect(replicas).toContain(node)
  })

  it('of value checks that value', async () => {
    const db = await open()
    const count: number | undefined = await db.value('select count(*) from item', { schema: z.coerce.number() })
    expect(count).toBe(2)
    expect(await db.value('select id from item where false', { schema: z.number() })).toBeUndefined()
    expect(await errorOf(db.value('select name from item where id = 1', { schema: z.number() }))).toBeInstanceOf(SchemaError)
  })
})
