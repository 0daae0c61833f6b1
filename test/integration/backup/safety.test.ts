import { readdir, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { Database, type BackupManager } from '../../../src/index.js'
import { backupBench } from '../../support/backups.js'
import { eventually } from '../../support/eventually.js'
import { shell } from '../../support/pg-tools.js'
import { errorOf } from '../database/open.js'

// each test starts several programs, and restores
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const bench = await backupBench()

beforeAll(async () => {
  await bench.sql(`create table t (id int primary key, pad text); insert into t select n, md5(n::text) from generate_series(1, 20000) n`)
})

/** A manager with a folder of its own, and where its only backup lies. */
async function madeIn(name: string): Promise<{ backups: BackupManager, id: string, path: string }> {
  const location = join(bench.folder, name)
  const backups = bench.manager({ location: `file:${location}` })
  const { id } = await backups.backup()
  const [found] = (await readdir(location, { recursive: true })).filter((entry) => entry.endsWith(id))
  return { backups, id, path: join(location, found!) }
}

const makeBig = (): Promise<unknown> =>
  bench.sql('create table if not exists big as select n, repeat(md5(n::text), 20) as pad from generate_series(1, 300000) n')

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

describe('damage', () => {
  it.each([
    ['cut short', async (path: string) => truncate(join(path, 'data.dump'), (await stat(join(path, 'data.dump'))).size - 10), 'data.dump'],
    ['with one byte changed', async (path: string) => {
      const file = join(path, 'data.dump')
      const bytes = await readFile(file)
      bytes[Math.floor(bytes.length / 2)]! ^= 1
      await writeFile(file, bytes)
    }, 'data.dump'],
    ['with two objects swapped', async (path: string) => {
      await rename(join(path, 'data.dump'), join(path, 'x'))
      await rename(join(path, 'globals.sql'), join(path, 'data.dump'))
      await rename(join(path, 'x'), join(path, 'globals.sql'))
    }, 'data.dump'],
    ['with an edited manifest', async (path: string) => {
      const file = join(path, 'manifest.json')
      await writeFile(file, (await readFile(file, 'utf8')).replace('"rows": 20000', '"rows": 10000'))
    }, 'manifest.json'],
  ])('B7: a backup %s is called damaged, by the name of the object, and not restored', async (name, harm, object) => {
    const { backups, id, path } = await madeIn(`b7 ${name}`)
    await harm(path)
    for (const level of [1, 2] as const) {
      expect(await errorOf(backups.verify(id, { level }))).toMatchObject({ kind: 'corrupt', message: expect.stringContaining(object) as string })
    }
    expect(await errorOf(backups.restore(id, { database: `${bench.name}_b7` }))).toMatchObject({ kind: 'corrupt' })
    expect(await bench.databases()).not.toContain(`${bench.name}_b7`)
  })

  it('in the record of a verification is told, and hides no other backup', async () => {
    const { backups, id, path } = await madeIn('record')
    const { id: other } = await backups.backup()
    await backups.verify(id, { level: 0 })
    const [record] = await readdir(join(path, 'verify'))
    await writeFile(join(path, 'verify', record!), 'half a rec')
    expect((await backups.list()).map((backup) => backup.id)).toEqual([other])
    expect(await backups.damaged()).toMatchObject([{ id, problem: expect.stringContaining('is not JSON') as string }])
  })

  it('B7: the sizes alone never make a backup good', async () => {
    const { backups, id } = await madeIn('b7 sizes')
    expect(await backups.verify(id, { level: 0 })).toMatchObject({ ok: true, good: false })
    expect((await backups.status(id)).state).toBe('complete')
    await backups.verify(id, { level: 2 })
    expect((await backups.status(id)).state).toBe('good')
  })
})

describe('a failed backup', () => {
  it('B1: whose pg_dump is killed says by which signal, and leaves nothing', async () => {
    await makeBig()
    const location = join(bench.folder, 'b1')
    const backups = bench.manager({ location: `file:${location}`, compression: false })
    let killed = false
    const job = errorOf(backups.backup({
      onProgress: ({ phase, bytes }) => {
        if (phase !== 'dumping' || bytes < 20_000_000 || killed) return
        killed = true
        void shell(`pkill -KILL -f 'pg_dump .*${bench.name}'`).catch(() => undefined)
      },
    }))
    expect(await job).toMatchObject({ kind: 'failed', message: expect.stringContaining('SIGKILL') as string })
    expect(killed).toBe(true)
    expect(await filesIn(location)).toEqual([])
    expect(await backups.list()).toEqual([])
  })

  it('B30: that is cancelled ends soon and leaves no process, no file and no lock', async () => {
    await makeBig()
    const location = join(bench.folder, 'b30')
    const backups = bench.manager({ location: `file:${location}`, compression: false })
    for (const at of ['preparing', 'snapshot', 'dumping', 'globals', 'committing']) {
      const controller = new AbortController()
      let abortedAt = 0
      const error = await errorOf(backups.backup({ signal: controller.signal, onProgress: ({ phase }) => {
        if (phase !== at || abortedAt > 0) return
        abortedAt = performance.now()
        controller.abort()
      } }))
      expect(error, at).toMatchObject({ kind: 'cancelled' })
      expect(performance.now() - abortedAt, at).toBeLessThan(2_000)
      expect(await filesIn(location), at).toEqual([])
      await eventually(async () => (await bench.sql("select 1 from pg_stat_activity where application_name like 'sluice backup%' and datname = current_database()")).length === 0)
    }
    await bench.sql('drop table big')
    await backups.backup()
  })

  it('B2: because of a wrong password or host is over at once, and nothing is listed', async () => {
    const url = new URL(bench.url)
    url.password = 'wrong'
    const location = `file:${join(bench.folder, 'b2')}`
    expect(await errorOf(bench.manager({ location }, [], url.href).backup())).toMatchObject({ code: 'SLUICE_AUTHENTICATION' })
    const nobody = Object.assign(new URL(bench.url), { port: '1' }).href
    expect(await errorOf(bench.manager({ location }, [], nobody).backup())).toMatchObject({ code: 'SLUICE_CONNECTION_REFUSED' })
    expect(await filesIn(join(bench.folder, 'b2'))).toEqual([])
  })

  it('B19: because no tool fits says what is needed and what to install', async () => {
    const backups = bench.manager({ toolsDir: bench.folder })
    const error = await errorOf(backups.backup()) as Error
    expect(error).toMatchObject({ kind: 'toolMissing' })
    expect(error.message).toMatch(/^pg_dump \d+ or later is needed for this server; none is here .*install postgresql-client-\d+$/)
  })
})

describe('a restore', () => {
  it('B10: into a database that is not empty is refused; with confirm it is backed up first', async () => {
    const { backups, id } = await madeIn('b10')
    const target = `${bench.name}_full`
    await bench.sql(`create database ${target}`, 'postgres')
    await bench.sql('create table precious (id int); insert into precious values (1)', target)
    expect(await errorOf(backups.restore(id, { database: target }))).toMatchObject({ kind: 'targetNotEmpty' })
    expect(await bench.sql('select * from precious', target)).toEqual([{ id: 1 }])
    const { safetyBackup } = await backups.restore(id, { database: target, confirm: target })
    expect(await bench.sql('select count(*)::int as n from t', target)).toEqual([{ n: 20_000 }])
    await backups.restore(safetyBackup!, { database: `${bench.name}_undo` })
    expect(await bench.sql('select * from precious', `${bench.name}_undo`)).toEqual([{ id: 1 }])
    expect((await backups.status(safetyBackup!)).pinnedUntil).toBeDefined()
  })

  it('B13: is compared with the rows of the dump\'s snapshot, not with what was written meanwhile', async () => {
    const backups = bench.manager({ location: `file:${join(bench.folder, 'b13')}` })
    const db = new Database({ primary: bench.url })
    let writing = true
    let next = 100_000
    const writer = (async () => { while (writing) await db.execute('insert into t values ($1, $2)', [next++, 'x']) })()
    const { id } = await backups.backup()
    writing = false
    await writer
    await db.close()
    expect(await backups.verify(id, { level: 3 })).toMatchObject({ ok: true, good: true })
    await bench.sql('delete from t where id >= 100000')
  })

  it('B21: on a server without its roles is refused, makes them, or does without', async () => {
    const role = `${bench.name}_role`
    await bench.sql(`create role ${role}; create table owned (id int); alter table owned owner to ${role}`)
    const { backups, id } = await madeIn('b21')
    await bench.sql(`drop table owned; drop role ${role}`)
    expect((await backups.plan(id)).missingRoles).toEqual([role])
    expect(await errorOf(backups.restore(id))).toMatchObject({ kind: 'refused', message: expect.stringContaining(role) as string })
    const without = await backups.restore(id, { database: `${bench.name}_noowner`, noOwner: true })
    expect(without.created).toBe(true)
    await backups.restore(id, { database: `${bench.name}_globals`, globals: true })
    expect(await bench.sql("select tableowner from pg_tables where tablename = 'owned'", `${bench.name}_globals`)).toEqual([{ tableowner: role }])
    await bench.sql(`drop database ${bench.name}_globals`, 'postgres')
    await bench.sql(`drop role ${role}`)
  })

  it('B11: is promoted while clients keep coming back, who find it missing for the moment of the rename at most, and taken back', async () => {
    const { backups, id } = await madeIn('b11')
    const { database } = await backups.restore(id)
    await bench.sql('create table marker (id int)', database)
    const hasMarker = async (): Promise<boolean> => (await bench.sql("select to_regclass('marker') is not null as there"))[0]!['there'] === true
    let [running, answered, missing, longest] = [true, 0, 0, 0]
    const client = (async () => {
      while (running) {
        const code = await hasMarker().then(() => 'answered', (error: unknown) => (error as { code?: unknown }).code)
        answered += Number(code === 'answered')
        // who waits for the lock of the rename is told that the name has just gone, once
        missing = code === '3D000' ? missing + 1 : 0
        longest = Math.max(longest, missing)
      }
    })()
    const promoted = await backups.promote(database)
    expect(await hasMarker()).toBe(true)
    expect(await bench.databases()).toContain(promoted.previous)
    await backups.rollbackPromote(promoted)
    running = false
    await client
    expect(await hasMarker()).toBe(false)
    expect(answered).toBeGreaterThan(0)
    expect(longest).toBeLessThanOrEqual(1)
  })
})

describe('clean-up', () => {
  it('deletes what the retention does not keep, says so beforehand, and never the newest', async () => {
    const location = join(bench.folder, 'cleanup')
    const backups = bench.manager({ location: `file:${location}`, retentionDays: 7, keep: { last: 1 } })
    const [first, second] = [(await backups.backup()).id, (await backups.backup()).id]
    const inThreeDays = new Date(Date.now() + 3 * 86_400_000)
    expect((await backups.cleanup({ now: inThreeDays })).delete).toEqual([])
    // a month without a backup: the old ones are all there is
    const inAMonth = new Date(Date.now() + 30 * 86_400_000)
    expect((await backups.cleanup({ now: inAMonth })).delete).toEqual([])
    const shorter = bench.manager({ location: `file:${location}`, keep: { last: 1, daily: 1 } })
    expect((await shorter.cleanup({ dryRun: true })).delete).toEqual([first])
    expect(await backups.list()).toHaveLength(2)
    await shorter.cleanup()
    expect((await backups.list()).map(({ id }) => id)).toEqual([second])
    expect(await filesIn(location)).toHaveLength(3)
  })
})
