import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DeadlockError, SerializationError, type Transaction } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const ACCOUNTS = 6
const START = 1_000

beforeAll(async () => {
  await server.admin('create table account (id int primary key, balance int not null)')
  await server.admin('create table transfer (id int primary key)')
  await server.admin('grant all on all tables in schema public to public')
})
beforeEach(async () => {
  await server.admin('truncate account, transfer')
  await server.admin(`insert into account select n, ${String(START)} from generate_series(0, ${String(ACCOUNTS - 1)}) n`)
})

/**
 * Reads both balances before it writes them: lost updates show in the sum. Rows are written in one order, so that what
 * conflicts does so at once; a deadlock is found by the server only after a second.
 */
async function move(tx: Transaction, id: number, from: number, to: number): Promise<void> {
  const source = await tx.value<number>('select balance from account where id = $1', [from])
  const target = await tx.value<number>('select balance from account where id = $1', [to])
  const changes: [number, number][] = [[from, (source ?? 0) - 1], [to, (target ?? 0) + 1]]
  for (const change of changes.sort(([a], [b]) => a - b)) await tx.execute('update account set balance = $2 where id = $1', change)
  await tx.execute('insert into transfer values ($1)', [id])
}

describe('conflicting transactions', () => {
  it('32 at a time, serializable: none fails, the sum stays, every transfer is there once, the counters are exact', async () => {
    const told = new Told()
    const db = await open({ replicas: [], pool: { max: 8 }, observers: [told] })
    const transfers = 96
    let next = 0
    let attempts = 0
    const worker = async (): Promise<void> => {
      while (next < transfers) {
        const id = next++
        await db.transaction((tx) => {
          attempts++
          return move(tx, id, id % ACCOUNTS, (id + 1 + id % 5) % ACCOUNTS)
        }, { isolationLevel: 'serializable', name: 'transfer' })
      }
    }
    const outcomes = await Promise.allSettled(Array.from({ length: 32 }, worker))
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([])
    const [sum] = await server.admin('select sum(balance)::int as sum from account')
    expect(sum?.['sum']).toBe(ACCOUNTS * START)
    const stored = (await server.admin('select id from transfer order by id')).map(({ id }) => id)
    expect(stored).toEqual(Array.from({ length: transfers }, (_, id) => id))
    const committed = told.transactions.filter(({ outcome }) => outcome === 'committed')
    const rolledBack = told.transactions.filter(({ outcome }) => outcome === 'rolled-back')
    expect(committed).toHaveLength(transfers)
    expect(committed.length + rolledBack.length).toBe(attempts)
    expect(committed.reduce((sum, { retries }) => sum + retries, 0)).toBe(attempts - transfers)
    // the load is of the kind that conflicts, or this test would prove nothing
    expect(attempts).toBeGreaterThan(transfers)
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 0, waiting: 0 })
  })

  it('a deadlock is run again and both transactions succeed', async () => {
    const db = await open({ replicas: [], pool: { max: 2 } })
    let holding = 0
    let both: () => void = () => undefined
    const bothHold = new Promise<void>((resolve) => { both = resolve })
    let attempts = 0
    const crosswise = (first: number, second: number) => db.transaction(async (tx) => {
      attempts++
      await tx.execute('update account set balance = balance + 1 where id = $1', [first])
      if (++holding === 2) both()
      await bothHold
      await tx.execute('update account set balance = balance + 1 where id = $1', [second])
    })
    await Promise.all([crosswise(0, 1), crosswise(1, 0)])
    expect(attempts).toBe(3)
    expect(await server.admin('select balance from account where id in (0, 1)')).toEqual([{ balance: START + 2 }, { balance: START + 2 }])
  })

  /** Makes the transaction that `work` is the first half of lose a serialization conflict at its next write. */
  const disturbed = async (tx: Transaction): Promise<void> => {
    await tx.value('select balance from account where id = 0')
    await server.admin('update account set balance = balance + 1 where id = 0')
    await tx.execute('update account set balance = balance + 1 where id = 0')
  }

  it('retries: 0 shows the SerializationError, and its cause is the server’s own', async () => {
    const db = await open({ replicas: [] })
    let attempts = 0
    const failing = db.transaction((tx) => { attempts++; return disturbed(tx) }, { isolationLevel: 'repeatable read', retries: 0 })
    await expect(failing).rejects.toBeInstanceOf(SerializationError)
    await expect(failing).rejects.toMatchObject({ code: 'SLUICE_SERIALIZATION', transient: true, cause: { code: '40001' } })
    expect(attempts).toBe(1)
  })

  it('retries counts re-runs after the first attempt', async () => {
    const db = await open({ replicas: [] })
    let attempts = 0
    const failing = db.transaction((tx) => { attempts++; return disturbed(tx) }, { isolationLevel: 'repeatable read', retries: 2 })
    await expect(failing).rejects.toBeInstanceOf(SerializationError)
    expect(attempts).toBe(3)
  })

  it('a conflict that the callback swallowed still runs it again', async () => {
    const db = await open({ replicas: [] })
    let attempts = 0
    const value = await db.transaction(async (tx) => {
      if (++attempts === 1) await disturbed(tx).catch(() => undefined)
      return attempts
    }, { isolationLevel: 'repeatable read' })
    expect(value).toBe(2)
  })

  it('a conflict that the callback turned into an error of its own still runs it again', async () => {
    const db = await open({ replicas: [] })
    let attempts = 0
    await db.transaction(async (tx) => {
      if (++attempts === 1) await disturbed(tx).catch(() => { throw new Error('could not transfer') })
    }, { isolationLevel: 'repeatable read' })
    expect(attempts).toBe(2)
  })

  it('a conflict inside a savepoint that was undone is the savepoint’s own', async () => {
    const db = await open({ replicas: [] })
    let attempts = 0
    await db.transaction(async (tx) => {
      attempts++
      await expect(tx.transaction(async (inner) => disturbed(inner))).rejects.toBeInstanceOf(SerializationError)
      await tx.execute('insert into transfer values (1)')
    }, { isolationLevel: 'repeatable read' })
    expect(attempts).toBe(1)
    expect(await server.admin('select id from transfer')).toEqual([{ id: 1 }])
  })

  it('an error of the callback’s own is never a reason to run it again', async () => {
    const db = await open({ replicas: [] })
    let attempts = 0
    await expect(db.transaction(() => { attempts++; throw new Error('mine') })).rejects.toThrow('mine')
    expect(attempts).toBe(1)
  })

  it('timeoutMs spans all attempts', async () => {
    const db = await open({ replicas: [] })
    const startedAt = performance.now()
    let attempts = 0
    const failing = db.transaction(async (tx) => {
      attempts++
      await tx.query('select pg_sleep(0.05)')
      await disturbed(tx)
    }, { isolationLevel: 'repeatable read', retries: 100, timeoutMs: 500 })
    await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/SLUICE_(SERIALIZATION|QUERY_TIMEOUT)/) as unknown })
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    expect(attempts).toBeGreaterThan(1)
  })

  it('a plain statement that deadlocks is run again too', async () => {
    const db = await open({ replicas: [], pool: { max: 3 } })
    const both = 'update account set balance = balance + 1 where id in (0, 1)'
    const [first] = await Promise.all([
      db.transaction(async (tx) => {
        await tx.execute('update account set balance = balance + 1 where id = 1')
        const plain = db.execute(both, { ambient: false })
        // the plain statement holds row 0 and waits for row 1 when this one asks for row 0
        await tx.query('select pg_sleep(0.1)')
        await tx.execute('update account set balance = balance + 1 where id = 0')
        return { plain }
      }, { retries: 5 }),
    ])
    await expect(first.plain).resolves.toMatchObject({ rowsAffected: 2 })
  })

  it('a deadlock surfaces as DeadlockError when it may not be run again', async () => {
    const db = await open({ replicas: [], pool: { max: 2 } })
    let holding = 0
    let both: () => void = () => undefined
    const bothHold = new Promise<void>((resolve) => { both = resolve })
    const crosswise = (first: number, second: number) => db.transaction(async (tx) => {
      await tx.execute('update account set balance = balance + 1 where id = $1', [first])
      if (++holding === 2) both()
      await bothHold
      await tx.execute('update account set balance = balance + 1 where id = $1', [second])
    }, { retries: 0 })
    const results = await Promise.allSettled([crosswise(2, 3), crosswise(3, 2)])
    const failed = results.filter((result) => result.status === 'rejected')
    expect(failed).toHaveLength(1)
    expect(failed[0]?.reason).toBeInstanceOf(DeadlockError)
  })
})
