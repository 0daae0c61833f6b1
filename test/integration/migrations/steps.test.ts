import { afterAll, describe, expect, it } from 'vitest'
import { Database, MigrationManager, type MigrationEvent, type MigrationOptions } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf } from '../database/open.js'
import { Folder, tables } from './files.js'

const database = await freshDatabase()
const events: MigrationEvent[] = []
const db = await Database.open({ primary: database.primaryUrl, observers: [{ migration: (event) => { events.push(event) } }] })
afterAll(() => db.close())

const ALONE = '-- sluice:no-transaction\n'

/** A folder and a history of a test's own; the files may be changed between two managers. */
function historyOf(name: string, files: Readonly<Record<string, string>>): { folder: Folder; manager(options?: MigrationOptions): MigrationManager } {
  const folder = new Folder(files)
  return { folder, manager: (options = {}) => new MigrationManager(db, { dir: folder.path, schema: `s_${name}`, ...options }) }
}

const rows = (text: string, params: unknown[] = []): Promise<unknown[]> => db.many(text, params, { target: 'primary' })
const exists = async (name: string): Promise<boolean> => (await db.value<string>('select to_regclass($1)::text', [name], { target: 'primary' })) !== null

describe('a file that runs statement by statement', () => {
  it('goes up and down, and is forgotten afterwards', async () => {
    const { manager } = historyOf('updown', {
      '1_a.up.sql': `${ALONE}create table updown (n int);\ncreate index concurrently updown_n on updown (n);`,
      '1_a.down.sql': `${ALONE}drop index concurrently updown_n;\ndrop table updown;`,
    })
    events.length = 0
    await manager().up()
    expect(events.filter(({ phase }) => phase === 'statement').map(({ statement }) => statement)).toEqual([{ number: 1, of: 2 }, { number: 2, of: 2 }])
    expect(await rows('select stmts_done, stmts_total, state from s_updown.migration')).toEqual([{ stmts_done: 2, stmts_total: 2, state: 'applied' }])
    expect(await rows('select 1 from s_updown.migration_stmt')).toEqual([])
    await manager().down()
    expect(await exists('updown')).toBe(false)
    expect(await rows('select 1 from s_updown.migration')).toEqual([])
  })

  it('that fails in its middle goes on from there when it is mended; what is done may not be changed', async () => {
    const { folder, manager } = historyOf('mended', { '1_a.up.sql': `${ALONE}create table mended (n int);\ninsert into mended values ('x');\ninsert into mended values (3);`, ...tables(1, 502) })
    expect(await errorOf(manager().up())).toMatchObject({
      kind: 'failed', version: 1, statement: 2, message: expect.stringMatching(/22P02.*1_a\.up\.sql:3; statement 2\/3 failed, its statements up to 1 are done/) as string,
    })
    expect(await manager().version()).toEqual({ version: 0, dirty: false })
    folder.write({ '1_a.up.sql': `${ALONE}create table mended (n bigint);\ninsert into mended values (2);\ninsert into mended values (3);` })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'drift', statement: 1, message: expect.stringContaining('statement 1 is done already') as string })
    folder.write({ '1_a.up.sql': `${ALONE}create table mended (n int);\ninsert into mended values (2);\ninsert into mended values (3);` })
    expect((await manager().up()).applied.map(({ version }) => version)).toEqual([1, 502])
    expect(await rows('select n from mended order by n')).toEqual([{ n: 2 }, { n: 3 }])
    expect(await manager().up()).toEqual({ applied: [] })
  })

  it('is the same one when its file gets another name, whether it is done, failed, or half done', async () => {
    const { folder, manager } = historyOf('renamed', { '541_a.up.sql': 'create table renamed (n int);', '541_a.down.sql': 'drop table renamed;', '542_b.up.sql': 'select nope;' })
    await expect(manager().up()).rejects.toMatchObject({ version: 542 })
    folder.remove('541_a.up.sql', '541_a.down.sql', '542_b.up.sql').write({
      '541_x.up.sql': 'create table renamed (n int);', '541_x.down.sql': 'drop table renamed;', '542_y.up.sql': 'select 1;', '542_y.down.sql': 'select 1;',
      '543_c.up.sql': `${ALONE}create table renamed_c (n int);\nselect nope;`,
    })
    await expect(manager().up()).rejects.toMatchObject({ version: 543, statement: 2 })
    expect(await rows('select version, state from s_renamed.migration order by version')).toMatchObject([{ state: 'applied' }, { state: 'applied' }, { state: 'failed' }])
    folder.remove('543_c.up.sql').write({ '543_z.up.sql': `${ALONE}create table renamed_c (n int);\nselect 1;`, '543_z.down.sql': 'drop table renamed_c;' })
    expect((await manager().up()).applied.map(({ version }) => version)).toEqual([543])
    expect(await manager().up()).toEqual({ applied: [] })
    expect((await manager().down(3)).reverted.map(({ version }) => version)).toEqual([543, 542, 541])
    expect(await rows('select 1 from s_renamed.migration')).toEqual([])
  })

  it('fails on its way down: that way is finished first', async () => {
    const { folder, manager } = historyOf('halfdown', {
      ...tables(1, 511), '512_b.up.sql': 'create table halfdown (n int);', '512_b.down.sql': `${ALONE}drop table halfdown;\nselect nope;`,
    })
    await manager().up()
    expect(await errorOf(manager().down())).toMatchObject({ kind: 'failed', statement: 2 })
    expect(await exists('halfdown')).toBe(false)
    expect((await manager().status()).at(-1)).toMatchObject({ state: 'interrupted', version: 512 })
    folder.write({ '512_b.down.sql': `${ALONE}drop table halfdown;\nselect 1;` })
    expect((await manager().down()).reverted.map(({ version }) => version)).toEqual([512])
    expect(await manager().version()).toEqual({ version: 511, dirty: false })
  })

  it('a block that may have committed in its middle is in doubt when it fails', async () => {
    const { manager } = historyOf('block', { '1_a.up.sql': `${ALONE}create table block (n int);\ndo $$ begin insert into block values (1); commit; raise exception 'later'; end $$;` })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'failed', statement: 2, message: expect.stringContaining('whether statement 2/2 is done is not known') as string })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'dirty', message: expect.stringMatching(/failed at statement 2\/2: .*later/) as string })
    expect(await rows('select * from block')).toEqual([{ n: 1 }])
  })

  it('M14: CREATE UNIQUE INDEX CONCURRENTLY over duplicates fails, and works once they are gone', async () => {
    const { manager } = historyOf('m14', { '1_a.up.sql': `${ALONE}create table m14 (n int);\ninsert into m14 values (1), (1);\ncreate unique index concurrently if not exists m14_n on m14 (n);` })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'failed', statement: 3 })
    expect(await rows("select indisvalid from pg_index where indexrelid = 'm14_n'::regclass")).toEqual([{ indisvalid: false }])
    await db.execute('delete from m14 where ctid = (select min(ctid) from m14)')
    expect((await manager().up()).applied).toHaveLength(1)
    expect(await rows("select indisvalid from pg_index where indrelid = 'm14'::regclass")).toEqual([{ indisvalid: true }])
  })
})

describe('limits of a file', () => {
  it.each([['in a transaction', 'st_t', ''], ['statement by statement', 'st_n', ALONE]])('statement-timeout ends what takes too long, %s', async (_, name, directive) => {
    const { folder, manager } = historyOf(name, { '1_a.up.sql': `-- sluice:statement-timeout=50ms\n${directive}create table ${name} (n int);\nselect pg_sleep(60);` })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'failed', message: expect.stringContaining('statement timeout') as string })
    folder.write({ '1_a.up.sql': `-- sluice:statement-timeout=0\n${directive}create table ${name} (n int);\nselect current_setting('statement_timeout')::int / case current_setting('statement_timeout') when '0' then 1 else 0 end;` })
    expect((await manager().up()).applied).toHaveLength(1)
  })

  it('CREATE INDEX CONCURRENTLY waits for old transactions however long they take', async () => {
    await db.execute('create table patient (n int)')
    const { manager } = historyOf('patient', { '1_a.up.sql': `${ALONE}create index concurrently patient_n on patient (n);` })
    const old = await db.begin({ isolationLevel: 'repeatable read' })
    await old.query('select 1')
    const migrating = manager({ statementLockTimeoutMs: 1, lockRetryMs: 0 }).up()
    await eventually(async () => (await rows("select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'create index concurrently patient_n%' and query_start < clock_timestamp() - interval '100 ms'")).length > 0)
    await old.rollback()
    expect((await migrating).applied).toHaveLength(1)
  })
})

/** A session that reads a table and stays in its transaction. */
async function reader(table: string): Promise<{ pid: number; end(): Promise<void> }> {
  const tx = await db.begin()
  await tx.query(`select count(*) from ${table}`)
  return { pid: (await tx.value<number>('select pg_backend_pid()'))!, end: () => tx.rollback() }
}

describe.each([['in a transaction', 't', ''], ['statement by statement', 'n', ALONE]])('a table that is busy, %s', (_, short, directive) => {
  it('M13: others go on reading it, the error names who blocks, and the migration succeeds when they have gone', async () => {
    const name = `m13_${short}`
    await db.execute(`create table ${name} (n int)`)
    const { manager } = historyOf(name, { '1_a.up.sql': `${directive}alter table ${name} add column m int;` })
    const blocker = await reader(name)
    events.length = 0
    const migrating = manager().up()
    const blocked = (): readonly MigrationEvent[] => events.filter(({ phase, blockers }) => phase === 'blocked' && blockers.some(({ id }) => id === blocker.pid))
    let worstMs = 0
    const reading = async (): Promise<boolean> => {
      const startedAt = performance.now()
      await db.query(`select * from ${name}`, [], { timeoutMs: 60_000, target: 'primary' })
      worstMs = Math.max(worstMs, performance.now() - startedAt)
      return blocked().length >= 2
    }
    await eventually(reading, 60_000)
    await blocker.end()
    const freedAt = performance.now()
    expect((await migrating).applied).toHaveLength(1)
    expect(performance.now() - freedAt).toBeLessThan(15_000)
    expect(worstMs).toBeLessThan(7_000)
    expect(await rows(`select count(*)::int as n from information_schema.columns where table_name = '${name}'`)).toEqual([{ n: 2 }])
  })

  it('lockRetryMs ends the attempts; the error names who blocks, and nothing is left', async () => {
    const name = `retry_${short}`
    await db.execute(`create table ${name} (n int)`)
    const { manager } = historyOf(name, { '1_a.up.sql': `-- sluice:lock-timeout=200ms\n${directive}alter table ${name} add column m int;` })
    const blocker = await reader(name)
    const failure = await errorOf(manager({ lockRetryMs: 6_000 }).up())
    expect(failure).toMatchObject({ kind: 'failed', message: expect.stringMatching(new RegExp(`no table lock after \\d+ attempts in \\d+\\.\\d s; blocked by session ${String(blocker.pid)} `)) as string })
    await blocker.end()
    expect(await manager().version()).toEqual({ version: 0, dirty: false })
    expect((await manager().up()).applied).toHaveLength(1)
  })
})

describe('files and history differ', () => {
  it('M9: a lower version that came late is refused by name, and applied when it is allowed', async () => {
    const { folder, manager } = historyOf('m9', { ...tables(1, 601), ...tables(1, 603) })
    await manager().up()
    folder.write({ ...tables(1, 602), ...tables(1, 604) })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'outOfOrder', version: 602, message: expect.stringMatching(/602_t602: older than 603_t603.*nothing was changed/) as string, hint: expect.stringContaining('allowOutOfOrder: [602]') as string })
    expect(await exists('t604')).toBe(false)
    expect((await manager({ allowOutOfOrder: [602] }).up()).applied.map(({ version }) => version)).toEqual([602, 604])
    expect(await manager().up()).toEqual({ applied: [] })
  })

  it('M10: one byte more is drift; line ends, a byte order mark and newlines at the end are not', async () => {
    const { folder, manager } = historyOf('m10', tables(1, 611))
    await manager().up()
    const name = '000611_t611.up.sql'
    const text = tables(1, 611)[name]!
    folder.write({ [name]: `\uFEFF${text.replaceAll('\n', '\r\n')}\r\n` })
    expect(await manager().up()).toEqual({ applied: [] })
    folder.write({ [name]: `${text} ` })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'drift', version: 611, hint: expect.stringContaining('git log -p -- ') as string })
    expect((await manager().status())[0]).toMatchObject({ state: 'changed' })
  })

  it('M11: a file that is gone is missing; from a newer program it is allowed where that is said', async () => {
    const { folder, manager } = historyOf('m11', tables(3, 621))
    await manager().up()
    folder.remove('000622_t622.up.sql', '000622_t622.down.sql')
    expect((await manager().status()).find(({ version }) => version === 622)).toMatchObject({ state: 'missing', ahead: false })
    expect(await errorOf(manager({ ahead: 'allow' }).up())).toMatchObject({ kind: 'missing', version: 622 })
    folder.write(tables(1, 622)).remove('000623_t623.up.sql', '000623_t623.down.sql')
    expect((await manager().status()).find(({ version }) => version === 623)).toMatchObject({ state: 'missing', ahead: true })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'missing', version: 623 })
    expect(await errorOf(manager().down())).toMatchObject({ kind: 'missing', version: 623, message: expect.stringContaining('cannot be reverted') as string })
    expect(await manager({ ahead: 'allow' }).up()).toEqual({ applied: [] })
  })

  it('M12: a COMMIT inside is refused before anything runs; a pair around everything is taken off', async () => {
    const { folder, manager } = historyOf('m12', { '1_a.up.sql': 'create table m12 (n int);\ncommit;\nselect nope;' })
    expect(await errorOf(manager().up())).toMatchObject({ name: 'ConfigError', message: expect.stringMatching(/1_a\.up\.sql: line 2: COMMIT .*nothing was changed/) as string })
    expect(await exists('s_m12.migration')).toBe(false)
    folder.write({ '1_a.up.sql': 'begin;\ncreate table m12 (n int);\nselect nope;\ncommit;' })
    expect(await errorOf(manager().up())).toMatchObject({ kind: 'failed', message: expect.stringContaining('1_a.up.sql:3; all of it was undone') as string })
    expect(await exists('m12')).toBe(false)
    folder.write({ '1_a.up.sql': 'begin;\ncreate table m12 (n int);\ncommit;' })
    expect((await manager().up()).applied).toHaveLength(1)
  })

  it('a COMMIT inside of code is noticed, and leaves the migration in doubt', async () => {
    const coded = (): MigrationManager => new MigrationManager(db, { schema: 's_escape', sources: [{ service: 'x', files: { '1_a.ts': {
      up: async ({ tx }) => { await tx.query('create table escaped (n int)'); await tx.query('commit') },
    } } }] })
    expect(await errorOf(coded().up())).toMatchObject({ kind: 'failed', version: 1, message: expect.stringContaining('what it did before that stays') as string })
    expect(await coded().version()).toEqual({ version: 1, dirty: true })
    expect(await errorOf(coded().up())).toMatchObject({ kind: 'dirty', message: expect.stringContaining('has left its transaction') as string })
  })

  it('M15: down without a way down is an error, and changes nothing', async () => {
    const { folder, manager } = historyOf('m15', { ...tables(1, 631), '632_b.up.sql': 'create table m15 (n int);' })
    await manager().up()
    expect(await errorOf(manager().down(2))).toMatchObject({ kind: 'irreversible', version: 632, message: expect.stringContaining('632_b has no way down; nothing was changed') as string })
    expect(await errorOf(manager().migrate(0))).toMatchObject({ kind: 'irreversible' })
    expect(await manager().version()).toEqual({ version: 632, dirty: false })
    folder.write({ '632_b.down.sql': 'drop table m15;', '633_c.up.sql': '-- sluice:irreversible\nselect 1;', '633_c.down.sql': 'select 1;' })
    await manager().up()
    expect(await errorOf(manager().down())).toMatchObject({ kind: 'irreversible', version: 633, message: expect.stringContaining('says that it is irreversible') as string })
  })

  it('M22: three services with the same versions, in the order they are declared', async () => {
    const service = (name: string, text = ''): { service: string; files: Record<string, string> } => ({ service: name, files: {
      '1_a.up.sql': `create table ${name}_1 as select clock_timestamp() as at;`, '1_a.down.sql': `drop table ${name}_1;`, '2_b.up.sql': `${text}create table ${name}_2 (n int);`, '2_b.down.sql': `drop table ${name}_2;`,
    } })
    const sources = [service('zeta'), service('auth', '-- sluice:requires zeta:2\n'), service('mid')]
    const migrations = new MigrationManager(db, { schema: 's_m22', sources })
    const { applied } = await migrations.up()
    expect(applied.map((each) => `${each.service}:${String(each.version)}`)).toEqual(['zeta:1', 'zeta:2', 'auth:1', 'auth:2', 'mid:1', 'mid:2'])
    await migrations.down(1, { service: 'auth' })
    expect(await migrations.version('auth')).toEqual({ version: 1, dirty: false })
    expect(await migrations.version('mid')).toEqual({ version: 2, dirty: false })
    await migrations.migrate(0, { service: 'zeta' })
    expect(await exists('zeta_1')).toBe(false)
    expect(await errorOf(migrations.version())).toMatchObject({ name: 'ConfigError', hint: 'one of: zeta, auth, mid' })
    expect(await errorOf(migrations.version('nobody'))).toMatchObject({ message: expect.stringContaining("no service 'nobody'") as string })
    const backwards = new MigrationManager(db, { schema: 's_m22b', sources: sources.toReversed() })
    expect(await errorOf(backwards.up())).toMatchObject({ name: 'ConfigError', message: expect.stringContaining('requires zeta:2, which does not come before it') as string })
  })

  it('repeatable files run after all others, and again whenever they change', async () => {
    const { folder, manager } = historyOf('repeat', { ...tables(1, 641), 'R__b.sql': 'create or replace view repeat_b as select id from t641;', 'R__a.sql': 'select 1;' })
    expect((await manager().up()).applied.map(({ name }) => name)).toEqual(['t641', 'a', 'b'])
    folder.write({ 'R__b.sql': 'create or replace view repeat_b as select id, 2 as two from t641;' })
    expect((await manager().up()).applied.map(({ name }) => name)).toEqual(['b'])
    expect(await rows('select two from repeat_b')).toEqual([{ two: 2 }])
    expect(await manager().version()).toEqual({ version: 641, dirty: false })
  })
})

describe('questions', () => {
  it('M25: status, version and plan on a read-only server without a history: they answer, and make nothing', async () => {
    const replica = new Database({ primary: database.primaryUrl, directUrl: database.replicaUrls[0]! })
    const migrations = new MigrationManager(replica, { schema: 's_m25', sources: [{ service: 'x', files: tables(2, 651) }] })
    expect(await migrations.version()).toEqual({ version: 0, dirty: false })
    expect((await migrations.status()).map(({ state }) => state)).toEqual(['pending', 'pending'])
    expect((await migrations.plan()).pending).toHaveLength(2)
    expect(await migrations.history()).toEqual([])
    await replica.close()
    expect(await exists('s_m25.migration')).toBe(false)
  })
})
