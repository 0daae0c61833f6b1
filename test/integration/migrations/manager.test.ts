import { afterAll, describe, expect, it } from 'vitest'
import { autoMigrate, Database, MigrationManager, type MigrationOptions, type Observer, type QueryEvent, type WarningEvent } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { Folder, tables } from './files.js'

const database = await freshDatabase()
const queries: QueryEvent[] = []
const warnings: WarningEvent[] = []
const observer: Observer = { query: (event) => { queries.push(event) }, warning: (event) => { warnings.push(event) } }
const db = await Database.open({ primary: database.primaryUrl, observers: [observer] })
afterAll(() => db.close())

let schemas = 0
/** Every test has a history of its own. */
function manager(options: MigrationOptions): MigrationManager {
  return new MigrationManager(db, { schema: `h${++schemas}`, ...options })
}

const exists = async (name: string): Promise<boolean> => (await db.value<string>('select to_regclass($1)::text', [name], { target: 'primary' })) !== null

describe('MigrationManager', () => {
  it('goes up, down, to a version, and says where it is', async () => {
    const folder = new Folder(tables(3))
    const migrations = manager({ dir: folder.path })
    expect(await migrations.version()).toEqual({ version: 0, dirty: false })
    const { applied } = await migrations.up()
    expect(applied).toEqual([1, 2, 3].map((version) => ({ service: 'default', version, name: `t${version}`, durationMs: expect.any(Number) as number })))
    expect(await migrations.up()).toEqual({ applied: [] })
    expect(await migrations.version()).toEqual({ version: 3, dirty: false })
    expect((await migrations.down()).reverted.map(({ version }) => version)).toEqual([3])
    expect(await exists('t3')).toBe(false)
    expect((await migrations.migrate(3)).applied.map(({ version }) => version)).toEqual([3])
    expect((await migrations.migrate(0)).reverted.map(({ version }) => version)).toEqual([3, 2, 1])
    expect(await exists('t1')).toBe(false)
    expect((await migrations.up(2)).applied.map(({ version }) => version)).toEqual([1, 2])
    expect((await migrations.status()).map(({ version, state }) => [version, state])).toEqual([[1, 'applied'], [2, 'applied'], [3, 'pending']])
    await migrations.down(2)
    expect((await migrations.history()).map(({ action }) => action)).toContain('down')
  })

  it('leaves nothing of a migration whose script fails, and says where', async () => {
    const folder = new Folder({ '1_a.up.sql': 'create table ok1 (a int);', '2_b.up.sql': 'create table ok2 (a int);\n\nselect nope;\n' })
    const migrations = manager({ dir: folder.path })
    const failure = await migrations.up().catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'MigrationError', kind: 'failed', version: 2, code: 'SLUICE_MIGRATION_FAILED' })
    expect(String(failure)).toMatch(/2_b: .*nope.*2_b\.up\.sql:3; all of it was undone/)
    expect([await exists('ok1'), await exists('ok2')]).toEqual([true, false])
    expect(await migrations.version()).toEqual({ version: 1, dirty: false })
    folder.write({ '2_b.up.sql': 'create table ok2 (a int);' })
    expect((await manager({ dir: folder.path, schema: `h${schemas}` }).up()).applied).toHaveLength(1)
  })

  it('commits nothing once a migration has given away the lock of its run', async () => {
    const folder = new Folder({ '1_a.up.sql': 'create table kept (a int);', '2_b.up.sql': 'create table unlocked (a int); select pg_advisory_unlock_all();' })
    await expect(manager({ dir: folder.path }).up()).rejects.toMatchObject({ kind: 'failed', version: 2, message: expect.stringContaining('the lock of this migration run was lost') as string })
    expect([await exists('kept'), await exists('unlocked')]).toEqual([true, false])
    folder.write({ '2_b.up.sql': 'create table unlocked (a int);' })
    expect((await manager({ dir: folder.path, schema: `h${schemas}` }).up()).applied).toHaveLength(1)
    expect(await db.value("select count(*)::int from pg_locks where locktype = 'advisory'", [], { target: 'primary' })).toBe(0)
  })

  it('is there as db.migrations, and runs code with a transaction', async () => {
    const own = await Database.open({ primary: database.primaryUrl, migrations: { sources: [{ service: 'x', dir: new Folder(tables(1, 90)).path }], schema: 'own' } })
    expect((await own.migrations.up()).applied).toHaveLength(1)
    expect(await own.migrations.version('x')).toEqual({ version: 90, dirty: false })
    await own.close()
    const migrations = manager({ sources: [{ service: 'code', files: {
      '1_make.up.sql': 'create table coded (a int)', '1_make.down.sql': 'drop table coded',
      '2_fill.ts': { up: async ({ tx }) => { await tx.execute('insert into coded values ($1)', [7]) }, down: async ({ tx }) => { await tx.query('delete from coded') } },
      '3_fail.ts': { up: async ({ tx }) => { await tx.execute('insert into coded values (8)'); throw new Error('on purpose') } },
    } }] })
    await expect(migrations.up()).rejects.toMatchObject({ kind: 'failed', version: 3 })
    expect(await db.many('select a from coded', [], { target: 'primary' })).toEqual([{ a: 7 }])
    await migrations.down(2)
    expect(await exists('coded')).toBe(false)
  })
})

describe('autoMigrate', () => {
  it('M27: with a thousand migrations applied and nothing to do, it is one query', async () => {
    const files = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`${index + 1}_n.up.sql`, `select ${index}`]))
    const options: MigrationOptions = { sources: [{ service: 'many', files }], schema: 'thousand' }
    expect((await autoMigrate(db, options)).applied).toHaveLength(1_000)
    queries.length = 0
    expect(await autoMigrate(db, options)).toEqual({ applied: [] })
    expect(queries).toHaveLength(1)
  })

  it('M21: old code boots against a newer database: it starts, warns once, writes nothing', async () => {
    const [old, recent] = [{ ...tables(1, 201) }, { ...tables(2, 201) }]
    await autoMigrate(db, { sources: [{ service: 'roll', files: recent }], schema: 'roll' })
    const before = await db.many('select * from roll.migration_log', [], { target: 'primary' })
    warnings.length = 0
    expect(await autoMigrate(db, { sources: [{ service: 'roll', files: old }], schema: 'roll' })).toEqual({ applied: [] })
    expect(warnings.map(({ code }) => code)).toEqual(['SLUICE_MIGRATION_AHEAD'])
    expect(await db.many('select * from roll.migration_log', [], { target: 'primary' })).toEqual(before)
    await expect(new MigrationManager(db, { sources: [{ service: 'roll', files: old }], schema: 'roll' }).up()).rejects.toMatchObject({ kind: 'missing', version: 202 })
  })
})
