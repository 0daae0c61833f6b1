import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { autoMigrate, Database, MigrationManager, type MigrationEvent, type MigrationOptions, type Observer, type QueryEvent } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { Folder } from './files.js'

const queries: QueryEvent[] = []
const events: MigrationEvent[] = []
const opened: Database[] = []
afterAll(async () => { await Promise.all(opened.map((db) => db.close({ drainMs: 0 }))) })

async function database(): Promise<Database> {
  const fresh = await freshDatabase()
  const observer: Observer = { query: (event) => { queries.push(event) }, migration: (event) => { events.push(event) } }
  const db = await Database.open({ primary: fresh.adminUrl, observers: [observer] })
  opened.push(db)
  return db
}

/** Others on the same server have scratch databases of their own, which go; one that was left behind stays. */
async function noScratchLeft(db: Database): Promise<void> {
  await eventually(async () => (await db.many("select 1 from pg_database where datname like 'sluice_scratch_%'", [], { target: 'primary' })).length === 0, 60_000)
}

/** Everything that a catalog may hold, and that a dump might lose. */
const RICH: Readonly<Record<string, string>> = {
  '1_extension.up.sql': 'create extension if not exists pgcrypto; create schema inner_things;',
  '2_types.up.sql': "create type mood as enum ('sad', 'happy'); create domain percent as int check (value between 0 and 100); create type pair as (a int, b text);",
  '3_account.up.sql': `create table account (id bigint generated always as identity primary key, code uuid not null default gen_random_uuid() unique,
    balance numeric(12, 2) not null default 0 constraint balance_not_negative check (balance >= 0), feeling mood default 'happy',
    double numeric generated always as (balance * 2) stored);
    comment on table account is 'holds; money -- and "quotes"'; comment on column account.code is $$two
lines; with a semicolon$$;`,
  '4_entry.up.sql': 'create table inner_things.entry (id serial primary key, account bigint not null references account on delete cascade, at timestamptz not null default now(), share percent);',
  '5_index.up.sql': '-- sluice:no-transaction\ncreate index concurrently entry_at on inner_things.entry (at desc) where share > 50;',
  '6_function.up.sql': `create function later(x int) returns int language plpgsql as $body$
begin
  -- a comment; with a semicolon
  return (select count(*) from inner_things.entry) + x;
end $body$;
create procedure tidy() language sql as 'delete from inner_things.entry';
create function stamp() returns trigger language plpgsql as $$ begin new.at := now(); return new; end $$;
create trigger stamped before update on inner_things.entry for each row execute function stamp();`,
  '7_views.up.sql': 'create view rich as select id, balance from account where balance > 100 with check option; create materialized view sums as select account, count(*) from inner_things.entry group by 1; create unique index on sums (account);',
  '8_parts.up.sql': `create table reading (at date not null, value int) partition by range (at); create table reading_2026 partition of reading for values from ('2026-01-01') to ('2027-01-01'); create index on reading (value);`,
  '9_rules.up.sql': 'alter table account enable row level security; create policy own on account for select using (balance > 0); create rule quiet as on delete to account do instead nothing; create sequence ticket start 100 increment 5;',
  '10_dropped.up.sql': 'grant select on account to public; alter table account add column note text; alter table account drop column note; alter table account add column note text;',
}

const states = async (migrations: MigrationManager): Promise<Record<string, string>> =>
  Object.fromEntries((await migrations.status()).map(({ version, name, kind, state }) => [kind === 'V' ? String(version) : `${kind} ${name}`, state]))

describe('squash', () => {
  it('M24: a new database begins with the baseline and has the same catalog; one that had all of it runs nothing', async () => {
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, index) =>
      [`${String(index + 11)}_t${String(index)}.up.sql`, `create table t${String(index)} (id int primary key, name text); create index on t${String(index)} (name);`]))
    const folder = new Folder({ ...RICH, ...files, '51_after.up.sql': 'create table after_it (id int references account)', '51_after.down.sql': 'drop table after_it' })
    const [old, behind, fresh] = [await database(), await database(), await database()]
    const options: MigrationOptions = { dir: folder.path }
    const before = (db: Database): MigrationManager => new MigrationManager(db, options)
    expect((await before(old).up()).applied).toHaveLength(51)
    await before(behind).migrate(30)

    events.length = 0
    const { baseline, archived, squashed, sql } = await before(old).squash(50)
    expect(events).toEqual([])
    expect([squashed, archived.length, existsSync(baseline ?? '')]).toEqual([50, 50, true])
    expect(readdirSync(folder.path).sort()).toEqual(['000050_baseline.up.sql', '51_after.down.sql', '51_after.up.sql', 'squashed'])
    expect(sql).not.toMatch(/\\restrict|set_config|Dumped|sluice\.migration/)
    expect(readFileSync(baseline ?? '', 'utf8')).toBe(sql)

    // the old one: nothing is run, nothing has drifted, and its history stands
    const versioned = await old.many<{ n: unknown }>('select count(*)::int as n from sluice.migration where kind = $1', ['V'], { target: 'primary' })
    expect(await autoMigrate(old, options)).toEqual({ applied: [] })
    expect(await old.many('select count(*)::int as n from sluice.migration where kind = $1', ['V'], { target: 'primary' })).toEqual(versioned)
    expect(await before(old).drift()).toMatchObject({ added: [], removed: [], changed: [] })
    expect(await before(old).version()).toEqual({ version: 51, dirty: false })
    expect(Object.values(await states(before(old))).filter((state) => state !== 'baseline')).toEqual(['applied'])
    expect((await before(old).status()).filter(({ name }) => name === 'baseline')).toMatchObject([{ version: 50, state: 'baseline' }])
    queries.length = 0
    await autoMigrate(old, options)
    expect(queries).toHaveLength(1)
    expect((await before(old).down()).reverted.map(({ version }) => version)).toEqual([51])
    expect((await before(old).up()).applied.map(({ version }) => version)).toEqual([51])

    // a new one: the baseline, and what comes after it
    expect((await autoMigrate(fresh, options)).applied.map(({ version, name }) => [version, name])).toEqual([[50, 'baseline'], [51, 'after']])
    queries.length = 0
    await autoMigrate(fresh, options)
    expect(queries).toHaveLength(1)
    const objects = (db: Database): Promise<unknown> => db.value('select objects from sluice.migration_snapshot', [], { target: 'primary' })
    expect(JSON.parse(String(await objects(fresh)))).toEqual(JSON.parse(String(await objects(old))))
    expect(await states(before(fresh))).toEqual({ 50: 'applied', 51: 'applied' })
    // a dump leaves them empty until rows come; and what was granted is granted
    expect(await fresh.many('select * from sums', [], { target: 'primary' })).toEqual([])
    expect(await fresh.value("select has_table_privilege('pg_monitor', 'account', 'select')", [], { target: 'primary' })).toBe(true)
    await before(fresh).down()
    await expect(before(fresh).down()).rejects.toMatchObject({ kind: 'irreversible', message: expect.stringContaining('irreversible; nothing was changed') as string })

    // one that stopped on the way: nobody has the rest of it
    const refused = { kind: 'missing', message: expect.stringMatching(/default is at version 30, and .*000050_baseline\.up\.sql stands for everything up to 50; nothing was changed/) as string }
    await expect(before(behind).up()).rejects.toMatchObject(refused)
    await expect(autoMigrate(behind, options)).rejects.toMatchObject(refused)
    expect((await before(behind).plan()).refusal).toMatchObject({ hint: expect.stringContaining('run the release that still has the files up to 50') as string })
  })

  it('a database that was declared to be at an earlier version is refused, too; one at that version or later is not', async () => {
    const folder = new Folder({ '1_a.up.sql': 'create table a (id int)', '2_b.up.sql': 'create table b (id int)', '3_c.up.sql': 'create table c (id int)' })
    const [early, late] = [await database(), await database()]
    const migrations = (db: Database): MigrationManager => new MigrationManager(db, { dir: folder.path })
    await migrations(early).baseline(1)
    await migrations(late).baseline(2)
    await migrations(late).squash(2)
    await expect(migrations(early).up()).rejects.toMatchObject({ kind: 'missing' })
    expect((await migrations(late).up()).applied.map(({ version }) => version)).toEqual([3])
  })

  it('a role that may not create databases is told so, and nothing was changed', async () => {
    const fresh = await freshDatabase()
    const role = `${fresh.name}_poor`
    await fresh.admin(`create role "${role}" login nocreatedb password 'poor'`)
    const url = new URL(fresh.primaryUrl)
    url.username = role
    url.password = 'poor'
    await using db = await Database.open(url.href)
    const folder = new Folder({ '1_a.up.sql': 'create table a (id int)', '2_b.up.sql': 'create table b (id int)' })
    await expect(new MigrationManager(db, { dir: folder.path }).squash(2)).rejects.toThrow(/a scratch database could not be made: .*permission denied[^]*nothing was changed/)
    expect(readdirSync(folder.path)).toHaveLength(2)
    await fresh.admin(`drop role "${role}"`)
  })

  it('rows that migrations have inserted are not lost in silence', async () => {
    const files = { '1_a.up.sql': "create table country (code text primary key, name text); insert into country values ('de', 'a; b'), ('at', null);", '2_b.up.sql': 'create table b (id int)' }
    const db = await database()
    const make = (): Folder => new Folder(files)
    const folder = make()
    const migrations = new MigrationManager(db, { dir: folder.path })
    await expect(migrations.squash(2)).rejects.toMatchObject({ code: 'SLUICE_CONFIG', option: 'data', message: expect.stringContaining('public.country') as string })
    expect(readdirSync(folder.path).sort()).toEqual(['1_a.up.sql', '2_b.up.sql'])
    const { sql } = await migrations.squash(2, { data: 'leave', dryRun: true })
    expect(sql).not.toMatch(/insert into/i)
    await migrations.squash(2, { data: 'include', archive: join(folder.path, '..', 'shelf') })
    await new MigrationManager(db, { dir: folder.path }).up()
    expect(await db.many('select * from country order by code', [], { target: 'primary' })).toEqual([{ code: 'at', name: null }, { code: 'de', name: 'a; b' }])
  })

  it.each([
    ['create table a (id int); alter table a owner to current_user;', 1], ['create table a (id int);\nalter database postgres set work_mem = 65536', 2],
  ])('what no dump holds is refused: %s', async (text, line) => {
    const folder = new Folder({ '1_a.up.sql': text, '2_b.up.sql': 'create table b (id int)' })
    await expect(new MigrationManager(await database(), { dir: folder.path }).squash(2)).rejects.toMatchObject({
      code: 'SLUICE_CONFIG', message: expect.stringContaining(`1_a.up.sql:${String(line)} changes an owner`) as string,
    })
  })

  it('of several services one is squashed by itself, and what others require of it still holds', async () => {
    const users = new Folder({ '1_u.up.sql': 'create table users (id int primary key)', '2_u.up.sql': 'alter table users add column name text' })
    const orders = new Folder({ '1_o.up.sql': '-- sluice:requires users:2\ncreate table orders (id int, "user" int references users)', '2_o.up.sql': 'create table lines (id int)' })
    const options: MigrationOptions = { sources: [{ service: 'users', dir: users.path }, { service: 'orders', dir: orders.path }] }
    const [old, fresh] = [await database(), await database()]
    await new MigrationManager(old, options).up()
    await new MigrationManager(old, options).squash(2, { service: 'users' })
    expect((await new MigrationManager(old, options).up()).applied).toEqual([])
    expect((await new MigrationManager(fresh, options).up()).applied.map(({ service, name }) => `${service} ${name}`)).toEqual(['users baseline', 'orders o', 'orders o'])
    // orders cannot be built without users
    await expect(new MigrationManager(old, options).squash(2, { service: 'orders' })).rejects.toMatchObject({ kind: 'failed' })
    await noScratchLeft(old)
  })

  it('says what is wrong before anything is done: no such version, nothing to squash, files below a baseline, no folder', async () => {
    const folder = new Folder({ '1_a.up.sql': 'create table a (id int)', '2_b.up.sql': 'create table b (id int)' })
    const db = await database()
    const migrations = new MigrationManager(db, { dir: folder.path })
    await expect(migrations.squash(3)).rejects.toMatchObject({ kind: 'missing', hint: 'versions: 1, 2' })
    await expect(migrations.squash(1)).rejects.toMatchObject({ message: expect.stringContaining('nothing to squash') as string })
    await expect(new MigrationManager(db, { sources: [{ service: 'm', files: { '1_a.up.sql': 'select 1', '2_b.up.sql': 'select 2' } }] }).squash(2)).rejects.toMatchObject({ option: 'migrations.sources' })
    const { archived } = await migrations.squash(2)
    renameSync(archived[0] ?? '', join(folder.path, '1_a.up.sql'))
    await expect(new MigrationManager(db, { dir: folder.path }).up()).rejects.toMatchObject({ message: expect.stringContaining('is part of the baseline') as string })
  })
})

describe('rehearsal on a scratch database', () => {
  it('tries what cannot run in a transaction and code, tells locks and the first failure, and touches nothing', async () => {
    const folder = new Folder({
      '1_a.up.sql': 'create table rs (id int)', '2_b.up.sql': 'alter table rs add column c text;\ncreate table rs2 (id int);',
      '3_c.up.sql': '-- sluice:no-transaction\ncreate index concurrently rs_c on rs (c);', '4_d.up.sql': 'alter table rs2 add column x int;\nselect 1 / count(*) from pg_indexes where indexname = $$rs_c$$;',
    })
    const db = await database()
    await new MigrationManager(db, { dir: folder.path }).up(1)
    const rehearsed = async (): Promise<unknown> => (await new MigrationManager(db, { dir: folder.path }).plan({ rehearse: 'scratch' })).rehearsal
    const lock = { relation: 'rs', mode: 'AccessExclusiveLock', line: 1 }
    const ok = { error: undefined, untried: undefined }
    expect(await rehearsed()).toMatchObject([{ version: 2, locks: [lock], ...ok }, { version: 3, locks: [], ...ok }, { version: 4, locks: [], ...ok }])
    folder.write({ '3_c.up.sql': '-- sluice:no-transaction\ncreate index concurrently rs_c on rs (nope);' })
    expect(await rehearsed()).toMatchObject([{ version: 2, ...ok }, { version: 3, error: expect.stringContaining('nope') as string }])
    expect(await db.value("select to_regclass('rs2')::text", [], { target: 'primary' })).toBeNull()
    expect((await new MigrationManager(db, { dir: folder.path }).status()).map(({ state }) => state)).toEqual(['applied', 'pending', 'pending', 'pending'])
    await noScratchLeft(db)
  })

  it('is refused where there are no scratch databases', async () => {
    const db = await Database.open('sqlite::memory:')
    opened.push(db)
    const migrations = new MigrationManager(db, { dir: new Folder({ '1_a.up.sql': 'create table a (id int)' }).path })
    await expect(migrations.plan({ rehearse: 'scratch' })).rejects.toMatchObject({ code: 'SLUICE_CONFIG', option: 'rehearse' })
  })
})
