import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database, MigrationManager, type MigrationOptions } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf } from '../database/open.js'
import { tables } from './files.js'
import { endMigrators, Migrator, type MigratorJob } from './migrator.js'

const database = await freshDatabase()
endMigrators()
const db = await Database.open(database.primaryUrl)
afterAll(() => db.close())

beforeAll(async () => {
  await db.execute('create table gate (name text primary key)')
  // Volatile, so that each look has a snapshot of its own.
  await db.execute(`create function at_gate(wanted text) returns int language plpgsql as $$
    begin while not exists (select from gate where name = wanted) loop perform pg_sleep(0.02); end loop; return 1; end $$`)
})

const open = (name: string): Promise<unknown> => db.execute('insert into gate values ($1)', [name])

/** Waits until a session is at the gate; its id. */
async function atGate(name: string, application: string): Promise<number> {
  const find = (): Promise<number | undefined> => db.value<number>(
    "select pid from pg_stat_activity where application_name = $1 and state = 'active' and query like $2", [application, `%at_gate('${name}')%`], { target: 'primary' })
  await eventually(async () => await find() !== undefined, 60_000)
  return (await find())!
}

/** A history and tables of a test's own, for several processes. */
function jobFor(name: string, files: Readonly<Record<string, string>>, options: MigrationOptions = {}): MigratorJob & { readonly manager: MigrationManager } {
  const all: MigrationOptions = { sources: [{ service: 'default', files }], schema: `s_${name}`, ...options }
  return { url: database.primaryUrl, options: all, name, manager: new MigrationManager(db, all) }
}

const start = ({ manager: _, ...job }: ReturnType<typeof jobFor>, more: Partial<MigratorJob> = {}): Migrator => new Migrator({ ...job, ...more })

const rows = (text: string): Promise<unknown[]> => db.many(text, [], { target: 'primary' })

/** Five migrations, the third of which is given. */
function five(from: number, third: string): Record<string, string> {
  return { ...tables(5, from), [`${String(from + 2).padStart(6, '0')}_t${from + 2}.up.sql`]: third }
}

describe('several processes', () => {
  it('M1: eight of them on an empty database: every version once, and one of them says that it did something', async () => {
    const job = jobFor('m1', tables(5, 101))
    const ends = await Promise.all(Array.from({ length: 8 }, () => start(job).ended))
    expect(ends.map(({ exitCode }) => exitCode), JSON.stringify(ends.map(({ failure, err }) => [failure, err]))).toEqual(Array.from({ length: 8 }, () => 0))
    expect(ends.map(({ applied }) => applied).filter(({ length }) => length > 0)).toEqual([[101, 102, 103, 104, 105]])
    expect(await rows("select version::int from s_m1.migration_log where action = 'up'")).toHaveLength(5)
    expect(await rows('select * from t101')).toEqual([{ id: 101 }])
  })

  it('M3: those that wait do not keep CREATE INDEX CONCURRENTLY from ending', async () => {
    await db.execute('create table m3 as select generate_series(1, 20000) as n')
    const job = jobFor('m3', { '1_index.up.sql': '-- sluice:no-transaction\ncreate unique index concurrently m3_n on m3 (n);' })
    const soloAt = performance.now()
    await db.execute('create index concurrently m3_solo on m3 (n)')
    const soloMs = performance.now() - soloAt
    // an old transaction that CREATE INDEX CONCURRENTLY must wait for: time for all the others to come and wait
    const old = await db.begin({ isolationLevel: 'repeatable read' })
    await old.query('select count(*) from m3')
    const holder = start(job, { name: 'm3 holder' })
    const building = (): Promise<number | undefined> => db.value<number>(
      "select pid from pg_stat_activity where application_name = 'm3 holder' and wait_event_type = 'Lock' and query like 'create unique%'", [], { target: 'primary' })
    await eventually(async () => await building() !== undefined, 60_000)
    const waiters = Array.from({ length: 4 }, () => start(job, { name: 'm3 waiter' }))
    await Promise.all(waiters.map((waiter) => waiter.says('waiting')))
    const blockers = (): Promise<unknown[]> => rows(
      `select distinct b.pid = ${String(oldPid)} as old from pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) b(pid) where a.application_name = 'm3 holder'`)
    const oldPid = await old.value<number>('select pg_backend_pid()')
    for (let look = 0; look < 10; look++) expect(await blockers()).toEqual([{ old: true }])
    await old.rollback()
    const freedAt = performance.now()
    const ends = await Promise.all([holder, ...waiters].map(({ ended }) => ended))
    expect(performance.now() - freedAt).toBeLessThan(2 * soloMs + 10_000)
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0])
    expect(ends.map(({ applied }) => applied)).toEqual([[1], [], [], [], []])
    expect(await rows("select indisvalid from pg_index where indexrelid = 'm3_n'::regclass")).toEqual([{ indisvalid: true }])
    expect(await database.admin('select deadlocks::int from pg_stat_database where datname = $1', [database.name])).toEqual([{ deadlocks: 0 }])
  })
})

describe('a process is killed', () => {
  it('M4: in a transactional migration: the next run applies it again, and says so', async () => {
    const job = jobFor('m4', five(201, "create table t203 as select at_gate('m4') as id;\n"))
    const first = start(job)
    await atGate('m4', 'm4')
    await first.kill()
    expect((await job.manager.status()).map(({ state }) => state)).toEqual(['applied', 'applied', 'interrupted', 'pending', 'pending'])
    await open('m4')
    const second = await start(job).ended
    expect(second.exitCode, JSON.stringify(second)).toBe(0)
    expect(second.applied).toEqual([203, 204, 205])
    expect(second.lines).toContainEqual(expect.objectContaining({ phase: 'interrupted', version: 203 }))
    expect((await job.manager.history()).filter(({ action }) => action === 'interrupted')).toMatchObject([{ version: 203 }])
    expect(await rows('select * from t203')).toEqual([{ id: 1 }])
  })

  const doubtful = (name: string, from: number, probe = ''): Record<string, string> => five(from, `-- sluice:no-transaction
${probe}create table ${name} (n int);
insert into ${name} select at_gate('${name}');
insert into ${name} values (3);
`)

  it('M5: in a statement outside of a transaction: nothing runs until somebody says what has become of it', async () => {
    const job = jobFor('m5', doubtful('m5', 301))
    const first = start(job)
    await atGate('m5', 'm5')
    await first.kill()
    await open('m5')
    const second = await start(job).ended
    expect(second).toMatchObject({ exitCode: 3, failure: { kind: 'dirty', version: 303, statement: 2, message: expect.stringMatching(/303_t303 .*statement 2\/3.*nothing was changed/) as string } })
    expect(await errorOf(job.manager.up())).toMatchObject({ kind: 'dirty', version: 303 })
    expect(await errorOf(job.manager.down())).toMatchObject({ kind: 'dirty' })
    expect(await errorOf(job.manager.migrate(305))).toMatchObject({ kind: 'dirty' })
    expect(await job.manager.version()).toEqual({ version: 303, dirty: true })
    expect((await job.manager.status())[2]).toMatchObject({ state: 'dirty', statement: { number: 2, of: 3 } })
    expect((await job.manager.plan()).refusal).toMatchObject({ kind: 'dirty' })
    expect(await rows('select * from s_m5.schema_migrations')).toMatchObject([{ dirty: true }])
    expect(await rows('select * from m5')).toEqual([{ n: 1 }])
  })

  it.each([
    ['done', 'm5done', 311, 'exists (select from m5done)', [{ n: 1 }, { n: 3 }]],
    ['not done', 'm5not', 321, 'false', [{ n: 1 }, { n: 1 }, { n: 3 }]],
  ])('M5: the file\'s probe says that it is %s: the next run goes on from there', async (_, name, from, probe, expected) => {
    const job = jobFor(name, doubtful(name, from, `-- sluice:probe select ${probe};\n`))
    const first = start(job)
    await atGate(name, name)
    await first.kill()
    await open(name)
    const second = await start(job).ended
    expect(second).toMatchObject({ exitCode: 0, applied: [from + 2, from + 3, from + 4] })
    expect(await rows(`select n from ${name} order by n`)).toEqual(expected)
    expect((await job.manager.history()).find(({ action }) => action === 'probe')).toMatchObject({ version: from + 2 })
  })

  it('between two statements: the next run goes on with the one after, and asks nobody', async () => {
    const files = five(331, '-- sluice:no-transaction\ncreate table between (n int);\ninsert into between values (1);\ninsert into between values (2);\n')
    const job = jobFor('between', files)
    const first = await start(job, { stopAt: { phase: 'statement', version: 333, statement: 2 } }).ended
    expect(first.exitCode).toBeNull()
    expect(await start(job).ended).toMatchObject({ exitCode: 0, applied: [333, 334, 335] })
    expect(await rows('select n from between order by n')).toEqual([{ n: 1 }, { n: 2 }])
  })

  it.each([['inside of a transaction', 'm6t', ''], ['outside of one', 'm6n', '-- sluice:no-transaction\n-- sluice:probe select true\n']])(
    'M6: while the server still works %s: the next one waits for it', async (_, name, directive) => {
      const job = jobFor(name, {
        '1_slow.up.sql': `${directive}create table ${name} as select at_gate('${name}') as id;`,
        '2_seen.up.sql': `create table ${name}_seen as select count(*)::int as n from pg_stat_activity where application_name = '${name} first' and state = 'active';`,
      })
      const first = start(job, { name: `${name} first` })
      const pid = await atGate(name, `${name} first`)
      await first.kill()
      const second = start(job, { name: `${name} second` })
      await eventually(() => second.lines().some(({ phase, blockers }) => phase === 'waiting' && blockers?.some(({ id }) => id === pid) === true), 60_000)
      expect(second.lines().some(({ phase }) => phase === 'applying')).toBe(false)
      await open(name)
      expect(await second.ended).toMatchObject({ exitCode: 0 })
      expect(await rows(`select n from ${name}_seen`)).toEqual([{ n: 0 }])
      expect(await rows(`select count(*)::int as n from ${name}`)).toEqual([{ n: 1 }])
    })
})

describe('the lock', () => {
  it('M19: held for longer than lockTimeoutMs: the error says by whom, and the lock is never had afterwards', async () => {
    const job = jobFor('m19', { '1_slow.up.sql': "create table m19 as select at_gate('m19') as id;" })
    const holder = start(job, { name: 'm19 holder' })
    const pid = await atGate('m19', 'm19 holder')
    const startedAt = performance.now()
    const end = await start({ ...job, options: { ...job.options, lockTimeoutMs: 1_000 } }, { name: 'm19 late', work: 'up' }).ended
    expect(performance.now() - startedAt).toBeLessThan(30_000)
    expect(end).toMatchObject({ exitCode: 2, failure: { kind: 'locked' } })
    expect(end.failure?.message).toMatch(new RegExp(`session ${pid} \\('m19 holder' from .*\\), active, for \\d+\\.\\d s: create table m19`))
    expect(await rows("select 1 from pg_stat_activity where application_name = 'm19 late'")).toEqual([])
    await open('m19')
    expect(await holder.ended).toMatchObject({ exitCode: 0, applied: [1] })
    expect(await rows("select action from s_m19.migration_log where action <> 'create'")).toEqual([{ action: 'up' }])
  })

  it('M19: the wait ends when its signal does', async () => {
    const job = jobFor('signal', { '1_slow.up.sql': "create table signalled as select at_gate('signal') as id;" })
    const holder = start(job)
    await atGate('signal', 'signal')
    const controller = new AbortController()
    const waiting = errorOf(job.manager.up(undefined, { signal: controller.signal }))
    controller.abort(new Error('enough'))
    const { message, cause } = await waiting as Error
    expect([message, (cause as Error | undefined)?.message]).toContain('enough')
    await open('signal')
    expect(await holder.ended).toMatchObject({ exitCode: 0 })
  })

  it('M20: its connection is ended by an administrator: nothing is committed, and the next run is clean', async () => {
    const job = jobFor('m20', { '1_slow.up.sql': "create table m20 as select at_gate('m20') as id;", ...tables(1, 402) })
    const first = start(job)
    const pid = await atGate('m20', 'm20')
    await database.admin('select pg_terminate_backend($1)', [pid])
    expect(await first.ended).toMatchObject({ exitCode: 1, failure: { kind: 'failed', version: 1 } })
    await open('m20')
    expect(await rows("select to_regclass('m20') as t")).toEqual([{ t: null }])
    expect(await start(job).ended).toMatchObject({ exitCode: 0, applied: [1, 402] })
  })
})
