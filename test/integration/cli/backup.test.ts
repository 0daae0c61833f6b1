import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { progressText } from '../../../src/cli/backup/progress-line.js'
import { makeStyle } from '../../../src/cli/style.js'
import { ageKeygen } from '../../support/age.js'
import { backupBench } from '../../support/backups.js'
import { eventually } from '../../support/eventually.js'
import { program, shell } from '../../support/pg-tools.js'
import { capture, type Captured } from '../../unit/cli/capture.js'
import { start } from './binary.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const bench = await backupBench()
const url = new URL(bench.url)

/** The mission's script: where the server is and where backups go, all of it in the environment. */
function environment(folder: string): Record<string, string> {
  return {
    DB_HOST: url.hostname, DB_PORT: url.port, DB_USER: url.username, PGPASSWORD: decodeURIComponent(url.password), DB_NAME: bench.name,
    BACKUP_DIR: join(bench.folder, folder), RETENTION_DAYS: '7', COMPRESSION: 'true', PARALLEL_JOBS: '2',
  }
}

const sluice = (folder: string, ...argv: string[]): Promise<Captured> => capture(['backup', ...argv], environment(folder))

const json = async (folder: string, ...argv: string[]): Promise<unknown> => {
  const { exitCode, out, err } = await sluice(folder, ...argv, '--json')
  expect(exitCode, err).toBe(0)
  return JSON.parse(out)
}

beforeAll(async () => {
  await bench.sql('create table t (id int primary key, pad text); insert into t select n, md5(n::text) from generate_series(1, 5000) n')
})

const rows = async (database: string): Promise<unknown> => (await bench.sql('select count(*)::int as n from t', database))[0]?.['n']

describe('sluice backup', () => {
  it('creates, lists, shows, verifies, restores and cleans up, told by the environment alone', async () => {
    const created = await sluice('script', 'create')
    expect(created.out).toMatch(new RegExp(`^\\+ \\d{4}-\\S+: [\\d.]+ [kM]?B of ${bench.name} in [\\d.]+ s\n$`))
    expect(created.err).toMatch(/^preparing\nsnapshot\ndumping/)
    const [, id] = /^\+ (\S+):/.exec(created.out)!
    expect((await sluice('script', 'list')).out).toContain(`${id!}  ${bench.name}`)
    expect((await sluice('script', 'show', 'latest')).out).toMatch(/public\.t +5,000/)
    expect((await sluice('script', 'verify', id!, '--level', '3')).out).toContain(`${id!}: good (level 3`)
    expect(await json('script', 'list')).toMatchObject({ backups: [{ id, state: 'good' }], damaged: [] })
    const target = `${bench.name}_cli`
    expect(await json('script', 'restore', 'latest', '--to', target)).toMatchObject({ id, database: target, created: true })
    expect(await rows(target)).toBe(5_000)
    const again = await sluice('script', 'restore', 'latest', '--to', target)
    expect(again).toMatchObject({ exitCode: 1, out: '' })
    expect(again.err).toContain(`${target} is not empty`)
    expect(await sluice('script', 'restore', 'latest', '--to', target, '--dry-run')).toMatchObject({ exitCode: 1, out: expect.stringContaining('it would refuse') as string })
    expect((await sluice('script', 'cleanup', '--dry-run')).out).toContain(`${id!} stays: the newest`)
    expect((await sluice('script', 'cleanup')).out).toContain('0 backups deleted')
  })

  it('promotes a restored database, and the same command is the way back', async () => {
    const { id } = await json('promote', 'create') as { id: string }
    const { database } = await json('promote', 'restore', id) as { database: string }
    await bench.sql('create table marker (id int)', database)
    const { previous } = await json('promote', 'promote', database) as { previous: string }
    expect(await bench.sql("select to_regclass('marker') is not null as there")).toEqual([{ there: true }])
    const back = await sluice('promote', 'promote', previous)
    expect(back.out).toContain(`${previous} is ${bench.name} now`)
    expect(await bench.sql("select to_regclass('marker') is not null as there")).toEqual([{ there: false }])
  })

  it('takes a bare dump in place of an id, and says that nobody knows where it comes from', async () => {
    const path = join(bench.folder, 'bare.dump')
    await shell(`pg_dump -Fc -d '${bench.url}' > '${path}'`)
    expect((await sluice('bare', 'verify', path)).out).toContain('it has no manifest')
    const restored = await sluice('bare', 'restore', path, '--to', `${bench.name}_bare`)
    expect(restored.out).toContain('unverified: a file without a manifest')
    expect(await rows(`${bench.name}_bare`)).toBe(5_000)
  })

  it('encrypts to a public key from the command line, and reads with a private one from a file', async () => {
    const file = join(bench.folder, 'key.txt')
    const said = await shell(`'${ageKeygen()}' -o '${file}' 2>&1`)
    const recipient = /age1\w+/.exec(said)![0]
    expect(await json('age', 'create', '--recipient', recipient)).toMatchObject({ encrypted: true })
    const without = await sluice('age', 'verify', 'latest')
    expect(without.exitCode).toBe(1)
    expect(without.err).toContain('SLUICE_BACKUP_KEY_MISSING')
    expect((await sluice('age', 'verify', 'latest', '--identity-file', file)).exitCode).toBe(0)
  })

  it('reads a file of options', async () => {
    const file = join(bench.folder, 'sluice.json')
    await writeFile(file, JSON.stringify({ primary: bench.url, backup: { location: `file:${bench.folder}/config` } }))
    expect((await capture(['backup', 'create', '--config', file, '--format', 'plain', '--table', 't'], {})).exitCode).toBe(0)
    const { out } = await capture(['backup', 'list', '--config', file], {})
    expect(out).toMatch(/plain +no +complete/)
  })

  it('says how the backups are with its exit code', async () => {
    expect(await sluice('health', 'health')).toMatchObject({ exitCode: 1, out: 'x fail\n  there is no backup\n' })
    const { id } = await json('health', 'create', '--table', 't') as { id: string }
    expect(await sluice('health', 'health')).toMatchObject({ exitCode: 0, out: `+ ok: the newest is ${id} (complete)\n` })
  })

  it('makes backups by the clock until it is told to end', async () => {
    const running = start(['backup', 'schedule', '--cron', '* * * * * *'], environment('schedule'))
    await eventually(async () => (await json('schedule', 'list') as { backups: unknown[] }).backups.length > 1)
    running.child.kill('SIGTERM')
    const { exitCode, err } = await running.ended
    expect(exitCode).toBe(143)
    expect(err).toMatch(/^the next backup is at \S+Z\n\S+Z made \S+\n/)
  })

  it('says in one line why it failed, without a password, with exit code 1', async () => {
    const wrong = { ...environment('wrong'), PGPASSWORD: 'not the password' }
    const { exitCode, out, err } = await capture(['backup', 'create'], wrong)
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' })
    expect(err).toContain('SLUICE_AUTHENTICATION')
    expect(err).not.toContain('not the password')
  })

  it('leaves nothing behind when it is interrupted', async () => {
    await bench.sql('create table big as select n, repeat(md5(n::text), 20) as pad from generate_series(1, 300000) n')
    const running = start(['backup', 'create'], environment('interrupted'))
    await eventually(async () => (await program('ps', ['-A', '-o', 'args='])).includes(`dbname='${bench.name}'`))
    running.child.kill('SIGINT')
    const { exitCode, out, err } = await running.ended
    expect({ exitCode, out }, err).toEqual({ exitCode: 130, out: '' })
    expect((await readdir(join(bench.folder, 'interrupted'), { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile())).toEqual([])
    expect(await program('ps', ['-A', '-o', 'args='])).not.toContain(`dbname='${bench.name}'`)
    await bench.sql('drop table big')
  })
})

describe('progress', () => {
  it('is a bar with bytes, rate and time left where the end is known, and bytes where it is not', () => {
    const style = makeStyle({ color: false, unicode: false })
    const progress = { phase: 'restoring', bytes: 25_000_000, totalBytes: 100_000_000, bytesPerSecond: 5_000_000, etaMs: 15_000 } as const
    expect(progressText(progress, style)).toBe('restoring   ######..................  25 %  25.0 MB  5.0 MB/s  15.0 s left')
    expect(progressText({ ...progress, phase: 'dumping', totalBytes: undefined, etaMs: undefined }, style)).toBe('dumping     25.0 MB  5.0 MB/s')
  })
})
