import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Database, MigrationManager, type BackupProgress } from '../../../src/index.js'
import { backupBench } from '../../support/backups.js'
import { eventually } from '../../support/eventually.js'
import { errorOf } from '../database/open.js'
import { Folder, tables } from '../migrations/files.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const bench = await backupBench()
const db = new Database({ primary: bench.url, backup: { location: `file:${bench.folder}` } })
const folder = new Folder({ ...tables(1), '000002_slow.up.sql': 'select pg_sleep(2);\ncreate table slow (id int);\n' })
const migrations = new MigrationManager(db, { dir: folder.path })
afterAll(() => db.close())

beforeAll(async () => {
  await bench.sql('create table big as select n, repeat(md5(n::text), 20) as pad from generate_series(1, 100000) n')
})

describe('backups and migrations', () => {
  it('B17: a backup that starts during a migration waits for it, and its manifest has the version of its own history', async () => {
    const migrating = migrations.up()
    await eventually(async () => (await bench.sql("select 1 from pg_stat_activity where query like '%pg_sleep(2)%' and pid <> pg_backend_pid()")).length > 0)
    const phases: BackupProgress['phase'][] = []
    const { id, migration } = await db.backups.backup({ onProgress: ({ phase }) => { phases.push(phase) } })
    await migrating
    expect(phases).toContain('waiting')
    expect(migration).toEqual({ default: '2' })
    const { database } = await db.backups.restore(id)
    expect(await bench.sql("select max(version)::int as version from sluice.migration where state = 'applied'", database)).toEqual([{ version: 2 }])
    expect((await db.backups.status(id)).migration).toEqual({ default: '2' })
  })

  it('B17: a migration that starts during a backup waits for it', async () => {
    let refused: unknown
    const more = new MigrationManager(db, { dir: folder.write(tables(1, 3)).path, lockTimeoutMs: 100 })
    let asked: Promise<void> | undefined
    const { migration } = await db.backups.backup({ onProgress: ({ phase }) => {
      if (phase === 'snapshot') asked ??= errorOf(more.up()).then((error) => { refused = error })
    } })
    await asked
    expect(refused).toMatchObject({ code: 'SLUICE_MIGRATION_LOCKED', message: expect.stringContaining('sluice backup') as string })
    expect(migration).toEqual({ default: '2' })
    expect((await more.up()).applied).toHaveLength(1)
  })

  it('a second backup of the same database is refused while the first is running', async () => {
    let second: Promise<unknown> | undefined
    await db.backups.backup({ onProgress: ({ phase }) => { if (phase === 'dumping') second ??= errorOf(db.backups.backup()) } })
    expect(await second).toMatchObject({ kind: 'locked', transient: true })
  })

  it('B18: when the backup before a migration fails, nothing is migrated; when it succeeds, it is pinned', async () => {
    const next = folder.write(tables(1, 4)).path
    const unable = new Database({ primary: bench.url, backup: { location: `file:${bench.folder}`, toolsDir: bench.folder } })
    expect(await errorOf(new MigrationManager(unable, { dir: next, backup: 'before' }).up())).toMatchObject({ kind: 'toolMissing' })
    await unable.close()
    expect(await bench.sql("select to_regclass('t4') as t")).toEqual([{ t: null }])
    await rm(bench.folder, { recursive: true })
    await new MigrationManager(db, { dir: next, backup: 'before' }).up()
    const [made] = await db.backups.list()
    expect(made).toMatchObject({ migration: { default: '3' }, tags: { reason: 'before migration' } })
    expect(Date.parse(made!.pinnedUntil!)).toBeGreaterThan(Date.now() + 29 * 86_400_000)
    expect(await bench.sql("select to_regclass('t4')::text as t")).toEqual([{ t: 't4' }])
  })
})
