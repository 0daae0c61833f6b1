import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { autoMigrate, Database, MigrationManager, type MigrationEvent, type MigrationOptions } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf } from '../database/open.js'
import { tables } from './files.js'
import { endMigrators, Migrator } from './migrator.js'

endMigrators()
const folder = mkdtempSync(join(tmpdir(), 'sluice-atomic-'))
afterAll(() => { rmSync(folder, { recursive: true, force: true }) })
const postgres = await freshDatabase()

/** Options of a history of a test's own. */
function atomic(schema: string, files: object, more: MigrationOptions = {}): MigrationOptions {
  return { atomic: 'all', schema, sources: [{ service: 'default', files: files as Record<string, string> }], ...more }
}

const versions = (done: readonly { version: number }[]): number[] => done.map(({ version }) => version)

describe.each([['postgres', () => postgres.primaryUrl], ['pglite', () => 'pglite://memory'], ['sqlite', () => `sqlite:${join(folder, 'app.db')}`]])('one transaction for all migrations on %s', (_, urlOf) => {
  let db: Database
  const events: MigrationEvent[] = []
  beforeAll(async () => { db = await Database.open({ primary: urlOf(), observers: [{ migration: (event) => { events.push(event) } }] }) })
  afterAll(() => db.close())
  const there = async (table: string): Promise<boolean> => db.query(`select 1 from ${table}`, [], { target: 'primary' }).then(() => true, () => false)
  const log = async (migrations: MigrationManager): Promise<string[]> => (await migrations.history()).map(({ action, version }) => `${action} ${String(version)}`)

  it('a failure in the last one undoes all of them; the next run begins at the first', async () => {
    const files = { ...tables(2, 11), '13_bad.up.sql': 'create table t13 (id int);\n\nselect nope;\n' }
    const failed = new MigrationManager(db, atomic('last', files))
    events.length = 0
    expect(await errorOf(failed.up())).toMatchObject({ kind: 'failed', version: 13, message: expect.stringMatching(/^13_bad: .*nope.*13_bad\.up\.sql.*; all 3 migrations of this run were undone$/) as string })
    expect([await there('t11'), await there('t12'), await there('t13')]).toEqual([false, false, false])
    expect((await failed.status()).map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
    expect(await failed.version()).toEqual({ version: 0, dirty: false })
    expect(await log(failed)).toEqual(['failed 13'])
    expect(events.map(({ phase }) => phase)).toEqual(['applying', 'applying', 'applying', 'failed'])

    const mended = new MigrationManager(db, atomic('last', { ...files, '13_bad.up.sql': 'create table t13 (id int)' }))
    events.length = 0
    expect(versions((await mended.up()).applied)).toEqual([11, 12, 13])
    expect(events.map(({ phase }) => phase)).toEqual(['applying', 'applying', 'applying', 'applied', 'applied', 'applied'])
    expect(await log(mended)).toEqual(['failed 13', 'up 11', 'up 12', 'up 13'])
    expect(await mended.drift()).toMatchObject({ since: expect.any(Date) as Date, added: [], removed: [], changed: [] })
    expect(await mended.up()).toEqual({ applied: [] })
  })

  it('takes code, repeatable ones, the way down and back, and what an earlier run has left', async () => {
    const files = { ...tables(2, 21), '23_code.ts': {
      up: async ({ tx }: { tx: { execute(text: string): Promise<unknown> } }) => { await tx.execute('insert into t21 values (99)') },
      down: async ({ tx }: { tx: { execute(text: string): Promise<unknown> } }) => { await tx.execute('delete from t21 where id = 99') },
    }, 'R__v.sql': 'drop view if exists v21;\ncreate view v21 as select id from t22;' }
    // the same files one by one first, of which the third fails: its row is there
    const one = new MigrationManager(db, { ...atomic('ways', { ...files, '23_code.ts': { up: () => { throw new Error('not yet') }, down: files['23_code.ts'].down } }), atomic: undefined })
    expect(await errorOf(one.up())).toMatchObject({ version: 23 })
    const all = new MigrationManager(db, atomic('ways', files))
    expect((await all.up()).applied.map(({ version, name }) => `${String(version)} ${name}`)).toEqual(['23 code', '0 v'])
    expect(await db.value('select count(*) as n from t21 where id = 99', [], { target: 'primary' }).then(Number)).toBe(1)
    await db.execute('drop view v21')
    expect(versions((await all.migrate(0)).reverted)).toEqual([23, 22, 21])
    expect([await there('t21'), await there('t22')]).toEqual([false, false])
    expect((await all.migrate(22)).applied).toHaveLength(2)
    expect(versions((await all.down(2)).reverted)).toEqual([22, 21])
  })

  it('a way down that fails leaves all of it applied', async () => {
    const all = new MigrationManager(db, atomic('downs', { ...tables(2, 31), '000031_t31.down.sql': 'drop table t31; select nope;' }))
    await all.up()
    expect(await errorOf(all.down(2))).toMatchObject({ kind: 'failed', version: 31, message: expect.stringContaining('all 2 migrations of this run were undone') as string })
    expect([await there('t31'), await there('t32')]).toEqual([true, true])
    expect(await all.version()).toEqual({ version: 32, dirty: false })
  })

  it('a file that cannot run in a transaction is refused by name before anything is made, also in a dry run', async () => {
    const options = atomic('alone', { ...tables(1, 41), '42_alone.up.sql': '-- sluice:no-transaction\ncreate table t42 (id int)' })
    const refused = { code: 'SLUICE_CONFIG', option: 'migrations.atomic', message: expect.stringMatching(/42_alone\.up\.sql cannot run in a transaction.*nothing was changed/) as string }
    const all = new MigrationManager(db, options)
    expect(await errorOf(all.up())).toMatchObject(refused)
    expect(await errorOf(autoMigrate(db, options))).toMatchObject(refused)
    expect(await errorOf(all.preview('up', undefined))).toMatchObject(refused)
    expect([await there('t41'), (await all.history()).length]).toEqual([false, 0])
    expect(versions((await all.up(1)).applied)).toEqual([41])
    expect(versions((await new MigrationManager(db, { ...options, atomic: undefined }).up()).applied)).toEqual([42])
    expect(await all.up()).toEqual({ applied: [] })
  })

  it('code that ends the transaction by itself is noticed: it is in doubt, and those before it are applied', async () => {
    const all = new MigrationManager(db, atomic('escape', { ...tables(1, 51), '52_escape.ts': { up: async ({ tx }: { tx: { execute(text: string): Promise<unknown> } }) => { await tx.execute('commit') } } }))
    expect(await errorOf(all.up())).toMatchObject({ kind: 'failed', version: 52, message: expect.stringContaining('what it and those before it did until then stays') as string })
    expect((await all.status()).map(({ state }) => state)).toEqual(['applied', 'dirty'])
    expect(await there('t51')).toBe(true)
  })

  it('several at once: every version is applied once', async () => {
    const others = await Promise.all(urlOf().startsWith('pglite') ? [] : [1, 2, 3].map(() => Database.open(urlOf())))
    const options = atomic('many', tables(3, 61))
    const done = await Promise.all([db, ...others].map((each) => autoMigrate(each, options)))
    await Promise.all(others.map((each) => each.close()))
    expect(done.flatMap(({ applied }) => versions(applied))).toEqual([61, 62, 63])
  })
})

describe('one transaction for all migrations', () => {
  const events: MigrationEvent[] = []
  let db: Database
  beforeAll(async () => {
    db = await Database.open({ primary: postgres.primaryUrl, observers: [{ migration: (event) => { events.push(event) } }] })
    await db.execute('create table busy (n int)')
  })
  afterAll(() => db.close())
  const exists = (name: string): Promise<unknown> => db.value('select to_regclass($1)::text', [name], { target: 'primary' })

  it('killed in the middle: nothing is left, and the next run needs nobody', async () => {
    const options = atomic('killed', { ...tables(2, 71), '73_wait.up.sql': 'create table t73 (id int); select pg_sleep(600);' })
    const first = new Migrator({ url: postgres.primaryUrl, options, name: 'atomic' })
    await first.says('applying', 73)
    const sleeping = (): Promise<number | undefined> => db.value<number>("select pid from pg_stat_activity where application_name = 'atomic' and query like '%pg_sleep(600)%' and wait_event = 'PgSleep'", [], { target: 'primary' })
    await eventually(async () => await sleeping() !== undefined, 60_000)
    const pid = await sleeping()
    await first.kill()
    const second = new MigrationManager(db, { ...options, sources: atomic('', { ...tables(2, 71), '73_wait.up.sql': 'create table t73 (id int)' }).sources })
    expect((await second.status()).map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
    // the server still works for the dead one, whose lock keeps the next one waiting
    events.length = 0
    const next = second.up()
    await eventually(() => events.some(({ phase, blockers }) => phase === 'waiting' && blockers.some(({ id }) => id === pid)), 60_000)
    await postgres.admin('select pg_terminate_backend($1)', [pid])
    expect(versions((await next).applied)).toEqual([71, 72, 73])
    expect((await second.history()).map(({ action }) => action)).toEqual(['up', 'up', 'up'])
  })

  it('a table that is busy: all gets out of the way and begins again when it is free', async () => {
    const migrations = new MigrationManager(db, atomic('ladder', { ...tables(1, 81), '82_busy.up.sql': 'alter table busy add column m int' }))
    const reader = await db.begin()
    await reader.query('select count(*) from busy')
    const id = await reader.value<number>('select pg_backend_pid()')
    events.length = 0
    const migrating = migrations.up()
    await eventually(() => events.some(({ phase, version, blockers }) => phase === 'blocked' && version === 82 && blockers.some((one) => one.id === id)), 60_000)
    await reader.rollback()
    expect(versions((await migrating).applied)).toEqual([81, 82])
    expect(events.filter(({ phase, version }) => phase === 'applying' && version === 81).length).toBeGreaterThan(1)
    expect(await db.value('select count(*)::int from t81', [], { target: 'primary' })).toBe(1)
  })

  it('commits nothing once one of them has given away the lock of the run', async () => {
    const all = (sql: string): MigrationManager => new MigrationManager(db, atomic('fence', { ...tables(1, 91), '92_b.up.sql': sql, '93_c.up.sql': 'select 1' }))
    expect(await errorOf(all('select pg_advisory_unlock_all()').up())).toMatchObject({ kind: 'failed', version: 92, message: expect.stringContaining('the lock of this migration run was lost') as string })
    expect(await exists('t91')).toBeNull()
    expect((await all('select 2').up()).applied).toHaveLength(3)
  })

  it('limits of one file are not those of the next; who leaves leaves nothing', async () => {
    const limit = "select 1 / case current_setting('statement_timeout') when '0' then 1 else 0 end"
    expect((await new MigrationManager(db, atomic('limits', { '101_a.up.sql': '-- sluice:statement-timeout=7s\nselect 1', '102_b.up.sql': limit })).up()).applied).toHaveLength(2)
    const controller = new AbortController()
    const left = new MigrationManager(db, atomic('left', { ...tables(1, 103), '104_wait.up.sql': 'select pg_sleep(600) as left_alone' }))
    const running = errorOf(left.up(undefined, { signal: controller.signal }))
    await eventually(async () => (await db.many("select 1 from pg_stat_activity where query like 'select pg_sleep(600) as left_alone%' and state = 'active'", [], { target: 'primary' })).length > 0, 60_000)
    controller.abort()
    expect(await running).toBeInstanceOf(Error)
    expect(await exists('t103')).toBeNull()
    expect(await left.version()).toEqual({ version: 0, dirty: false })
  })

  it.each(['mysql', 'mariadb'])('on %s it is refused with the reason before anything is asked of a server', async (engine) => {
    const other = new Database(`${engine}://nobody@127.0.0.1:1/none`)
    expect(() => new MigrationManager(other, atomic('none', tables(1)))).toThrow(expect.objectContaining({ code: 'SLUICE_CONFIG', option: 'migrations.atomic', message: expect.stringMatching(/every DDL statement commits by itself/) as string }))
    expect(() => new MigrationManager(other, { atomic: 'each' as 'all' })).toThrow(/migrations\.atomic: expected 'all'/)
    await other.close({ drainMs: 0 })
  })
})
