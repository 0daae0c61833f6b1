import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConstraintError, QueryError, QueryTimeoutError, TransactionOutcomeUnknownError } from '../../../src/index.js'
import { flakyProxy, type FlakyProxy } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)
let proxy: FlakyProxy

beforeAll(async () => {
  proxy = await flakyProxy({ target: server.primaryUrl })
  await server.admin('create table entry (id int primary key, v text)')
  await server.admin('create table late (id int unique deferrable initially deferred)')
  await server.admin('grant all on all tables in schema public to public')
})
afterAll(async () => { await proxy.close() })
beforeEach(async () => {
  await proxy.restore()
  await server.admin('truncate entry, late')
})

const stored = async (): Promise<unknown[]> => (await server.admin('select id from entry order by id')).map(({ id }) => id)
const insert = 'insert into entry (id) values ($1)'

/** How often something was sent while nothing was on its way: one round trip each. */
async function roundTrips(work: () => Promise<unknown>): Promise<number> {
  let [count, open] = [0, 0]
  const watch = proxy.cutBefore(({ from, type }) => {
    if (from === 'client' && (type === 'S' || type === 'Q') && open++ === 0) count++
    if (from === 'server' && type === 'Z') open--
    return false
  })
  await work()
  watch.cancel()
  return count
}

const behindProxy = async () => {
  // what is asked for causal reads leaves together with the commit, under a Sync of its own, which would be counted here
  const db = await open({ primary: proxy.url, replicas: [], pool: { max: 1 }, health: { intervalMs: 60_000 }, consistency: { causalReads: 'off' } })
  await db.query('select 1', [], { target: 'primary' })
  // what is asked of the server itself is asked now
  await db.health.check()
  return db
}

describe('a batch', () => {
  it('is one transaction in one round trip', async () => {
    const db = await behindProxy()
    expect(await roundTrips(async () => {
      const results = await db.batch([[insert, [1]], [insert, [2]], 'update entry set v = \'x\' returning id', 'select count(*)::int as n from entry'])
      expect(results.map(({ command, rowCount }) => [command, rowCount])).toEqual([['INSERT', 1], ['INSERT', 1], ['UPDATE', 2], ['SELECT', 1]])
      expect(results[3]?.rows).toEqual([{ n: 2 }])
    })).toBe(1)
    expect(await stored()).toEqual([1, 2])
    expect(db.stats()).toMatchObject({ errors: 0 })
  })

  it('of reads alone is one round trip as well', async () => {
    const db = await behindProxy()
    expect(await roundTrips(async () => {
      const results = await db.batch(['select 1 as n', 'select 2 as n'])
      expect(results.map(({ rows, route }) => [rows, route])).toEqual([[[{ n: 1 }], 'transaction'], [[{ n: 2 }], 'transaction']])
    })).toBe(1)
  })

  it('that fails stores nothing, tells which statement it was and nothing of its values, and leaves the connection usable', async () => {
    const told = new Told()
    const db = await open({ primary: proxy.url, replicas: [], pool: { max: 1 }, observers: [told] })
    const error = await errorOf(db.batch([[insert, [1]], ['insert into entry (id, v) values ($1, $2)', [1, 'secret']], [insert, [3]]]))
    expect(error).toBeInstanceOf(ConstraintError)
    expect(error).toMatchObject({ kind: 'unique', table: 'entry', sql: 'insert into entry (id, v) values ($1, $2)' })
    expect(JSON.stringify(error) + String(error)).not.toContain('secret')
    expect(await stored()).toEqual([])
    expect(db.stats()).toMatchObject({ errors: 1 })
    await expect(db.batch([[insert, [1]]])).resolves.toHaveLength(1)
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 0, openConnections: 1 })
  })

  it('that is refused at COMMIT by a deferred constraint stores nothing', async () => {
    const db = await behindProxy()
    await expect(db.batch(['insert into late values (1)', 'insert into late values (1)'])).rejects.toMatchObject({ kind: 'unique', sql: 'COMMIT' })
    expect(await server.admin('select * from late')).toEqual([])
    await expect(db.batch(['select 1'])).resolves.toHaveLength(1)
  })

  it('whose value cannot be sent is refused before anything is', async () => {
    const db = await behindProxy()
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    expect(await roundTrips(async () => {
      await expect(db.batch([[insert, [1]], ['insert into entry (v) values ($1)', [circular]]])).rejects.toBeInstanceOf(QueryError)
    })).toBe(0)
    await expect(db.batch([[insert, [1]]])).resolves.toHaveLength(1)
  })

  it('ends at its timeoutMs, undone', async () => {
    const db = await behindProxy()
    await expect(db.batch([[insert, [1]], 'select pg_sleep(30)'], { timeoutMs: 200 })).rejects.toBeInstanceOf(QueryTimeoutError)
    expect(await stored()).toEqual([])
    await expect(db.batch([[insert, [1]]])).resolves.toHaveLength(1)
  })

  it('whose answer is lost has an unknown outcome, and is not run again; one of reads alone is', async () => {
    const db = await behindProxy()
    proxy.cutBefore('commit-answer')
    await expect(db.batch([[insert, [1]], [insert, [2]]])).rejects.toBeInstanceOf(TransactionOutcomeUnknownError)
    expect(await stored()).toEqual([1, 2])
    proxy.cutBefore('commit-answer')
    await expect(db.batch(['select 1', 'select 2'])).resolves.toHaveLength(2)
  })

  it('whose time is over while the answer to its COMMIT is on the way is not said to be rolled back', async () => {
    const db = await behindProxy()
    proxy.delay({ 'to-server': 0, 'to-client': 20_000 })
    await expect(db.batch([[insert, [1]]], { timeoutMs: 300 })).rejects.toBeInstanceOf(TransactionOutcomeUnknownError)
    expect(await stored()).toEqual([1])
  })

  it('runs again as a whole when it is the victim of a conflict', async () => {
    const db = await open({ replicas: [], pool: { max: 4 } })
    await db.batch([[insert, [1]], [insert, [2]]])
    const up = (first: number, second: number) => db.batch([
      ['update entry set v = coalesce(v, \'\') || $2 where id = $1', [first, 'x']], 'select pg_sleep(0.2)',
      ['update entry set v = coalesce(v, \'\') || $2 where id = $1', [second, 'x']],
    ])
    await Promise.all([up(1, 2), up(2, 1)])
    expect(await server.admin('select v from entry order by id')).toEqual([{ v: 'xx' }, { v: 'xx' }])
  })

  it('of more texts than a connection keeps prepared is answered in full, again and again', async () => {
    const db = await open({ replicas: [], pool: { max: 1 }, maxPreparedStatements: 3 })
    for (let turn = 0; turn < 12; turn++) {
      const results = await db.batch(Array.from({ length: 9 }, (_, n) => [`select $1::int + ${String(n % 7)} as n`, [turn]]))
      expect(results.map(({ rows }) => rows[0]?.['n'])).toEqual(Array.from({ length: 9 }, (_, n) => turn + n % 7))
    }
  })

  it('holding a text of several statements goes one by one, still one transaction', async () => {
    const db = await behindProxy()
    await expect(db.batch(['insert into entry (id) values (1); insert into entry (id) values (2)', [insert, [1]]])).rejects.toBeInstanceOf(ConstraintError)
    expect(await stored()).toEqual([])
  })
})

describe('a transaction', () => {
  it('begins with its first statement: a round trip less', async () => {
    const db = await behindProxy()
    const read = await roundTrips(() => db.transaction(async (tx) => {
      await tx.query('select 1')
      await tx.query('select 2')
    }))
    expect(read).toBe(3)
    expect(await roundTrips(() => db.transaction((tx) => tx.batch([[insert, [1]], [insert, [2]], 'select 1'])))).toBe(2)
    expect(await stored()).toEqual([1, 2])
  })

  it('is named for a lost COMMIT on the way of its first write: no round trip either', async () => {
    const db = await behindProxy()
    expect(await roundTrips(() => db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      await tx.execute(insert, [2])
    }))).toBe(3)
    expect(await roundTrips(() => db.transaction(async (tx) => {
      await tx.query('select 1')
      await tx.execute(insert, [3])
      await tx.transaction((inner) => inner.execute(insert, [4]))
    }))).toBe(6)
    expect(await stored()).toEqual([1, 2, 3, 4])
  })

  it('in which nothing is asked sends nothing', async () => {
    const db = await behindProxy()
    let committed = 0
    expect(await roundTrips(() => db.transaction((tx) => { tx.afterCommit(() => { committed++ }) }))).toBe(0)
    expect(committed).toBe(1)
  })

  it('whose first statement fails is over, as with any other', async () => {
    const db = await behindProxy()
    await expect(db.transaction(async (tx) => {
      await tx.query('select 1 / 0').catch(() => undefined)
      await expect(tx.execute(insert, [1])).rejects.toMatchObject({ code: 'SLUICE_TRANSACTION_ROLLED_BACK' })
    })).rejects.toMatchObject({ code: 'SLUICE_TRANSACTION_ROLLED_BACK' })
    expect(await stored()).toEqual([])
  })

  it('whose first value cannot be sent has not begun, and may go on', async () => {
    const db = await behindProxy()
    await db.transaction(async (tx) => {
      await expect(tx.query('select $1', [Symbol('none')])).rejects.toBeInstanceOf(QueryError)
      await tx.execute(insert, [1])
      await tx.execute(insert, [2])
    })
    expect(await stored()).toEqual([1, 2])
  })

  it('whose BEGIN the server refuses runs nothing, whatever its callback swallows', async () => {
    const db = await open({ pool: { max: 1 } })
    await server.waitForReplay()
    const refused = db.transaction(async (tx) => {
      await tx.query('select 1').catch(() => undefined)
      await tx.query('select 2').catch(() => undefined)
    }, { readOnly: true, target: 'replica', isolationLevel: 'serializable' })
    await expect(refused.then(() => 'ran on the primary', (error: unknown) => error)).resolves.toBeDefined()
    expect(db.stats().nodes.every(({ inUse }) => inUse === 0)).toBe(true)
  })

  it('begins on another connection when the first one turns out to be dead', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    await db.query('select 1')
    let attempts = 0
    await server.admin("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'sluice'")
    await db.transaction(async (tx) => {
      attempts++
      await tx.execute(insert, [1])
    }, { retries: 0 })
    expect(attempts).toBeLessThanOrEqual(3)
    expect(await stored()).toEqual([1])
  })

  it('takes a text of several statements, a stream or a savepoint as its first statement', async () => {
    const db = await behindProxy()
    const undone = new Error('undone')
    for (const first of ['insert into entry (id) values (1); insert into entry (id) values (2)', 'insert into entry (id) values (3)']) {
      await expect(db.transaction(async (tx) => {
        await tx.query(first)
        throw undone
      })).rejects.toBe(undone)
    }
    await expect(db.transaction(async (tx) => {
      for await (const row of tx.stream('insert into entry (id) values (4) returning id')) expect(row).toEqual({ id: 4 })
      throw undone
    })).rejects.toBe(undone)
    await expect(db.transaction(async (tx) => {
      await tx.transaction((inner) => inner.execute(insert, [5]))
      throw undone
    })).rejects.toBe(undone)
    expect(await stored()).toEqual([])
  })
})
