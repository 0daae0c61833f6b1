import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database, MigrationManager, type MigrationEvent, type MigrationOptions } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { pgbouncer } from '../../support/pgbouncer.js'
import { errorOf } from '../database/open.js'
import { tables } from './files.js'
import { endMigrators, Migrator } from './migrator.js'

// The pooler keeps its sessions open for a while.
const database = await freshDatabase({ allowLeaks: true })
endMigrators()
const pooled = await pgbouncer(database.primaryUrl)
const events: MigrationEvent[] = []
const db = await Database.open({ primary: pooled, observers: [{ migration: (event) => { events.push(event) } }] })
afterAll(() => db.close())

beforeAll(async () => {
  await database.admin(`create function public.at_gate(wanted text) returns int language plpgsql as $$
    begin while not exists (select from public.gate where name = wanted) loop perform pg_sleep(0.02); end loop; return 1; end $$`)
  await database.admin('create table public.gate (name text)')
  await database.admin('grant select on public.gate to public')
})

const open = (name: string): Promise<unknown> => database.admin('insert into public.gate values ($1)', [name])
const ALONE = '-- sluice:no-transaction\n'
const manager = (name: string, files: Readonly<Record<string, string>>, options: MigrationOptions = {}): MigrationManager =>
  new MigrationManager(db, { schema: `s_${name}`, sources: [{ service: 'default', files }], ...options })
const advisoryLocks = (): Promise<unknown[]> => database.admin("select 1 from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = $1)", [database.name])

describe.each([['read committed', 'm2'], ['serializable', 'm26']])('behind a transaction pooler, with default_transaction_isolation = %s', (level, name) => {
  it(`${name.toUpperCase()}: eight processes, a slow migration and CREATE INDEX CONCURRENTLY: every version once, no lock is left`, async () => {
    await database.admin(`alter database "${database.name}" set default_transaction_isolation = '${level}'`)
    const files = {
      '1_slow.up.sql': `create table ${name} as select at_gate('${name}') as n;`, '2_index.up.sql': `${ALONE}create index concurrently ${name}_n on ${name} (n);`,
      '3_last.up.sql': `create table ${name}_last (n int);`,
    }
    const job = { url: pooled, options: { sources: [{ service: 'default', files }], schema: `s_${name}` } }
    const all = Array.from({ length: 8 }, () => new Migrator(job))
    await eventually(() => all.filter((one) => one.lines().some(({ phase }) => phase === 'waiting')).length === 7, 60_000)
    await open(name)
    const ends = await Promise.all(all.map(({ ended }) => ended))
    expect(ends.map(({ exitCode }) => exitCode), JSON.stringify(ends.map(({ failure, err }) => [failure, err]))).toEqual(Array.from({ length: 8 }, () => 0))
    expect(ends.map(({ applied }) => applied).filter(({ length }) => length > 0)).toEqual([[1, 2, 3]])
    expect(await database.admin(`select indisvalid from pg_index where indexrelid = '${name}_n'::regclass`)).toEqual([{ indisvalid: true }])
    expect(await advisoryLocks()).toEqual([])
    await database.admin(`alter database "${database.name}" reset default_transaction_isolation`)
  })
})

describe('behind a transaction pooler', () => {
  it('M20: the session that keeps the lock is ended: what runs is not committed', async () => {
    const files = { '1_slow.up.sql': "create table p20 as select at_gate('p20') as n;" }
    const migrating = errorOf(manager('p20', files).up())
    await eventually(async () => (await database.admin("select 1 from pg_stat_activity where state = 'active' and query like 'create table p20%'")).length > 0)
    const ended = await database.admin("select pg_terminate_backend(pid) as ended from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = $1)", [database.name])
    expect(ended).toEqual([{ ended: true }])
    await open('p20')
    expect(await migrating).toMatchObject({ kind: 'failed', version: 1, message: expect.stringContaining('all of it was undone') as string })
    expect(await database.admin("select to_regclass('p20') as t")).toEqual([{ t: null }])
    expect((await manager('p20', files).up()).applied).toHaveLength(1)
  })

  it('a busy table is waited for in short attempts, statement by statement too, and no session keeps the limit', async () => {
    await db.execute('create table busy (n int)')
    const blocker = await Database.open(database.primaryUrl)
    const tx = await blocker.begin()
    await tx.query('select count(*) from busy')
    events.length = 0
    const migrating = manager('busy', { '1_a.up.sql': `${ALONE}alter table busy add column m int;\nalter table busy add column k int;` }).up()
    await eventually(() => events.filter(({ phase }) => phase === 'blocked').length > 1)
    await tx.rollback()
    await blocker.close()
    expect((await migrating).applied).toHaveLength(1)
    const left = await Promise.all(Array.from({ length: 8 }, () => db.value("select setting from pg_settings where name = 'lock_timeout'", [], { target: 'primary' })))
    expect(new Set(left)).toEqual(new Set(['0']))
  })

  it('limits that would not hold are refused before anything runs', async () => {
    const files = { '1_a.up.sql': `-- sluice:lock-timeout=1s\n${ALONE}create table held (n int);\ncreate index concurrently held_n on held (n);` }
    expect(await errorOf(manager('held', files).up())).toMatchObject({
      kind: 'failed', message: expect.stringMatching(/statement 2, which runs outside .*pooler; nothing was changed/) as string, hint: expect.stringContaining('directUrl') as string,
    })
    const direct = await Database.open({ primary: pooled, directUrl: database.primaryUrl })
    expect((await new MigrationManager(direct, { schema: 's_held', sources: [{ service: 'default', files }] }).up()).applied).toHaveLength(1)
    await direct.close()
  })

  it('goes up and down', async () => {
    const migrations = manager('updown', tables(3, 701))
    await migrations.up()
    await migrations.migrate(0)
    expect(await migrations.version()).toEqual({ version: 0, dirty: false })
    expect(await advisoryLocks()).toEqual([])
  })
})
