import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { BackupEvent } from '../../../src/index.js'
import { sleep } from '../../../src/core/deadline.js'
import { backupBench } from '../../support/backups.js'
import { eventually } from '../../support/eventually.js'
import { program } from '../../support/pg-tools.js'
import { start } from '../cli/binary.js'
import { errorOf } from '../database/open.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const bench = await backupBench()

beforeAll(async () => {
  await bench.sql('create table t as select n, repeat(md5(n::text), 20) as pad from generate_series(1, 150000) n; create table few as select * from t limit 20000')
})

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

const commandLines = (): Promise<string> => program('ps', ['-A', '-o', 'args='])

describe('the process that makes a backup', () => {
  it('B5: when it is killed, pg_dump ends, nothing is listed, and a later job clears away what was left', async () => {
    const folder = join(bench.folder, 'b5')
    const running = start(['backup', 'create'], { DATABASE_URL: bench.url, BACKUP_DIR: folder, COMPRESSION: 'false' })
    await eventually(async () => (await filesIn(folder)).some((file) => file.endsWith('.partial')))
    running.child.kill('SIGKILL')
    await running.ended
    await eventually(async () => !(await commandLines()).includes(`dbname='${bench.name}'`), 10_000)
    const backups = bench.manager({ location: `file:${folder}`, keep: { last: 5 } })
    expect(await backups.list()).toEqual([])
    const left = await filesIn(folder)
    expect(left).not.toEqual([])
    const longAgo = new Date(Date.now() - 25 * 3_600_000)
    for (const file of left) await utimes(file, longAgo, longAgo)
    // the server notices that its client is gone when it has an answer for it
    await eventually(async () => (await backups.backup({ tables: ['t'], schemaOnly: true })).state === 'complete')
    expect((await filesIn(folder)).filter((file) => left.includes(file))).toEqual([])
  })

  it('B20: never shows the password: not in process lists, not in what it stores, says or throws', async () => {
    const password = `p:\\'"  #pw${bench.name}`
    const role = `${bench.name}_b20`
    await bench.sql(`create role ${role} superuser login password '${password.replaceAll("'", "''")}'`)
    const url = new URL(bench.url)
    url.username = role
    url.password = encodeURIComponent(password)
    const secrets = [password, encodeURIComponent(password), `pw${bench.name}`]
    const events: BackupEvent[] = []
    const heard: unknown[] = []
    const backups = bench.manager({ location: `file:${bench.folder}/b20`, compression: false }, [{ backup: (event) => { events.push(event) } }], url.href)
    let watching = true
    const seen: string[] = []
    const watcher = (async () => { while (watching) { seen.push(await commandLines()); await sleep(50) } })()
    const { id } = await backups.backup({ tables: ['few'], onProgress: (progress) => { heard.push(progress) } })
    await backups.restore(id, { database: `${bench.name}_b20` })
    heard.push(await errorOf(backups.restore(id, { database: `${bench.name}_b20` })), await errorOf(backups.backup({ tables: ['nothing'] })))
    watching = false
    await watcher
    expect(seen.some((text) => text.includes('pg_dump'))).toBe(true)
    const stored = await Promise.all((await filesIn(join(bench.folder, 'b20'))).filter((file) => file.endsWith('.json')).map((file) => readFile(file, 'utf8')))
    expect(stored).not.toEqual([])
    const everything = [...seen, ...stored, inspect([events, heard], { depth: 8 })].join('\n')
    for (const secret of secrets) expect(everything.includes(secret)).toBe(false)
    await bench.sql(`drop database ${bench.name}_b20`, 'postgres')
    await bench.sql(`drop role ${role}`)
  })
})

describe('a restore that fails half way', () => {
  it('B12: names what was missing, and leaves neither a database nor a change in the live one', async () => {
    const path = join(bench.folder, 'b12.sql')
    await writeFile(path, 'create table half (id int);\ncreate extension no_such_extension;\n--\n-- PostgreSQL database dump complete\n--\n')
    const before = await bench.databases()
    const error = await errorOf(bench.manager().restore(path, { database: `${bench.name}_half` }))
    expect(error).toMatchObject({ kind: 'failed', message: expect.stringContaining('no_such_extension') as string })
    expect(await bench.databases()).toEqual(before)
    expect(await bench.sql("select to_regclass('half') as half")).toEqual([{ half: null }])
    const empty = `${bench.name}_empty`
    await bench.sql(`create database ${empty}`, 'postgres')
    await errorOf(bench.manager().restore(path, { database: empty }))
    expect(await bench.sql("select to_regclass('half') as half", empty)).toEqual([{ half: null }])
  })
})
