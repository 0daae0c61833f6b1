import { beforeAll, describe, expect, it } from 'vitest'
import { Database } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const [primary = '', ...replicas] = [server.primaryUrl, ...server.replicaUrls].map((url) => new URL(url).host)

beforeAll(async () => {
  await server.admin('create table item (id int primary key)')
  await server.admin('insert into item select generate_series(1, 3)')
  await server.admin('grant all on all tables in schema public to public')
  await server.admin(`create function touch(int) returns int language plpgsql as
    'begin update item set id = id where id = $1; return $1; end'`)
  await server.admin("create function twice(int) returns int immutable language sql as 'select $1 * 2'")
  await server.waitForReplay()
})

describe('route and node of a result', () => {
  it('reads go to the replicas in turn, writes to the primary', async () => {
    const db = await open()
    const nodes = new Set<string>()
    for (let turn = 0; turn < 4; turn++) {
      const { node, route } = await db.query('select id from item')
      expect(route).toBe('read')
      nodes.add(node)
    }
    expect([...nodes].sort()).toEqual([...replicas].sort())
    await expect(db.query('update item set id = id where id = 1')).resolves.toMatchObject({ node: primary, route: 'write' })
    await expect(db.query('select id from item for update')).resolves.toMatchObject({ node: primary, route: 'write' })
    await expect(db.query('select touch(1)')).resolves.toMatchObject({ node: primary, route: 'write' })
  })

  it('says forced, hint, transaction and connection where these decided', async () => {
    const db = await open()
    await expect(db.query('select 1', { target: 'primary' })).resolves.toMatchObject({ node: primary, route: 'forced' })
    await expect(db.query('/* sluice: primary */ select 1')).resolves.toMatchObject({ node: primary, route: 'hint' })
    const hinted = await db.query('select 1 -- sluice: replica\n')
    expect(replicas).toContain(hinted.node)
    expect(hinted.route).toBe('hint')
    await db.transaction(async (tx) => { await expect(tx.query('select 1')).resolves.toMatchObject({ node: primary, route: 'transaction' }) })
    await db.connection(async (connection) => {
      await expect(connection.query('select 1')).resolves.toMatchObject({ node: primary, route: 'connection' })
    })
  })

  it('the target of a call outranks a hint in its text', async () => {
    const db = await open()
    await expect(db.query('/* sluice: replica */ select 1', { target: 'primary' })).resolves.toMatchObject({ node: primary, route: 'forced' })
  })

  it("routing.reads 'primary' uses replicas on request only", async () => {
    const db = await open({ routing: { reads: 'primary' } })
    await expect(db.query('select 1')).resolves.toMatchObject({ node: primary, route: 'read' })
    await db.transaction(async (tx) => { expect(tx.node).toBe(primary) }, { readOnly: true })
    expect(replicas).toContain((await db.replica.query('select 1')).node)
    await db.transaction(async (tx) => { expect(replicas).toContain(tx.node) }, { readOnly: true, target: 'replica' })
  })

  it('without replicas reads run on the primary, and a forced replica falls back for proven reads only', async () => {
    const db = await open({ replicas: [] })
    await expect(db.query('select 1')).resolves.toMatchObject({ node: primary, route: 'read' })
    await expect(db.replica.query('select 1')).resolves.toMatchObject({ node: primary, route: 'fallback' })
    await expect(db.replica.query('select touch(1)')).rejects.toMatchObject({ code: 'SLUICE_NO_REPLICA' })
  })

  it('routing.readOnlyFunctions makes reads of statements that call them', async () => {
    const db = await open({ routing: { readOnlyFunctions: ['twice'] } })
    expect(replicas).toContain((await db.query('select twice(21) as n')).node)
    const cautious = await open()
    await expect(cautious.query('select twice(21) as n')).resolves.toMatchObject({ node: primary, rows: [{ n: 42 }] })
  })
})

describe('a statement wrongly taken for a read', () => {
  it('is refused by the replica, repeated on the primary, remembered, and told to operators', async () => {
    const told = new Told()
    const db = await open({ routing: { readOnlyFunctions: ['touch'] }, observers: [told] })
    const text = 'select touch(2) as id'
    await expect(db.query(text)).resolves.toMatchObject({ rows: [{ id: 2 }], node: primary, route: 'wrong-node' })
    await expect(db.query(text)).resolves.toMatchObject({ rows: [{ id: 2 }], node: primary, route: 'write' })
    expect(db.explainRoute(text)).toMatchObject({ role: 'primary', route: 'write' })
    const warnings = told.warnings.filter(({ code }) => code === 'SLUICE_WRONG_NODE')
    expect(warnings).toHaveLength(1)
    expect(replicas).toContain(warnings[0]?.node)
  })

  it('is repeated on the primary when streamed, too', async () => {
    const db = await open({ routing: { readOnlyFunctions: ['touch'] } })
    const rows: unknown[] = []
    for await (const row of db.stream('select touch(3) as id')) rows.push(row)
    expect(rows).toEqual([{ id: 3 }])
  })

  it('that was sent to a replica on purpose is an error, loudly', async () => {
    const db = await open()
    const error = await errorOf(db.replica.query('select touch(1)'))
    expect(error).toMatchObject({ code: 'SLUICE_READ_ONLY_NODE' })
    await expect(db.replica.query('insert into item values (9)')).rejects.toMatchObject({ code: 'SLUICE_READ_ONLY_NODE' })
  })
})

describe('statements that a pooled connection refuses', () => {
  it.each([
    ['set search_path to x', 'SLUICE_SESSION_STATEMENT', 'db.connection('],
    ['listen channel', 'SLUICE_SESSION_STATEMENT', 'db.connection('],
    ['select pg_advisory_lock(1)', 'SLUICE_SESSION_STATEMENT', 'db.connection('],
    ['create temporary table t (a int)', 'SLUICE_SESSION_STATEMENT', 'db.connection('],
    ['begin', 'SLUICE_TRANSACTION_STATEMENT', 'db.transaction('],
    ['rollback to savepoint a', 'SLUICE_TRANSACTION_STATEMENT', 'db.transaction('],
    ['select 1; commit', 'SLUICE_TRANSACTION_STATEMENT', 'db.transaction('],
    ['select 1; set role postgres', 'SLUICE_SESSION_STATEMENT', 'db.connection('],
  ])('%s', async (text, code, hint) => {
    const db = await open({ replicas: [] })
    const error = await errorOf(db.query(text))
    expect(error).toMatchObject({ code, neverSent: true, sql: text })
    expect((error as { hint: string }).hint).toContain(hint)
    await expect(db.batch(['select 1', text])).rejects.toMatchObject({ code })
    await expect(db.stream(text)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code })
  })

  it('a transaction is not ended by a statement', async () => {
    const db = await open({ replicas: [] })
    await db.transaction(async (tx) => {
      await expect(tx.query('commit')).rejects.toMatchObject({ code: 'SLUICE_TRANSACTION_STATEMENT' })
      await expect(tx.query('select 1; rollback')).rejects.toMatchObject({ code: 'SLUICE_TRANSACTION_STATEMENT' })
      await expect(tx.query('select 1')).resolves.toMatchObject({ rowCount: 1 })
    })
  })
})

describe('read-only', () => {
  it('a call that is readOnly refuses what is no proven read, before it leaves', async () => {
    const db = await open()
    await expect(db.query('select id from item', { readOnly: true })).resolves.toMatchObject({ rowCount: 3 })
    for (const text of ['insert into item values (7)', 'select touch(1)', 'with gone as (delete from item returning 1) select * from gone']) {
      await expect(db.query(text, { readOnly: true })).rejects.toMatchObject({ code: 'SLUICE_NOT_A_READ', neverSent: true })
    }
    await db.transaction(async (tx) => {
      await expect(tx.query('delete from item', { readOnly: true })).rejects.toMatchObject({ code: 'SLUICE_NOT_A_READ' })
    })
    await expect(db.primary.value('select count(*)::int from item')).resolves.toBe(3)
  })

  it('a database that is readOnly refuses writes on every way in', async () => {
    const db = await open({ readOnly: true })
    await expect(db.query('select id from item')).resolves.toMatchObject({ rowCount: 3 })
    const write = 'delete from item'
    for (const attempt of [
      () => db.query(write), () => db.execute(write), () => db.batch([write]), () => db.stream(write)[Symbol.asyncIterator]().next(),
      () => db.transaction((tx) => tx.query(write)), () => db.connection((connection) => connection.query(write)),
    ]) await expect(attempt()).rejects.toMatchObject({ code: 'SLUICE_READ_ONLY_NODE', neverSent: true })
    await expect(db.primary.value('select count(*)::int from item')).resolves.toBe(3)
  })
})

describe('explainRoute', () => {
  it('answers without a server', () => {
    const db = new Database({ primary: 'postgres://nobody@127.0.0.1:1/none', replicas: ['postgres://nobody@127.0.0.1:2/none'] })
    expect(db.explainRoute('select 1')).toMatchObject({ class: 'read', role: 'replica', node: '127.0.0.1:2', route: 'read' })
    expect(db.explainRoute('select 1', { target: 'primary' })).toMatchObject({ class: 'read', role: 'primary', node: '127.0.0.1:1', route: 'forced' })
    expect(db.explainRoute('insert into t values (1)')).toMatchObject({ class: 'write', role: 'primary', route: 'write' })
    expect(db.explainRoute('select mystery()').why).toContain('mystery')
    expect(db.explainRoute('set x = 1')).toMatchObject({ class: 'session', role: 'primary' })
    expect(db.explainRoute('commit')).toMatchObject({ class: 'transaction-control', role: 'primary' })
  })
})
