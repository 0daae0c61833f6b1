import { describe, expect, it } from 'vitest'
import { TransactionClosedError } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)

/** Backends of this file's database that run a statement now. */
async function active(): Promise<number> {
  const rows = await server.admin(
    "select 1 from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid() and backend_type = 'client backend'")
  return rows.length
}

describe('a timeout', () => {
  it('is told in time, and the statement is gone from the server soon after', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const startedAt = performance.now()
    const error = await errorOf(db.query('select pg_sleep(30)', { timeoutMs: 150 }))
    const toldAfterMs = performance.now() - startedAt
    expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT', neverSent: false })
    expect(toldAfterMs).toBeGreaterThanOrEqual(145)
    expect(toldAfterMs).toBeLessThan(700)
    await eventually(async () => await active() === 0, 2_000)
    await expect(db.value('select 1')).resolves.toBe(1)
    expect(db.stats().nodes[0]).toMatchObject({ opened: 1 })
  })

  it('statementTimeoutMs is its default, and 0 is no limit', async () => {
    const db = await open({ replicas: [], statementTimeoutMs: 100 })
    await expect(db.query('select pg_sleep(30)')).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    await expect(db.query('select pg_sleep(0.2)', { timeoutMs: 0 })).resolves.toMatchObject({ rowCount: 1 })
  })

  it('of a write that was cancelled means that nothing was stored', async () => {
    const db = await open({ replicas: [] })
    await db.execute('create table if not exists slow (n int)')
    const error = await errorOf(db.execute('insert into slow select 1 from pg_sleep(30)', { timeoutMs: 100 }))
    expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    await eventually(async () => await active() === 0, 2_000)
    await expect(db.value('select count(*)::int from slow')).resolves.toBe(0)
  })

  it('inside a transaction is told in time, and the transaction is rolled back', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const startedAt = performance.now()
    const error = await errorOf(db.transaction((tx) => tx.query('select pg_sleep(30)', { timeoutMs: 100 })))
    expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    expect(await active()).toBe(0)
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('caught inside a savepoint leaves the transaction usable', async () => {
    const db = await open({ replicas: [] })
    await db.transaction(async (tx) => {
      await expect(tx.transaction((inner) => inner.query('select pg_sleep(30)', { timeoutMs: 100 }))).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
      await expect(tx.value('select 1')).resolves.toBe(1)
    })
  })

  it('of a whole transaction ends a callback that hangs, and frees its connection', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    let used: Promise<unknown> | undefined
    const hung = db.transaction(async (tx) => {
      await tx.query('select 1')
      used = new Promise((resolve) => setTimeout(resolve, 250)).then(() => tx.query('select 1'))
      used.catch(() => undefined)
      await new Promise(() => undefined)
    }, { timeoutMs: 100, name: 'hung' })
    const error = await errorOf(hung)
    expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    expect(String(error)).toContain("'hung'")
    await expect(db.value('select 1')).resolves.toBe(1)
    await expect(used).rejects.toBeInstanceOf(TransactionClosedError)
  })

  it('of a whole transaction also ends a statement under way', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const startedAt = performance.now()
    await expect(db.transaction((tx) => tx.query('select pg_sleep(30)'), { timeoutMs: 100 })).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('is not needed for what a failed callback left running: it is cancelled', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const startedAt = performance.now()
    let left: Promise<unknown> | undefined
    const failing = db.transaction(async (tx) => {
      left = errorOf(tx.query('select pg_sleep(20)'))
      await eventually(async () => await active() === 1)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await left).toMatchObject({ code: 'SLUICE_QUERY_CANCELLED' })
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('spans the wait for a connection', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const long = db.query('select pg_sleep(0.5)')
    const startedAt = performance.now()
    await expect(db.query('select 1', { timeoutMs: 80 })).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT', neverSent: true })
    expect(performance.now() - startedAt).toBeLessThan(400)
    await long
  })
})

describe('a signal', () => {
  it('cancels the statement on the server', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const abort = new AbortController()
    const running = db.query('select pg_sleep(30)', { signal: abort.signal })
    running.catch(() => undefined)
    await eventually(async () => await active() === 1)
    abort.abort(new Error('the user left'))
    await expect(running).rejects.toMatchObject({ code: 'SLUICE_QUERY_CANCELLED' })
    await eventually(async () => await active() === 0, 2_000)
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('ends a transaction whose callback hangs', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const abort = new AbortController()
    const running = db.transaction(async (tx) => {
      await tx.query('select 1')
      abort.abort(new Error('the user left'))
      await new Promise(() => undefined)
    }, { signal: abort.signal })
    await expect(running).rejects.toMatchObject({ code: 'SLUICE_QUERY_CANCELLED', cause: { message: 'the user left' } })
    await expect(db.value('select 1')).resolves.toBe(1)
  })

  it('aborted before the call means that nothing is sent', async () => {
    const db = await open({ replicas: [] })
    const signal = AbortSignal.abort(new Error('too late'))
    await expect(db.query('select 1', { signal })).rejects.toMatchObject({ code: 'SLUICE_QUERY_CANCELLED', neverSent: true })
    let called = false
    await expect(db.transaction(() => { called = true }, { signal })).rejects.toMatchObject({ code: 'SLUICE_QUERY_CANCELLED', neverSent: true })
    expect(called).toBe(false)
  })

  it('of one call among thousands that share it ends them all, without a warning about listeners', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => { warnings.push(warning) }
    process.on('warning', onWarning)
    const db = await open({ replicas: [], pool: { max: 4 } })
    const abort = new AbortController()
    const calls = Array.from({ length: 500 }, () => db.query('select pg_sleep(5)', { signal: abort.signal }))
    const inside = db.transaction((tx) => Promise.allSettled(Array.from({ length: 50 }, () => tx.query('select pg_sleep(5)'))), { signal: abort.signal })
    setImmediate(() => { abort.abort(new Error('all of you')) })
    const results = await Promise.allSettled([...calls, inside])
    process.off('warning', onWarning)
    expect(results.every((result) => result.status === 'rejected' && (result.reason as { code: string }).code === 'SLUICE_QUERY_CANCELLED')).toBe(true)
    expect(warnings).toEqual([])
    await expect(db.value('select 1')).resolves.toBe(1)
  })
})

describe('many cancels', () => {
  it('a hundred that race with their statements’ end hit no innocent statement', async () => {
    const db = await open({ replicas: [], pool: { max: 8 } })
    let innocent = 0
    let stop = false
    const victims: unknown[] = []
    const others = Array.from({ length: 4 }, async () => {
      while (!stop) {
        await db.query('select pg_sleep(0.002)').then(() => { innocent++ }, (error: unknown) => { victims.push(error) })
      }
    })
    const racing = Array.from({ length: 100 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * 4))
      await db.query('select pg_sleep(0.02)', { timeoutMs: 18 + index % 8 }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
      })
    })
    await Promise.all(racing)
    await eventually(() => innocent > 20)
    stop = true
    await Promise.all(others)
    expect(victims).toEqual([])
  })

  it('a thousand aborted statements leave no busy backend, and the pool whole', async () => {
    const told = new Told()
    const db = await open({ replicas: [], pool: { max: 10 }, observers: [told] })
    let aborted = 0
    for (let round = 0; round < 20; round++) {
      const calls = Array.from({ length: 50 }, () => {
        const abort = new AbortController()
        setTimeout(() => { abort.abort() }, Math.random() * 12)
        return db.query('select pg_sleep(20)', { signal: abort.signal }).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'SLUICE_QUERY_CANCELLED' })
          aborted++
        })
      })
      await Promise.all(calls)
    }
    expect(aborted).toBe(1_000)
    await eventually(async () => await active() === 0, 3_000)
    const alive = await Promise.all(Array.from({ length: 10 }, () => db.value('select 1')))
    expect(alive).toHaveLength(10)
    expect(db.stats().nodes[0]).toMatchObject({ inUse: 0, waiting: 0 })
    expect(db.stats().nodes[0]?.openConnections).toBeLessThanOrEqual(10)
    expect(told.warnings.filter(({ code }) => code.startsWith('SLUICE_UNCLEAN'))).toEqual([])
  })
})
