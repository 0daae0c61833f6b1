import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Database, type BackupError, type BackupEvent, type BackupProgress } from '../../../src/index.js'
import { age, ageKeygen } from '../../support/age.js'
import { backupBench } from '../../support/backups.js'
import { program, shell } from '../../support/pg-tools.js'
import { errorOf } from '../database/open.js'

// each test starts several programs, and restores
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const bench = await backupBench()
const keys = await mkdtemp(join(bench.folder, 'keys-'))
afterAll(() => rm(keys, { recursive: true, force: true }))

async function keyPair(name: string): Promise<{ recipient: string, identity: string, file: string }> {
  const file = join(keys, name)
  await program(ageKeygen(), ['-o', file])
  const text = await readFile(file, 'utf8')
  return { recipient: /public key: (age1\w+)/.exec(text)![1]!, identity: /AGE-SECRET-KEY-1\w+/.exec(text)![0], file }
}

const contents = `select (select count(*) from users) as users, (select md5(string_agg(u::text, ',' order by id)) from users u) as hash,
  (select count(*) from "Odd Table") as odd, (select last_value from users_id_seq) as seq`

beforeAll(async () => {
  await bench.sql(`
    create table users (id serial primary key, name text not null, at timestamptz default now(), data jsonb, bits bytea);
    create table "Odd Table" ("A ""quoted"" column" text);
    create view names as select name from users;
    create function shout(t text) returns text language sql as $$ select upper(t) $$;
    insert into users (name, data, bits) select 'user ' || n, jsonb_build_object('n', n), decode(md5(n::text), 'hex') from generate_series(1, 5000) n;
    insert into "Odd Table" values (E'tab\\tnewline\\n\\\\. end'), (null), ('\\!touch x')`)
})

describe('a backup', () => {
  it.each([
    ['custom', true], ['custom', false], ['directory', true], ['plain', true], ['plain', false],
  ] as const)('in format %s, compressed: %s, restores into a new database with the same rows', async (format, compression) => {
    const backups = bench.manager({ format, compression, parallelJobs: 2 })
    const { id } = await backups.backup()
    const target = `${bench.name}_${format}_${compression ? 'c' : 'u'}`
    const result = await backups.restore(id, { database: target })
    expect(result).toMatchObject({ id, database: target, created: true, origin: 'unsigned' })
    expect(await bench.sql(contents, target)).toEqual(await bench.sql(contents))
    expect(await bench.sql("select name, shout(name) from names where name = 'user 7'", target)).toEqual([{ name: 'user 7', shout: 'USER 7' }])
  })

  it('is listed with what it holds, and asked for by the beginning of its id or as the latest', async () => {
    const backups = bench.manager()
    const { id } = await backups.backup({ tags: { reason: 'test' } })
    const [first] = await backups.list()
    expect(first).toMatchObject({ id, state: 'complete', database: bench.name, engine: 'postgres', format: 'custom', encrypted: false, tags: { reason: 'test' } })
    expect(first!.tables).toContainEqual(expect.objectContaining({ schema: 'public', name: 'users', rows: 5000 }))
    expect((await backups.status('latest')).id).toBe(id)
    expect((await backups.status(id.slice(0, -2))).id).toBe(id)
    const missing = await errorOf(backups.status('2001-01-01'))
    expect(missing).toMatchObject({ kind: 'notFound', code: 'SLUICE_BACKUP_NOT_FOUND' })
  })

  it('tells how far it is, and observers how it ended', async () => {
    const events: BackupEvent[] = []
    const told: BackupProgress[] = []
    const backups = bench.manager({}, [{ backup: (event) => { events.push(event) } }])
    const { id, bytes } = await backups.backup({ onProgress: (progress) => { told.push(progress) } })
    expect(new Set(told.map(({ phase }) => phase))).toEqual(new Set(['preparing', 'snapshot', 'dumping', 'globals', 'committing']))
    expect(told.some((progress) => progress.phase === 'dumping' && progress.bytes > 0 && progress.bytesPerSecond > 0)).toBe(true)
    await errorOf(backups.restore(id, { database: bench.name }))
    expect(events).toMatchObject([
      { job: 'backup', id, bytes, error: undefined, database: bench.name },
      { job: 'restore', error: { code: 'SLUICE_BACKUP_TARGET_NOT_EMPTY' } },
    ])
  })

  it('of the schema alone, of the data alone, and of some tables', async () => {
    const backups = bench.manager()
    const schema = await backups.backup({ schemaOnly: true })
    await backups.restore(schema.id, { database: `${bench.name}_schema` })
    expect(await bench.sql('select count(*)::int as n from users', `${bench.name}_schema`)).toEqual([{ n: 0 }])
    const some = await backups.backup({ tables: ['users'] })
    await backups.restore(some.id, { database: `${bench.name}_some` })
    expect(await bench.sql("select to_regclass('public.\"Odd Table\"') as odd, (select count(*)::int from users) as n", `${bench.name}_some`)).toEqual([{ odd: null, n: 5000 }])
    const without = await backups.backup({ excludeTables: ['public.us*'] })
    expect(without.tables).toHaveLength(1)
    expect(await errorOf(backups.backup({ tables: ['nothing'] }))).toMatchObject({ code: 'SLUICE_CONFIG' })
    const verified = await backups.verify(some.id, { level: 3 })
    expect(verified).toMatchObject({ ok: true, good: true })
  })

  it('is db.backups when a location is configured', async () => {
    const db = new Database({ primary: bench.url, backup: { location: `file:${bench.folder}/own`, verify: true } })
    const { id, verified, state } = await db.backups.backup()
    expect(verified).toBe(true)
    expect(state).toBe('complete')
    expect((await db.backups.list()).map((backup) => backup.id)).toEqual([id])
    await db.close()
  })

  it('can be made by the ordinary role that owns the database', async () => {
    const backups = bench.manager({}, [], bench.ownerUrl)
    await bench.sql(`alter table users owner to app; alter table "Odd Table" owner to app`)
    const { id } = await backups.backup()
    expect((await backups.verify(id)).good).toBe(true)
  })
})

describe('an encrypted backup', () => {
  it('B8: is decrypted by age and restored by pg_restore without this library', async () => {
    const { recipient, identity, file } = await keyPair('b8')
    const backups = bench.manager({ location: `file:${bench.folder}/b8`, encryption: { recipients: [recipient] } })
    const { id } = await backups.backup()
    const stored = (await readdir(`${bench.folder}/b8`, { recursive: true })).find((name) => name.endsWith('data.dump.age'))!
    const target = `${bench.name}_age`
    await bench.sql(`create database ${target}`, 'postgres')
    await shell(`'${age()}' -d -i '${file}' '${bench.folder}/b8/${stored}' | pg_restore --exit-on-error -d '${bench.urlOf(target)}'`)
    expect(await bench.sql(contents, target)).toEqual(await bench.sql(contents))
    const reader = bench.manager({ location: `file:${bench.folder}/b8`, encryption: { recipients: [recipient], identities: [identity] } })
    expect((await reader.verify(id, { level: 3 })).good).toBe(true)
  })

  it('B9: is made where only the public key is; what needs the private one says so', async () => {
    const { recipient } = await keyPair('b9')
    const backups = bench.manager({ location: `file:${bench.folder}/b9`, encryption: { recipients: [recipient] } })
    const { id, encrypted } = await backups.backup()
    expect(encrypted).toBe(true)
    expect((await backups.verify(id, { level: 1 })).good).toBe(false)
    for (const refused of [backups.verify(id, { level: 2 }), backups.restore(id)]) {
      const error = await errorOf(refused)
      expect(error).toMatchObject({ kind: 'keyMissing' })
      expect((error as BackupError).hint).toContain('AGE-SECRET-KEY-1')
    }
    expect((await backups.status(id)).state).toBe('complete')
    expect(await bench.databases()).not.toContain(`${bench.name}_restore_${id.slice(-8)}`)
  })

  it('with a passphrase is signed with it, and opens with no other', async () => {
    const options = { location: `file:${bench.folder}/pass`, format: 'directory' as const, parallelJobs: 2 }
    const { id } = await bench.manager({ ...options, encryption: { passphrase: 'correct horse' } }).backup({ tables: ['users'] })
    const right = bench.manager({ ...options, encryption: { passphrase: 'correct horse' } })
    expect((await right.status(id)).authenticity).toBe('signed')
    expect((await right.verify(id, { level: 3 })).origin).toBe('signed')
    const wrong = bench.manager({ ...options, encryption: { passphrase: 'wrong horse' } })
    expect(await errorOf(wrong.verify(id))).toMatchObject({ kind: 'corrupt', message: expect.stringContaining('another key') as string })
  })
})

describe('a bare dump file', () => {
  it.each(['custom', 'plain', 'plain.gz', 'directory'] as const)('in format %s is verified and restored by its path, and said to be unverified', async (format) => {
    const path = join(bench.folder, `bare.${format}.dump`)
    await shell(`pg_dump --format=${format.replace('.gz', '')} -d '${bench.url}' ${format === 'directory' ? `-f '${path}'` : format === 'plain.gz' ? `| gzip > '${path}'` : `> '${path}'`}`)
    const backups = bench.manager()
    expect(await backups.verify(path)).toMatchObject({ ok: true, origin: 'unverified' })
    const target = `${bench.name}_bare_${format.replace('.', '_')}`
    expect(await backups.restore(path, { database: target })).toMatchObject({ origin: 'unverified', database: target })
    expect(await bench.sql(contents, target)).toEqual(await bench.sql(contents))
  })

  it('that was cut short is refused, and nothing of it stays', async () => {
    const backups = bench.manager()
    for (const format of ['custom', 'plain']) {
      const path = join(bench.folder, `cut.${format}.dump`)
      await shell(`pg_dump --format=${format} -d '${bench.url}' > '${path}'`)
      await writeFile(path, (await readFile(path)).subarray(0, Math.floor((await stat(path)).size * 0.6)))
      expect(await errorOf(backups.verify(path))).toMatchObject({ kind: 'corrupt' })
      await errorOf(backups.restore(path, { database: `${bench.name}_cut` }))
      expect(await bench.databases()).not.toContain(`${bench.name}_cut`)
    }
  })

  it('cannot run commands of psql that someone wrote into it', async () => {
    const path = join(bench.folder, 'evil.sql')
    const witness = join(bench.folder, 'witness')
    await writeFile(path, `create table t (id int);\n\\! touch '${witness}'\n--\n-- PostgreSQL database dump complete\n--\n`)
    const error = await errorOf(bench.manager().restore(path, { database: `${bench.name}_evil` }))
    expect((error as Error).message).toContain('restricted')
    expect(await stat(witness).catch(() => undefined)).toBeUndefined()
    expect(await bench.databases()).not.toContain(`${bench.name}_evil`)
  })
})
