import { describe, expect, it } from 'vitest'
import { QueryError, QueryTimeoutError, type Database } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const READ = 'select v from kept where id = $1'

/** A database on the primary with lanes, and the read above known to be quick: one lane is open. */
async function warmed(pool = {}): Promise<Database> {
  const db = await open({ replicas: [], pool: { max: 4, lanes: 1, ...pool } })
  await db.execute('create table if not exists kept (id int primary key, v text)')
  await db.execute("insert into kept select g, 'v' || g from generate_series(1, 200) g on conflict do nothing")
  await eventually(async () => {
    await db.query(READ, [1])
    return db.stats().nodes[0]?.lanes === 1
  })
  return db
}

describe('lanes on a real server', () => {
  it('answer hundreds of reads at once over one session, each with its own row', async () => {
    const db = await warmed()
    const backends = new Set<unknown>()
    const rows = await Promise.all(Array.from({ length: 200 }, (_, i) => db.one<{ v: string }>(READ, [i + 1])))
    expect(rows.map(({ v }) => v)).toEqual(Array.from({ length: 200 }, (_, i) => `v${String(i + 1)}`))
    for (const { pid } of await server.admin(
      'select pid from pg_stat_activity where datname = current_database() and application_name = $1 and query = $2', ['sluice', READ],
    )) backends.add(pid)
    expect(backends.size).toBeGreaterThan(0)
    expect(db.stats().nodes[0]?.openConnections).toBeLessThanOrEqual(4)
  })

  it('prepare what is asked often, and survive a changed table', async () => {
    const db = await warmed()
    for (let i = 0; i < 20; i++) await db.query(READ, [1])
    await db.execute('alter table kept alter column v type varchar(50)')
    const answers = await Promise.all(Array.from({ length: 20 }, () => db.one<{ v: string }>(READ, [7])))
    expect(new Set(answers.map(({ v }) => v))).toEqual(new Set(['v7']))
  })

  it('keep an error of one read from the others', async () => {
    const db = await warmed()
    const text = 'select 10 / $1::int as v'
    await eventually(async () => { await db.query(text, [1]); return db.stats().nodes[0]?.lanes === 1 })
    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, (_, i) => db.one(text, [i % 3])))
    expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 60 }, (_, i) => i % 3 === 0 ? 'rejected' : 'fulfilled'))
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(QueryError)
  })

  it('fail no read when their session is ended by the server', async () => {
    const db = await warmed()
    const done = { value: false }
    const answered = Array.from({ length: 16 }, () => 0)
    const reads = Promise.all(answered.map(async (_, caller) => {
      for (; !done.value; answered[caller] = (answered[caller] ?? 0) + 1) {
        const { v } = await db.one<{ v: string }>(READ, [caller + 1])
        expect(v).toBe(`v${String(caller + 1)}`)
      }
    }))
    for (let i = 0; i < 5; i++) {
      await server.admin("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'sluice' and pid <> pg_backend_pid()")
      // a read is run again twice at most, so each has to get through before the next blow: the one under way, and one more
      const before = [...answered]
      await Promise.race([reads, eventually(() => answered.every((count, caller) => count > (before[caller] ?? 0) + 1))])
    }
    done.value = true
    await reads
    expect(Math.min(...answered)).toBeGreaterThan(5)
  })

  it('cancel only the read whose time is over, while its table is locked', async () => {
    const db = await warmed()
    await db.execute('create table if not exists locked (id int)')
    const blocked = 'select id from locked'
    for (let i = 0; i < 5; i++) await db.query(blocked)
    await db.transaction(async (tx) => {
      await tx.execute('lock table locked in access exclusive mode')
      const outside = { ambient: false }
      const late = db.query(blocked, { ...outside, timeoutMs: 200 })
      const neighbours = Array.from({ length: 30 }, (_, i) => db.one<{ v: string }>(READ, [i + 1], outside))
      await expect(late).rejects.toBeInstanceOf(QueryTimeoutError)
      expect((await Promise.all(neighbours)).map(({ v }) => v)).toEqual(Array.from({ length: 30 }, (_, i) => `v${String(i + 1)}`))
    })
    await eventually(async () => (await server.admin(
      "select 1 from pg_stat_activity where datname = current_database() and state = 'active' and query = $1", [blocked],
    )).length === 0)
    expect((await db.query(blocked)).rowCount).toBe(0)
  })

  it('leave room for transactions, also with a pool of one', async () => {
    const db = await warmed({ max: 1 })
    await Promise.all([
      ...Array.from({ length: 50 }, (_, i) => db.one(READ, [i + 1])),
      ...Array.from({ length: 5 }, () => db.transaction((tx) => tx.execute('update kept set v = v where id = 1'))),
    ])
    expect(db.stats().nodes[0]).toMatchObject({ waiting: 0, openConnections: 1 })
  })
})
