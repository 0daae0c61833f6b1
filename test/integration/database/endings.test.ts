import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database } from '../../../src/index.js'
import { flakyProxy, type FlakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)
let proxy: FlakyProxy

beforeAll(async () => { proxy = await flakyProxy({ target: server.primaryUrl }) })
afterAll(async () => { await proxy.close() })

const MAX = 5

/** Ways to leave a call that do not end it well. Each may settle or hang as it likes. */
const ENDINGS: Readonly<Record<string, (db: Database) => Promise<unknown>>> = {
  'a callback that throws': (db) => db.transaction(async (tx) => { await tx.query('select 1'); throw new Error('no') }),
  'a statement that fails in a transaction': (db) => db.transaction((tx) => tx.query('select 1 / 0')),
  'a statement that times out': (db) => db.query('select pg_sleep(20)', { timeoutMs: 20 }),
  'a statement that is aborted': (db) => {
    const abort = new AbortController()
    setTimeout(() => { abort.abort() }, 15)
    return db.query('select pg_sleep(20)', { signal: abort.signal })
  },
  'a transaction that times out in its callback': (db) => db.transaction(() => new Promise(() => undefined), { timeoutMs: 20 }),
  'a stream that is broken off': async (db) => {
    for await (const row of db.stream('select n from generate_series(1, 100000) n', [], { batchSize: 10 })) return row
    return undefined
  },
  'a stream in a transaction that nobody reads on': (db) => db.transaction(async (tx) => {
    await tx.stream('select n from generate_series(1, 100000) n', [], { batchSize: 10 })[Symbol.asyncIterator]().next()
  }),
  'an unfinished begin with a time limit': (db) => db.begin({ timeoutMs: 20 }).then((tx) => tx.query('select 1')),
  'a statement left running when its callback returns': (db) => db.transaction((tx) => { tx.query('select pg_sleep(0.02)').catch(() => undefined) }),
  'a lent connection left in a transaction': (db) => db.connection(async (connection) => {
    await connection.query('begin')
    await connection.query('select 1 / 0').catch(() => undefined)
  }),
  'a connection that is cut in a transaction': (db) => db.transaction(async (tx) => {
    await tx.query('select 1')
    proxy.cut()
    await tx.query('select 1')
  }),
  'a wait for a connection that is given up': (db) => db.query('select 1', { timeoutMs: 1 }),
}

async function sessions(): Promise<number> {
  const rows = await server.admin("select 1 from pg_stat_activity where datname = current_database() and application_name = 'sluice'")
  return rows.length
}

describe('ending badly', () => {
  it.each(Object.keys(ENDINGS))('%s: ten times over, the pool is whole and the server has no session too many', async (name) => {
    const end = ENDINGS[name]
    if (!end) throw new Error('unknown ending')
    const told = new Told()
    const db = await open({ primary: proxy.url, replicas: [], pool: { max: MAX }, observers: [told] })
    await Promise.allSettled(Array.from({ length: 10 }, () => end(db)))
    await eventually(() => db.stats().nodes[0]?.inUse === 0)
    expect(await sessions()).toBeLessThanOrEqual(MAX + 1)
    const together = await Promise.all(Array.from({ length: MAX }, () => db.transaction((tx) => tx.value('select 1'))))
    expect(together).toEqual(Array.from({ length: MAX }, () => 1))
    await eventually(async () => await sessions() <= MAX + 1)
    const idle = await server.admin(
      "select query from pg_stat_activity where datname = current_database() and application_name = 'sluice' and state like 'idle in transaction%'")
    expect(idle).toEqual([])
  })

  it('all ways at once leave at most max + 1 sessions', async () => {
    const db = await open({ primary: proxy.url, replicas: [], pool: { max: MAX } })
    let most = 0
    let done = false
    const watch = (async () => { while (!done) most = Math.max(most, await sessions()) })()
    await Promise.allSettled(Object.values(ENDINGS).flatMap((end) => [end(db), end(db), end(db)]))
    await eventually(() => db.stats().nodes[0]?.inUse === 0)
    done = true
    await watch
    await eventually(async () => await sessions() <= MAX + 1)
    // a cut connection's backend lives on for a moment after its client has opened another
    expect(most).toBeLessThanOrEqual(2 * MAX + 1)
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('an unfinished begin without any limit goes when the database is closed', async () => {
    const db = await open({ primary: proxy.url, replicas: [], pool: { max: MAX } })
    const tx = await db.begin()
    await tx.query('select 1')
    await db.close({ drainMs: 50 })
    await eventually(async () => await sessions() === 0)
    await expect(tx.query('select 1')).rejects.toMatchObject({ code: expect.stringMatching(/^SLUICE_/) as unknown })
    await tx.rollback().catch(() => undefined)
  })
})
