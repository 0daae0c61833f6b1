import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Database } from '../../../src/facade/database.js'

const folder = mkdtempSync(join(tmpdir(), 'sluice-sqlite-'))

afterAll(() => { rmSync(folder, { recursive: true, force: true }) })

const WRITER = new URL('../../support/sqlite-writer.js', import.meta.url)

/** A process of its own that adds 1 to the counter so many times, through the built package. */
function writer(file: string, times: number, lastly: 'close' | 'die'): ReturnType<typeof spawn> {
  return spawn(process.execPath, [WRITER.pathname, file, String(times), lastly], { stdio: ['ignore', 'inherit', 'inherit'] })
}

describe('a SQLite file', () => {
  it('has one writer and several readers, and both see what was committed', async () => {
    await using db = await Database.open({ primary: `sqlite:${join(folder, 'split.db')}` })
    await db.execute('create table counter (id integer primary key, value integer not null)')
    const { insertId } = await db.execute('insert into counter (value) values (?)', [7])
    expect(insertId).toBe(1)
    const read = await db.query('select value from counter where id = ?', [1])
    expect(read.rows).toEqual([{ value: 7 }])
    expect([read.route, read.node.endsWith('(readers)')]).toEqual(['read', true])
    const written = await db.query('update counter set value = 8 returning value')
    expect([written.route, written.node.endsWith('split.db'), written.rows]).toEqual(['write', true, [{ value: 8 }]])
    expect((await db.primary.query('select value from counter')).rows).toEqual([{ value: 8 }])
  })

  it('loses no write and shows nobody a lock, with one writer and eight readers at work', async () => {
    await using db = await Database.open({ primary: `sqlite:${join(folder, 'busy.db')}`, pool: { max: 8 } })
    await db.execute('create table counter (id integer primary key, value integer not null)')
    await db.execute('insert into counter (id, value) values (1, 0), (2, 0)')
    let writing = true
    const readers = Array.from({ length: 8 }, async () => {
      let torn = 0
      while (writing) {
        const { rows } = await db.query<{ value: number }>('select value from counter order by id')
        if (rows[0]?.value !== rows[1]?.value) torn++
        await new Promise((resolve) => { setImmediate(resolve) })
      }
      return torn
    })
    for (let turn = 0; turn < 100; turn++) {
      await db.transaction(async (tx) => {
        await tx.execute('update counter set value = value + 1 where id = 1')
        await tx.execute('update counter set value = value + 1 where id = 2')
      })
    }
    writing = false
    expect(await Promise.all(readers)).toEqual(Array.from({ length: 8 }, () => 0))
    expect((await db.query('select value from counter')).rows).toEqual([{ value: 100 }, { value: 100 }])
  })

  it('loses no write and shows nobody a lock when another process writes and reads too, and comes back after that one was killed half-way', async () => {
    const file = join(folder, 'shared.db')
    const db = await Database.open({ primary: `sqlite:${file}`, pool: { max: 8 } })
    await db.execute('create table counter (id integer primary key, value integer not null)')
    await db.execute('insert into counter (id, value) values (1, 0)')
    const other = writer(file, 40, 'die')
    const ended = once(other, 'exit')
    for (let turn = 0; turn < 40; turn++) {
      await db.execute('update counter set value = value + 1')
      await Promise.all(Array.from({ length: 8 }, () => db.query('select value from counter')))
    }
    await ended
    expect(other.signalCode).toBe('SIGKILL')
    expect((await db.query('select value from counter')).rows).toEqual([{ value: 80 }])
    expect((await db.query('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }])
    await db.close()
    expect(readdirSync(folder).filter((name) => /^shared\.db(\.lock|-lease)/.test(name))).toEqual([])
  })
})

describe('a SQLite database in memory', () => {
  it('lives as long as its Database, also when every connection is replaced', async () => {
    await using db = await Database.open('sqlite::memory:')
    await db.execute('create table note (text text)')
    await db.execute('insert into note (text) values (?)', ['kept'])
    await db.resetPool()
    expect((await db.query('select text from note')).rows).toEqual([{ text: 'kept' }])
    await using other = await Database.open('sqlite::memory:')
    await expect(other.query('select text from note')).rejects.toThrow(/no such table/)
  })
})
