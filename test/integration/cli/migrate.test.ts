import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { Database } from '../../../src/index.js'
import { run } from '../../../src/cli/run.js'
import { makeOutput } from '../../../src/cli/output.js'
import { freshDatabase } from '../../support/database.js'
import { Folder, tables } from '../migrations/files.js'
import { start } from './binary.js'

const database = await freshDatabase()
const db = await Database.open(database.primaryUrl)
afterAll(() => db.close())

interface Ended { readonly exitCode: number; readonly out: string; readonly err: string }

/** One command line in this process, without a terminal unless told otherwise. */
async function sluice(args: readonly string[], terminal = false, columns = 200, url = database.primaryUrl): Promise<Ended> {
  let [out, err] = ['', '']
  const stream = (write: (text: string) => void): { isTTY: boolean; columns: number; write(text: string): void } => ({ isTTY: terminal, columns, write })
  const env = { DATABASE_URL: url, LC_ALL: 'C', ...terminal ? { TERM: 'xterm' } : {} }
  const output = makeOutput(stream((text) => { out += text }), stream((text) => { err += text }), env)
  const exitCode = await run(['migrate', ...args], output)
  return { exitCode, out, err }
}

/** Arguments for a folder and a history of a test's own. */
const of = (folder: Folder, name: string, ...more: string[]): string[] => ['--dir', folder.path, '--schema', `c_${name}`, ...more]

describe('sluice migrate', () => {
  it('up, status, version, down, to and history, as lines and as JSON', async () => {
    const folder = new Folder(tables(3, 801))
    const own = of(folder, 'round')
    expect(await sluice(['plan', ...own])).toMatchObject({ exitCode: 0, out: expect.stringMatching(/801 +t801 +pending[^]*3 migrations, 3 pending/) as string })
    const up = await sluice(['up', '2', ...own])
    expect(up).toMatchObject({ exitCode: 0, out: expect.stringMatching(/2 migrations applied in [\d.]+ m?s, the last one 802_t802/) as string })
    expect(up.err).toMatch(/\+ applied 801_t801 \([\d.]+ ms\)\n\+ applied 802_t802/)
    expect(JSON.parse((await sluice(['status', '--json', ...own])).out)).toMatchObject({ migrations: [{ version: 801, state: 'applied' }, { version: 802, state: 'applied' }, { version: 803, state: 'pending' }] })
    expect(await sluice(['version', ...own])).toMatchObject({ exitCode: 0, out: '802\n' })
    expect((await sluice(['down', ...own])).out).toContain('1 migration reverted')
    expect(JSON.parse((await sluice(['to', '803', '--json', ...own])).out)).toMatchObject({ applied: [{ version: 802 }, { version: 803 }], reverted: [] })
    expect((await sluice(['up', ...own])).out).toBe('nothing to do\n')
    const { out } = await sluice(['history', ...own])
    expect(out).toMatch(/when \(UTC\) +what +migration +by[^]*up +801_t801[^]*down +802_t802/)
  })

  it('--atomic: all of it is applied, or nothing', async () => {
    const folder = new Folder({ ...tables(2, 2861), '2863_bad.up.sql': 'select nope' })
    const own = of(folder, 'atomic')
    expect(await sluice(['up', '--atomic', ...own])).toMatchObject({ exitCode: 1, err: expect.stringContaining('all 3 migrations of this run were undone') as string })
    expect((await sluice(['version', ...own])).out).toBe('0\n')
    folder.write({ '2863_bad.up.sql': '-- sluice:no-transaction\nselect 1' })
    expect(await sluice(['up', '--atomic', ...own])).toMatchObject({ exitCode: 1, err: expect.stringContaining('2863_bad.up.sql cannot run in a transaction') as string })
    expect(await sluice(['up', '2', '--atomic', ...own])).toMatchObject({ exitCode: 0, out: expect.stringContaining('2 migrations applied') as string })
    expect(await sluice(['status', '--atomic', ...own])).toMatchObject({ exitCode: 2 })
  })

  it('on a terminal draws a bar', async () => {
    const { err } = await sluice(['up', ...of(new Folder(tables(2, 811)), 'bar')], true)
    expect(err).toMatch(/[#█.░]{24} {2}1\/2 {2}811_t811/)
    expect(err.endsWith('\u001B[?25h')).toBe(true)
  })

  it('squash writes one file in place of several, prints it with --dry-run, and refuses rows it was not told about', async () => {
    const folder = new Folder({ '1_a.up.sql': 'create table sq_a (id int)', '2_b.up.sql': 'create table sq_b (id int)', '3_c.up.sql': 'create table sq_c (id int); insert into sq_c values (1);' })
    const own = of(folder, 'squash')
    // the others on this cluster must not be able to make databases because of this
    const squash = (...more: string[]): Promise<Ended> => sluice(['squash', ...more, ...own], false, 200, database.adminUrl)
    expect((await squash('2', '--dry-run')).out).toMatch(/^-- sluice:baseline\n[^]*CREATE TABLE public\.sq_b/)
    expect(readdirSync(folder.path)).toHaveLength(3)
    expect(await squash('3')).toMatchObject({ exitCode: 1, err: expect.stringContaining('public.sq_c') as string })
    expect(await squash('9')).toMatchObject({ exitCode: 4, err: expect.stringContaining('there is no version 9') as string })
    expect(await squash('2')).toMatchObject({ exitCode: 0, out: expect.stringMatching(/2 migrations squashed into .*000002_baseline\.up\.sql/) as string })
    expect((await sluice(['up', ...own])).out).toContain('2 migrations applied')
  })

  it('seed applies rows of an environment after the migrations', async () => {
    const own = of(new Folder({ '1_t.up.sql': 'create table seeded (n int)' }), 'seed', '--seeds', new Folder({ '1_all.sql': 'insert into seeded values (1)', '2_dev.development.sql': 'insert into seeded values (2)' }).path)
    const [dir, path, schema, name] = own
    expect(await sluice(['seed', ...own])).toMatchObject({ exitCode: 4, err: expect.stringContaining('run up first') as string })
    await sluice(['up', dir!, path!, schema!, name!])
    expect((await sluice(['seed', '--env', 'development', '--dry-run', ...own])).out).toMatch(/-- up 1_all \(seed\)[^]*-- up 2_dev \(seed\)/)
    expect((await sluice(['seed', ...own])).out).toMatch(/1 migration applied .*1_all \(seed\)/)
    expect(JSON.parse((await sluice(['seed', '--env', 'development', '--json', ...own])).out)).toMatchObject({ applied: [{ version: 2 }] })
    expect(await db.many('select n from seeded order by n', [], { target: 'primary' })).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('a file without a statement is found by lint and refused by up, unless it says why', async () => {
    const folder = new Folder({ '1_a.up.sql': '-- to be written\n' })
    const own = of(folder, 'empty')
    expect(await sluice(['lint', ...own])).toMatchObject({ exitCode: 5, out: expect.stringContaining('empty-migration') as string })
    expect(await sluice(['up', ...own])).toMatchObject({ exitCode: 4, err: expect.stringContaining('the file holds no statement; nothing was changed') as string })
    folder.write({ '1_a.up.sql': '-- sluice:nolint empty-migration reason=its number is taken\n' })
    expect(await sluice(['lint', ...own])).toMatchObject({ exitCode: 0 })
    expect((await sluice(['up', ...own])).out).toContain('1 migration applied')
  })

  it('status says by its exit code when files and history differ', async () => {
    const folder = new Folder(tables(2, 841))
    const own = of(folder, 'differ')
    await sluice(['up', ...own])
    expect((await sluice(['status', ...own])).exitCode).toBe(0)
    folder.write({ '000841_t841.up.sql': 'select 1' })
    expect((await sluice(['status', ...own])).exitCode).toBe(4)
    folder.remove('000841_t841.up.sql', '000841_t841.down.sql')
    expect((await sluice(['status', ...own])).exitCode).toBe(4)
  })

  it('on a narrow terminal leaves out what does not fit, and breaks errors between words', async () => {
    const own = of(new Folder({ ...tables(1, 871), '000872_broken.up.sql': 'select nothing_of_that_name' }), 'narrow')
    await sluice(['up', '1', ...own])
    const wide = await sluice(['status', ...own], true)
    const narrow = await sluice(['status', ...own], true, 50)
    expect(stripVTControlCharacters(wide.out)).toMatch(/^version +name +state +applied \(UTC\) +took +by$/m)
    expect(stripVTControlCharacters(narrow.out)).toMatch(/^version +name +state +applied \(UTC\)$/m)
    const { err } = await sluice(['up', ...own], true, 50)
    const lines = stripVTControlCharacters(err.slice(err.indexOf('error:'))).trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(2)
    expect(lines.filter((line) => line.length > 50 && line.trim().includes(' '))).toEqual([])
  })

  it('--dry-run prints the SQL and runs nothing', async () => {
    const own = of(new Folder({ ...tables(1, 821), '822_alone.up.sql': '-- sluice:no-transaction\nselect 1;' }), 'dry')
    const { out } = await sluice(['up', '--dry-run', ...own])
    expect(out).toMatch(/-- up 821_t821: .*000821_t821\.up\.sql\ncreate table t821[^]*-- up 822_alone: .*\(statement by statement\)/)
    expect(await db.value("select to_regclass('t821')::text", [], { target: 'primary' })).toBeNull()
    await sluice(['up', ...own])
    expect((await sluice(['to', '821', '--dry-run', ...own])).exitCode).toBe(1)
    expect((await sluice(['up', '--dry-run', ...own])).out).toBe('-- nothing to do\n')
  })

  it('lint looks at pending files, knows the server, and ends with 5 where something is wrong', async () => {
    const folder = new Folder({ ...tables(1, 991), '992_drop.up.sql': 'drop table t991;\ncreate index linted on t991 (id);' })
    const own = of(folder, 'lint')
    expect(await sluice(['lint', ...own])).toMatchObject({ exitCode: 5, out: expect.stringMatching(/992_drop\.up\.sql:1 error ban-drop-table \(t991\)\n.*\n {2}instead: /) as string })
    await sluice(['up', '1', ...own])
    const { findings, files } = JSON.parse((await sluice(['lint', '--json', ...own])).out) as { findings: unknown[]; files: number }
    // the table is there and small: its index is built in no time
    expect({ findings, files }).toMatchObject({ files: 1, findings: [{ rule: 'ban-drop-table', level: 'error' }, { rule: 'require-concurrent-index-creation', level: 'warning', line: 2, rows: 0 }] })
    expect(JSON.parse((await sluice(['lint', '--all', '--json', ...own])).out)).toMatchObject({ files: 2 })
    expect(JSON.parse((await sluice(['lint', '--offline', '--json', ...own])).out)).toMatchObject({ files: 2, findings: [{ rule: 'prefer-bigint-over-int', line: 1 }, {}, { level: 'error' }] })
    folder.write({ '992_drop.up.sql': '-- sluice:nolint ban-drop-table reason=nobody reads it\ndrop table t991;' })
    expect(await sluice(['lint', ...own])).toMatchObject({ exitCode: 0, out: expect.stringContaining('1 file, nothing found, 1 allowed') as string })
    folder.write({ '992_drop.up.sql': '-- sluice:nolint ban-drop-table\ndrop table t991;' })
    expect(await sluice(['lint', ...own])).toMatchObject({ exitCode: 1, err: expect.stringContaining('needs a rule and a reason') as string })
  })

  it('plan --rehearse shows the locks that pending migrations take, and keeps nothing', async () => {
    const folder = new Folder({
      ...tables(1, 981), '982_add.up.sql': 'insert into t981 values (7);\nalter table t981 add column c text;', '983_new.up.sql': 'create table t983 (id bigint);',
      '984_alone.up.sql': '-- sluice:no-transaction\ncreate index concurrently t981_c on t981 (c);',
    })
    const own = of(folder, 'rehearse')
    await sluice(['up', '1', ...own])
    const { exitCode, out } = await sluice(['plan', '--rehearse', ...own])
    expect(exitCode).toBe(0)
    expect(out).toMatch(/rehearsed, and rolled back:\n.*982_add \([\d.]+ ms\)\n {2}line 1: RowExclusiveLock on t981\n {2}line 2: AccessExclusiveLock on t981\n.*983_new[^\n]*\n.*984_alone[^\n]*\n {2}not tried: line 2: cannot run in a transaction\n/)
    expect(await db.value("select to_regclass('t983')::text", [], { target: 'primary' })).toBeNull()
    expect(await db.value('select count(*)::int from t981 where id = 7', [], { target: 'primary' })).toBe(0)
    await database.admin(`alter role "${new URL(database.primaryUrl).username}" createdb`)
    expect(await sluice(['plan', '--rehearse=scratch', ...own])).toMatchObject({ exitCode: 0, out: expect.stringMatching(/rehearsed on a scratch database:\n(?![^]*not tried)/) as string })
    expect(await sluice(['plan', '--rehearse=here', ...own])).toMatchObject({ exitCode: 2 })
    folder.write({ '982_add.up.sql': 'alter table t981 add column c text; select nope' })
    const failed = await sluice(['plan', '--rehearse', '--json', ...own])
    expect(failed.exitCode).toBe(1)
    expect((JSON.parse(failed.out) as { rehearsal: unknown[] }).rehearsal).toMatchObject([{ version: 982, error: expect.stringContaining('nope') as string, locks: [{ relation: 't981', mode: 'AccessExclusiveLock', line: 1 }] }])
    expect(JSON.parse((await sluice(['plan', '--json', ...own])).out)).not.toHaveProperty('rehearsal')
  })

  it('create makes the next two files', async () => {
    const folder = new Folder(tables(1, 7))
    const { out, exitCode } = await sluice(['create', 'add_email', '--dir', folder.path])
    expect({ out, exitCode }).toEqual({ exitCode: 0, out: `${join(folder.path, '000008_add_email.up.sql')}\n${join(folder.path, '000008_add_email.down.sql')}\n` })
    expect(existsSync(join(folder.path, '000008_add_email.down.sql'))).toBe(true)
    expect(await sluice(['create', '../x', '--dir', folder.path])).toMatchObject({ exitCode: 2, err: expect.stringContaining('expected a name of letters') as string })
    const empty = join(mkdtempSync(join(tmpdir(), 'sluice-create-')), 'new')
    expect((await sluice(['create', 'first', '--dir', empty])).out).toContain('000001_first.up.sql')
    rmSync(join(empty, '..'), { recursive: true })
  })

  it('exit code 1: a statement failed; 4: files and history differ, until they are repaired', async () => {
    const folder = new Folder({ ...tables(1, 831), '832_bad.up.sql': 'select nope;' })
    const own = of(folder, 'codes')
    expect(await sluice(['up', ...own])).toMatchObject({ exitCode: 1, err: expect.stringMatching(/error: 832_bad: .*832_bad\.up\.sql:1; all of it was undone/) as string })
    folder.write({ '000831_t831.up.sql': 'select 1;', '832_bad.up.sql': 'select 2;' })
    const refused = await sluice(['up', '--json', ...own])
    expect(refused.exitCode).toBe(4)
    expect(JSON.parse(refused.out)).toMatchObject({ error: { code: 'SLUICE_MIGRATION_DRIFT', kind: 'drift', version: 831 } })
    expect((await sluice(['plan', ...own]))).toMatchObject({ exitCode: 4, out: expect.stringContaining('up would refuse: 831_t831') as string })
    expect(await sluice(['repair', ...own])).toMatchObject({ exitCode: 4, out: expect.stringContaining('nothing was written') as string })
    expect(await sluice(['repair', '--yes', ...own])).toMatchObject({ exitCode: 0, out: expect.stringContaining('1 checksum written') as string })
    expect(await sluice(['repair', ...own])).toMatchObject({ out: 'every file is what was applied\n' })
    expect((await sluice(['up', ...own])).exitCode).toBe(0)
    expect((await sluice(['drift', ...own])).exitCode).toBe(0)
    await db.execute('create table past_them (n int)')
    expect(await sluice(['drift', ...own])).toMatchObject({ exitCode: 4, out: expect.stringContaining('+ table public.past_them') as string })
  })

  it('exit code 3: in doubt, until it is resolved or forced', async () => {
    const text = "-- sluice:no-transaction\ncreate table cli_doubt (n int);\ndo $$ begin insert into cli_doubt values (1); commit; raise exception 'on purpose'; end $$;"
    const own = of(new Folder({ '1_doubt.up.sql': text }), 'doubt')
    expect((await sluice(['up', ...own])).exitCode).toBe(1)
    expect(await sluice(['up', ...own])).toMatchObject({ exitCode: 3, err: expect.stringContaining('hint: look whether statement 2 is done') as string })
    expect(await sluice(['status', ...own])).toMatchObject({ exitCode: 3, out: expect.stringContaining('dirty (statement 2/2)') as string })
    expect(await sluice(['version', ...own])).toMatchObject({ exitCode: 3, out: '1 (dirty)\n' })
    expect((await sluice(['resolve', '1', ...own])).exitCode).toBe(2)
    expect(await sluice(['resolve', '1', '--statement', '2', '--outcome', 'applied', ...own])).toMatchObject({ exitCode: 0 })
    expect((await sluice(['up', ...own])).exitCode).toBe(0)
    expect(await sluice(['force', 'none', ...own])).toMatchObject({ exitCode: 0, out: expect.stringContaining('the history says 0 now') as string })
    expect(await sluice(['force', '1', ...own])).toMatchObject({ exitCode: 0 })
  })

  it('exit code 2: another process holds the lock', async () => {
    const own = of(new Folder({ '1_slow.up.sql': 'select pg_sleep(0.02) from generate_series(1, 100000) where not exists (select from cli_gate);' }), 'locked')
    await db.execute('create table cli_gate (n int)')
    const holder = start(['migrate', 'up', ...own], { DATABASE_URL: database.primaryUrl })
    const held = async (): Promise<boolean> => (await db.value<number>("select count(*)::int from pg_stat_activity where state = 'active' and query like 'select pg_sleep(0.02)%'", [], { target: 'primary' }))! > 0
    while (!await held()) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await sluice(['up', '--lock-timeout', '200', ...own])).toMatchObject({ exitCode: 2, err: expect.stringMatching(/waiting for the lock[^]*has held the lock of migrations/) as string })
    holder.child.kill('SIGINT')
    expect((await holder.ended).exitCode).toBe(130)
    expect((await sluice(['version', ...own])).out).toBe('0\n')
  })

  it('baseline and import', async () => {
    expect(await sluice(['baseline', '842', ...of(new Folder(tables(2, 841)), 'base')])).toMatchObject({ exitCode: 0, out: 'files up to 842 count as applied; nothing was run\n' })
    await db.execute('create table cli_knex (name text)')
    await db.execute("insert into cli_knex values ('000851_t851.js')")
    const imported = await sluice(['import', 'knex', '--table', 'cli_knex', ...of(new Folder(tables(1, 851)), 'knex')])
    expect(imported).toMatchObject({ exitCode: 0, out: '1 migration of knex counts as applied; nothing was run\n' })
  })

  it.each([
    [['sideways'], 'expected one of up, down, to'], [['to'], 'a version is missing'], [['status', 'x'], "expected no 'x'"],
    [['status', '--yes'], '--yes belongs to another action'], [['up', 'two'], "expected a whole number of at least 0, got 'two'"],
    [['up', '--database', 'x'], 'give --config, too'],
  ])('%j: a wrong command line is exit code 2', async (args, text) => {
    expect(await sluice(args)).toMatchObject({ exitCode: 2, err: expect.stringContaining(text) as string })
  })

  it('takes several services from a file', async () => {
    const [one, two] = [new Folder(tables(1, 861)), new Folder(tables(1, 862))]
    const file = join(one.path, '..', `sluice-${String(process.pid)}.json`)
    writeFileSync(file, JSON.stringify({ primary: database.primaryUrl, migrations: { sources: [{ service: 'one', dir: one.path }, { service: 'two', dir: two.path }], schema: 'c_file' } }))
    expect((await sluice(['up', '--config', file])).exitCode).toBe(0)
    expect((await sluice(['status', '--config', file])).out).toMatch(/service +version[^]*one +861[^]*two +862/)
    // all of them go up: nobody should believe that one was chosen
    for (const action of ['up', 'status', 'plan']) {
      expect(await sluice([action, '--service', 'two', '--config', file])).toMatchObject({ exitCode: 2, err: expect.stringContaining(`migrate ${action}: --service belongs to another action`) as string })
    }
    expect((await sluice(['create', 'next', '--service', 'two', '--config', file])).out).toContain(join(two.path, '000863_next.up.sql'))
    rmSync(file)
  })
})
