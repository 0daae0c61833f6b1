import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { afterAll, describe, expect, it } from 'vitest'
import { Database, MigrationManager } from '../../../src/index.js'
import { engineSlot } from '../../../src/drivers/pglite/engines.js'
import { Folder, tables } from '../migrations/files.js'

const folder = mkdtempSync(join(tmpdir(), 'sluice-pglite-'))
const shared = await Database.open('pglite://memory')

afterAll(async () => {
  await shared.close()
  rmSync(folder, { recursive: true, force: true })
})

const HOLDER = new URL('../../support/pglite-holder.js', import.meta.url)

describe('a PGlite in memory', () => {
  it('speaks PostgreSQL: parameters, RETURNING, arrays, savepoints, streams', async () => {
    await shared.execute('create table person (id int generated always as identity primary key, name text not null unique)')
    const { rows } = await shared.query('insert into person (name) select unnest($1::text[]) returning id, name', [['one', 'two']])
    expect(rows).toEqual([{ id: 1, name: 'one' }, { id: 2, name: 'two' }])
    await shared.transaction(async (tx) => {
      await tx.execute('update person set name = $1 where id = 1', ['eins'])
      await tx.transaction(() => tx.execute("insert into person (name) values ('two')")).catch(() => undefined)
    })
    const names: unknown[] = []
    for await (const row of shared.stream('select name from person order by id', [], { batchSize: 1 })) names.push(row['name'])
    expect(names).toEqual(['eins', 'two'])
    await expect(shared.execute("insert into person (name) values ('two')")).rejects.toMatchObject({ kind: 'unique', constraint: 'person_name_key' })
  })

  it('outlives its connections, and belongs to one Database', async () => {
    await shared.execute("create table kept (text text); insert into kept values ('here')")
    await shared.resetPool()
    expect(await shared.value('select text from kept')).toBe('here')
    await using other = await Database.open('pglite://memory')
    await expect(other.query('select text from kept')).rejects.toThrow(/does not exist/)
  })

  it('lends its one session and takes it back clean', async () => {
    await shared.connection(async (connection) => {
      await connection.query("set lock_timeout = '123ms'; create temporary table mine (id int)")
      expect(await connection.value('show lock_timeout')).toBe('123ms')
    })
    expect(await shared.value('show lock_timeout')).toBe('0')
    await expect(shared.query('select * from mine')).rejects.toThrow(/does not exist/)
  })

  it('is closed when it starts and then does not even say what it is', async () => {
    let closed = 0
    const broken = {
      name: 'broken',
      setup: (engine: PGlite) => Promise.resolve({
        init: () => {
          engine.execProtocol = () => Promise.reject(new Error('the extension broke it'))
          return Promise.resolve()
        },
        close: () => {
          closed++
          return Promise.resolve()
        },
      }),
    }
    await expect(Database.open({ primary: { url: 'pglite://memory', driverOptions: { extensions: { broken } } } }))
      .rejects.toThrow(/the extension broke it/)
    expect(closed).toBeGreaterThan(0)
  })

  it('refuses COPY from the client instead of being torn down by it', async () => {
    await shared.execute('create table copied (id int)')
    for (const text of ['copy copied from stdin', 'copy copied from/**/STDIN -- $1']) {
      await expect(shared.query(text)).rejects.toThrow(/No source stream/)
    }
    await expect(shared.stream('copy copied from stdin').next()).rejects.toThrow(/No source stream/)
    expect(await shared.value('select count(*) from copied')).toBe('0')
  })

  it('starts anew after it was torn down, and what was under way says so', async () => {
    await using db = await Database.open('pglite://memory')
    await db.execute('create table copied (id int)')
    const slot = engineSlot(db.assembly.options.primary.target)
    const engine = await slot.join(false, 0)
    // not through the driver, which would refuse it: waiting for data that cannot come
    await expect(engine.exchange(engine.serialize.query('copy copied from stdin'))).rejects.toMatchObject({ connectionLost: true })
    await slot.leave()
    expect(await db.value("select to_regclass('copied')")).toBeNull()
  })

  it('applies migrations and undoes one that fails', async () => {
    const { path: dir } = new Folder({ ...tables(1), '000002_halfway.up.sql': 'create table halfway (id int); select 1 / 0;' })
    await using db = await Database.open('pglite://memory')
    const migrations = new MigrationManager(db, { dir })
    await expect(migrations.up()).rejects.toThrow(/division by zero/)
    expect(await migrations.version()).toMatchObject({ version: 1 })
    expect(await db.value("select to_regclass('halfway')")).toBeNull()
  })
})

describe('a PGlite in a folder', () => {
  it('has its rows again after it was closed, and leaves nothing of its lease', async () => {
    const data = join(folder, 'again')
    const db = await Database.open(`pglite:${data}`)
    await db.execute("create table note (text text); insert into note values ('kept')")
    expect(existsSync(`${data}-lease`)).toBe(true)
    await db.close()
    expect(existsSync(`${data}-lease`)).toBe(false)
    await using again = await Database.open({ primary: `pglite:${data}`, readOnly: true })
    expect(await again.value('select text from note')).toBe('kept')
    await expect(again.execute('delete from note')).rejects.toMatchObject({ code: 'SLUICE_READ_ONLY_NODE' })
  })

  it('is one engine for several Databases, whose transactions wait for each other', async () => {
    const data = `pglite:${join(folder, 'two')}`
    await using one = await Database.open(data)
    await using two = await Database.open(data)
    await one.execute('create table counter (value int); insert into counter values (0)')
    const bump = (db: Database): Promise<void> => db.transaction(async (tx) => {
      const value = await tx.value<number>('select value from counter')
      await tx.execute('update counter set value = $1', [(value ?? 0) + 1])
    })
    await Promise.all(Array.from({ length: 20 }, (_, index) => bump(index % 2 === 0 ? one : two)))
    expect(await two.value('select value from counter')).toBe(20)
    await using reader = await Database.open({ primary: data, readOnly: true })
    expect(await reader.value('select value from counter')).toBe(20)
    await one.execute('update counter set value = 21')
  })

  it('gives up a statement that waits for its turn when its time is over, and undoes what a lost transaction left', async () => {
    const data = `pglite:${join(folder, 'turn')}`
    await using one = await Database.open(data)
    await using two = await Database.open(data)
    await one.execute('create table note (text text)')
    const tx = await one.begin()
    await tx.execute("insert into note values ('undone')")
    await expect(two.query('select * from note', [], { timeoutMs: 50 })).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    await tx.rollback()
    expect(await two.value('select count(*) from note')).toBe('0')
  })

  it('leaves a transaction alone when another one gives up its wait, or goes', async () => {
    const url = `pglite:${join(folder, 'beside')}`
    await using one = await Database.open(url)
    const other = await Database.open(url)
    await one.execute('create table kept (n int)')
    await other.query('select 1')
    await one.transaction(async (tx) => {
      await tx.execute('insert into kept values (1)')
      await expect(other.query('select n from kept', [], { timeoutMs: 300 })).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
      await tx.execute('insert into kept values (2)')
      await other.close()
      await tx.execute('insert into kept values (3)')
    })
    expect((await one.query('select n from kept order by n')).rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  })

  it('is for one process: the second one is refused, and has it when the first was killed', async () => {
    const data = join(folder, 'held')
    const holder = spawn(process.execPath, [HOLDER.pathname, data], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(holder, 'exit')
    await once(holder.stdout, 'data')
    await expect(Database.open({ primary: `pglite:${data}`, connectTimeoutMs: 100 })).rejects.toMatchObject({
      code: 'SLUICE_TOO_MANY_CONNECTIONS', hint: expect.stringContaining('held-lease') as string,
    })
    holder.kill('SIGKILL')
    await ended
    await using db = await Database.open(`pglite:${data}`)
    expect(await db.value('select text from note')).toBe('kept')
  })
})

describe('options of PGlite', () => {
  it.each([
    ['an unknown URL parameter', 'pglite://memory?sslmode=require', {}, /unknown URL parameter 'sslmode' for PGlite/],
    ['a durability that is none', 'pglite://memory?relaxed_durability=1', {}, /expected true or false, got '1'/],
    ['an option of the driver itself', 'pglite://memory', { dataDir: 'x' }, /driverOptions.dataDir is set by the driver itself/],
  ])('refuse %s', (_, primary, driverOptions, message) => {
    expect(() => new Database({ primary, driverOptions })).toThrow(message)
  })

  it('reach PGlite: a database in memory that begins as a copy of another', async () => {
    const { PGlite } = await import('@electric-sql/pglite')
    const original = await PGlite.create()
    await original.exec("create table note (text text); insert into note values ('copied')")
    const loadDataDir = await original.dumpDataDir('none')
    await original.close()
    await using db = await Database.open({ primary: 'pglite://memory?relaxed_durability=true', driverOptions: { loadDataDir } })
    expect(await db.value('select text from note')).toBe('copied')
  })
})
