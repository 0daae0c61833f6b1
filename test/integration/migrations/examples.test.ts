import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConstraintError, Database, MigrationManager } from '../../../src/index.js'
import { startCluster, type Cluster, type ClusterEngine } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'

const database = await freshDatabase()
const db = await Database.open(database.primaryUrl)
afterAll(() => db.close())

async function upDownUp(migrations: MigrationManager, fingerprint: () => Promise<unknown>, count: number): Promise<void> {
  expect((await migrations.up()).applied).toHaveLength(count)
  const first = await fingerprint()
  expect((await migrations.down(count)).reverted).toHaveLength(count)
  expect(await fingerprint()).not.toEqual(first)
  expect((await migrations.up()).applied).toHaveLength(count)
  expect(await fingerprint()).toEqual(first)
  expect(first).toBeDefined()
}

describe('the examples on PostgreSQL', () => {
  const sources = ['credits', 'shadow', 'cdefnet'].map((service) => ({ service, dir: `migrations-example/${service}` }))

  it('M16: go up, down and up again, and leave the same catalog', async () => {
    const fingerprint = async (): Promise<unknown> => (await db.maybeOne<{ fingerprint: string }>('select fingerprint from sluice.migration_snapshot', [], { target: 'primary' }))?.fingerprint
    await upDownUp(new MigrationManager(db, { sources }), fingerprint, 6)
  })

  it('credits: a balance cannot be negative, nor less than what is reserved of it; a reference counts once', async () => {
    const id = await db.value<string>("insert into accounts (owner, balance) values ('ada', 100) returning id", [], { target: 'primary' })
    await expect(db.execute('update accounts set balance = -1 where id = $1', [id])).rejects.toMatchObject({ kind: 'check', constraint: 'accounts_balance_not_negative' })
    await expect(db.execute('update accounts set reserved = 101 where id = $1', [id])).rejects.toBeInstanceOf(ConstraintError)
    for (const type of ['credit', 'debit', 'reserve', 'release']) await db.execute('insert into transactions (account_id, type, amount) values ($1, $2, 1)', [id, type])
    await expect(db.execute("insert into transactions (account_id, type, amount) values ($1, 'gift', 1)", [id])).rejects.toMatchObject({ kind: 'check' })
    await db.execute("insert into transactions (account_id, type, amount, reference) values ($1, 'credit', 1, 'once')", [id])
    await expect(db.execute("insert into transactions (account_id, type, amount, reference) values ($1, 'credit', 1, 'once')", [id])).rejects.toMatchObject({ kind: 'unique' })
    await db.execute('update accounts set balance = 50 where id = $1', [id])
    expect(await db.value('select updated_at > created_at from accounts where id = $1', [id], { target: 'primary' })).toBe(true)
  })

  it('shadow: answers that differ are found; keys in another order are no difference', async () => {
    const insert = 'insert into evaluations (request_id, service, primary_result, shadow_result, primary_ms, shadow_ms) values ($1, $2, $3, $4, 1, 3)'
    await db.execute(insert, ['a', 's', '{"x":1,"y":2}', '{"y":2,"x":1}'])
    await db.execute(insert, ['b', 's', '{"x":1}', '{"x":2}'])
    expect(await db.many('select service, evaluations::int, diverged::int, diverged_percent::float8, slower_ms_p95 from divergence_summary', [], { target: 'primary' }))
      .toEqual([{ service: 's', evaluations: 2, diverged: 1, diverged_percent: 50, slower_ms_p95: 2 }])
  })

  it('cdefnet: what has expired is cleaned up in pieces, everything is in the audit log, and tenants are hashes', async () => {
    const insert = "insert into indicators (tenant, kind, value, expires_at) values (tenant_hash($1), 'ip', $2, now() + $3::interval)"
    for (const [tenant, value, ttl] of [['one', '10.0.0.1', '-1 s'], ['one', '10.0.0.2', '-1 s'], ['two', '10.0.0.3', '1 h']]) await db.execute(insert, [tenant, value, ttl])
    await expect(db.execute("insert into indicators (tenant, kind, value) values ('one', 'ip', 'x')")).rejects.toMatchObject({ kind: 'check' })
    const cleaned: unknown[] = []
    for (let round = 0; round < 3; round++) cleaned.push(await db.value('select clean_up_indicators(1)::int', [], { target: 'primary' }))
    expect(cleaned).toEqual([1, 1, 0])
    expect(await db.many('select action, count(*)::int as n, count(distinct tenant)::int as tenants from audit_log group by action order by action', [], { target: 'primary' }))
      .toEqual([{ action: 'DELETE', n: 2, tenants: 1 }, { action: 'INSERT', n: 3, tenants: 2 }])
  })
})

describe.each<ClusterEngine>(['mariadb', 'mysql'])('credits on %s', { timeout: 240_000 }, (engine) => {
  let cluster: Cluster
  let own: Database
  beforeAll(async () => {
    cluster = await startCluster({ engine })
    own = await Database.open(cluster.url)
  }, 240_000)
  afterAll(async () => {
    await own.close()
    await cluster.destroy()
  })

  it('M16: goes up, down and up again, and keeps balances from being negative', async () => {
    const fingerprint = async (): Promise<unknown> => (await own.maybeOne<{ fingerprint: string }>('select fingerprint from sluice_migration_snapshot', [], { target: 'primary' }))?.fingerprint
    const migrations = new MigrationManager(own, { dir: 'migrations-example/credits-mysql' })
    await migrations.up()
    expect(await own.many('select constraint_name as name, referenced_table_name as other from information_schema.referential_constraints where constraint_schema = database()', [], { target: 'primary' }))
      .toEqual([{ name: 'transactions_of_account', other: 'accounts' }])
    await migrations.down(2)
    await upDownUp(migrations, fingerprint, 2)
    await own.execute("insert into accounts (owner, balance) values ('ada', 100)")
    await expect(own.execute('update accounts set balance = -1')).rejects.toMatchObject({ kind: 'check' })
    const id = await own.value<string>('select id from accounts', [], { target: 'primary' })
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    await own.execute("insert into transactions (account_id, type, amount) values (?, 'credit', 1)", [id])
  })
})
