import { afterAll, describe, expect, it } from 'vitest'
import { autoMigrate, Database, MigrationManager, type MigrationOptions, type QueryEvent, type WarningEvent } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf } from '../database/open.js'
import { Folder, tables } from './files.js'

const database = await freshDatabase()
const queries: QueryEvent[] = []
const db = await Database.open({ primary: database.primaryUrl, observers: [{ query: (event) => { queries.push(event) } }] })
afterAll(() => db.close())

const ALONE = '-- sluice:no-transaction\n'
const rows = (text: string): Promise<unknown[]> => db.many(text, [], { target: 'primary' })

function historyOf(name: string, files: Readonly<Record<string, string>>): { folder: Folder; options: MigrationOptions; manager(): MigrationManager } {
  const folder = new Folder(files)
  const options = { dir: folder.path, schema: `s_${name}` }
  return { folder, options, manager: () => new MigrationManager(db, options) }
}

/** Leaves version 2 in doubt at statement 2 of 3, which has done one half of what it was to do. */
async function inDoubt(name: string, from: number): Promise<ReturnType<typeof historyOf>> {
  const history = historyOf(name, { ...tables(3, from), [`${String(from + 1).padStart(6, '0')}_t${from + 1}.up.sql`]: `${ALONE}create table ${name} (n int);
do $$ begin insert into ${name} values (1); commit; if (select count(*) from ${name}) = 1 then raise exception 'on purpose'; end if; end $$;
insert into ${name} values (9);` })
  expect(await errorOf(history.manager().up())).toMatchObject({ kind: 'failed', statement: 2 })
  expect(await history.manager().version()).toEqual({ version: from + 1, dirty: true })
  return history
}

describe('resolve', () => {
  it('applied: goes on after the statement in doubt', async () => {
    const { manager } = await inDoubt('yes', 101)
    expect(await errorOf(manager().resolve(102, { statement: 1, outcome: 'applied' }))).toMatchObject({ kind: 'missing', message: expect.stringContaining('statement 2 is in doubt, not 1; nothing was changed') as string })
    expect(await manager().resolve(102, { statement: 2, outcome: 'applied' })).toEqual({ version: 101, dirty: false })
    expect((await manager().up()).applied.map(({ version }) => version)).toEqual([102, 103])
    expect(await rows('select n from yes order by n')).toEqual([{ n: 1 }, { n: 9 }])
    expect((await manager().history()).find(({ action }) => action === 'resolve')).toMatchObject({ version: 102, detail: 'statement 2/3: applied' })
  })

  it('not applied: runs it again', async () => {
    const { manager } = await inDoubt('no', 111)
    await manager().resolve(112, { outcome: 'not-applied' })
    expect((await manager().up()).applied.map(({ version }) => version)).toEqual([112, 113])
    expect(await rows('select n from no order by n')).toEqual([{ n: 1 }, { n: 1 }, { n: 9 }])
  })

  it('is refused where nothing is in doubt', async () => {
    const { manager } = historyOf('none', tables(2, 121))
    await manager().up(1)
    expect(await errorOf(manager().resolve(121, { outcome: 'applied' }))).toMatchObject({ kind: 'missing', message: expect.stringContaining('is applied: nothing about it is in doubt') as string })
    expect(await errorOf(manager().resolve(122, { outcome: 'applied' }))).toMatchObject({ kind: 'missing', message: expect.stringContaining('was never begun') as string })
    expect(await errorOf(manager().resolve(121, { outcome: 'perhaps' as 'applied' }))).toMatchObject({ name: 'ConfigError' })
    expect(await errorOf(manager().resolve(121, { outcome: 'applied', statement: 0 }))).toMatchObject({ name: 'ConfigError' })
  })
})

describe('force', () => {
  it('M5: clears what is in doubt, and the next run applies the rest', async () => {
    const { manager } = await inDoubt('forced', 131)
    expect(await manager().force(132)).toEqual({ version: 132, dirty: false })
    expect((await manager().up()).applied.map(({ version }) => version)).toEqual([133])
    expect((await manager().history()).find(({ action }) => action === 'force')).toMatchObject({ version: 132 })
  })

  it('says what is applied without running anything, in both directions', async () => {
    const { manager } = historyOf('force', tables(4, 141))
    expect(await manager().force(142)).toEqual({ version: 142, dirty: false })
    expect(await rows("select to_regclass('t141') as t")).toEqual([{ t: null }])
    expect((await manager().status()).map(({ state }) => state)).toEqual(['applied', 'applied', 'pending', 'pending'])
    expect((await manager().up()).applied.map(({ version }) => version)).toEqual([143, 144])
    expect(await manager().force(-1)).toEqual({ version: 0, dirty: false })
    expect((await manager().status()).map(({ state }) => state)).toEqual(['pending', 'pending', 'pending', 'pending'])
    expect(await errorOf(manager().force(150))).toMatchObject({ kind: 'missing', hint: 'versions: 141, 142, 143, 144' })
    expect(await errorOf(manager().force(-2))).toMatchObject({ name: 'ConfigError' })
  })

  it('a way down that was begun is over, too', async () => {
    const { folder, manager } = historyOf('forcedown', { '1_a.up.sql': 'create table forcedown (n int);', '1_a.down.sql': `${ALONE}drop table forcedown;\nselect nope;` })
    await manager().up()
    await errorOf(manager().down())
    await manager().force(0)
    expect(await rows('select 1 from s_forcedown.migration_stmt')).toEqual([])
    folder.write({ '1_a.down.sql': 'drop table forcedown;' })
    expect((await manager().up()).applied).toHaveLength(1)
  })
})

describe('baseline', () => {
  it('of a database that was there before: files up to it are never run, and a boot is one query', async () => {
    const { options, manager } = historyOf('base', tables(3, 151))
    expect(await manager().baseline(152)).toEqual({ version: 152, dirty: false })
    expect((await manager().status()).map(({ state, version }) => [version, state])).toEqual([[151, 'baseline'], [152, 'baseline'], [153, 'pending'], [152, 'baseline']])
    expect((await autoMigrate(db, options)).applied.map(({ version }) => version)).toEqual([153])
    queries.length = 0
    expect(await autoMigrate(db, options)).toEqual({ applied: [] })
    expect(queries).toHaveLength(1)
    expect(await errorOf(manager().baseline(153))).toMatchObject({ kind: 'drift', message: expect.stringContaining('has 2 rows already; nothing was changed') as string })
  })
})

describe('repair', () => {
  it('writes the checksums of changed files that are confirmed, and no other', async () => {
    const { folder, manager } = historyOf('repair', tables(2, 161))
    await manager().up()
    folder.write({ '000161_t161.up.sql': 'select 1;', '000162_t162.up.sql': 'select 2;' })
    const result = await manager().repair({ confirm: ({ version }) => version === 161 })
    expect(result.changed.map(({ version }) => version)).toEqual([161, 162])
    expect(result.repaired).toMatchObject([{ version: 161, path: expect.stringContaining('000161_t161.up.sql') as string }])
    expect((await manager().status()).map(({ state }) => state)).toEqual(['applied', 'changed'])
    await manager().repair({ confirm: () => true })
    expect(await manager().up()).toEqual({ applied: [] })
    expect((await manager().history()).filter(({ action }) => action === 'repair')).toHaveLength(2)
  })

  it('is refused while something is in doubt', async () => {
    const { manager } = await inDoubt('unrepaired', 171)
    expect(await errorOf(manager().repair({ confirm: () => true }))).toMatchObject({ kind: 'dirty' })
  })
})

describe('import', () => {
  it('M23: from golang-migrate at version 7, clean: 1 to 7 count as applied', async () => {
    const { manager } = historyOf('gm', Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`${index + 1}_g.up.sql`, `create table g${index + 1} (n int);`])))
    await db.execute('create table gm_versions (version bigint not null primary key, dirty boolean not null)')
    await db.execute('insert into gm_versions values (7, false)')
    expect((await manager().import({ from: 'golang-migrate', table: 'gm_versions' })).adopted.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect((await manager().up()).applied.map(({ version }) => version)).toEqual([8, 9])
    expect(await rows('select version::int, dirty from s_gm.schema_migrations')).toEqual([{ version: 9, dirty: false }])
    expect(await errorOf(manager().import({ from: 'golang-migrate', table: 'gm_versions' }))).toMatchObject({ kind: 'drift' })
  })

  it('M23: dirty: it is refused, and says so', async () => {
    const { manager } = historyOf('gmd', tables(9, 1))
    await db.execute('create table schema_migrations (version bigint not null primary key, dirty boolean not null)')
    await db.execute('insert into schema_migrations values (7, true)')
    expect(await errorOf(manager().import({ from: 'golang-migrate' }))).toMatchObject({ kind: 'dirty', message: expect.stringContaining('golang-migrate says that 7 is dirty; nothing was changed') as string })
    expect(await manager().version()).toEqual({ version: 0, dirty: false })
  })

  it.each([
    ['knex', 'create table knex_migrations (id serial, name text)', "insert into knex_migrations (name) values ('000001_t1.js'), ('000002_t2.ts')"],
    ['umzug', 'create table "SequelizeMeta" (name text)', 'insert into "SequelizeMeta" values (\'000001_t1.sql\'), (\'000002_t2.sql\')'],
    ['flyway', 'create table flyway_schema_history (version text, success boolean)', "insert into flyway_schema_history values ('1', true), ('2', true), (null, true)"],
    ['prisma', 'create table _prisma_migrations (migration_name text, finished_at timestamptz, rolled_back_at timestamptz)', "insert into _prisma_migrations values ('1_t1', now(), null), ('2_t2', now(), null), ('3_t3', null, now())"],
    ['node-pg-migrate', 'create table pgmigrations (name text)', "insert into pgmigrations values ('1_t1'), ('2_t2')"],
    ['dbmate', 'create table dbmate_versions (version text)', "insert into dbmate_versions values ('1'), ('2')"],
  ] as const)('from %s', async (from, make, fill) => {
    const { manager } = historyOf(`from_${from.replaceAll('-', '_')}`, tables(3))
    await db.execute(make)
    await db.execute(fill)
    const table = from === 'dbmate' ? 'dbmate_versions' : undefined
    expect((await manager().import({ from, table })).adopted.map(({ version }) => version)).toEqual([1, 2])
    expect((await manager().status()).map(({ state }) => state)).toEqual(['applied', 'applied', 'pending'])
  })

  it('refuses what has no file here, and a table that is not there', async () => {
    const { manager } = historyOf('strange', tables(1))
    expect(await errorOf(manager().import({ from: 'knex' }))).toMatchObject({ kind: 'missing', message: expect.stringContaining('what is no file of default: 000002_t2.ts') as string })
    expect(await errorOf(manager().import({ from: 'umzug', table: 'public.nowhere' }))).toMatchObject({ kind: 'missing', message: expect.stringContaining('cannot be read from public.nowhere') as string })
    expect(await errorOf(manager().import({ from: 'liquibase' as 'knex' }))).toMatchObject({ name: 'ConfigError' })
  })
})

describe('the picture of the catalog', () => {
  it('is kept of what was applied before a failure, too', async () => {
    const { manager } = historyOf('halfway', { ...tables(1, 181), '000182_bad.up.sql': 'select 1 / 0;' })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'failed', version: 182 })
    const { since, added, removed, changed } = await manager().drift()
    expect([since instanceof Date, added, removed, changed]).toEqual([true, [], [], []])
    await db.execute('create table stray_halfway (n int)')
    expect((await manager().drift()).added).toContain('table public.stray_halfway')
    await db.execute('drop table stray_halfway')
  })

  it('that cannot be kept is a warning: what is applied is applied', async () => {
    const warnings: WarningEvent[] = []
    const watched = await Database.open({ primary: database.primaryUrl, observers: [{ warning: (event) => { warnings.push(event) } }] })
    const { options } = historyOf('blind', { '000191_blind.up.sql': 'drop table s_blind.migration_snapshot;' })
    expect((await new MigrationManager(watched, options).up()).applied.map(({ version }) => version)).toEqual([191])
    expect(warnings).toMatchObject([{ code: 'SLUICE_MIGRATION_SNAPSHOT', message: expect.stringContaining('drift cannot be told until the next run') as string }])
    await watched.close()
  })
})
