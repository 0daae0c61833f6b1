import { describe, expect, it, vi } from 'vitest'
import { PoolClosedError, PoolDeadlockError, PoolQueueFullError, PoolTimeoutError, QueryCancelledError, QueryError, QueryTimeoutError } from '../../../src/core/errors.js'
import { UNLIMITED } from '../../../src/core/deadline.js'
import { statement } from '../../../src/core/statement.js'
import type { Loan } from '../../../src/pool/loan.js'
import { fakeResult, hang } from '../../../src/testing/fake-driver.js'
import { eventually, gate, rejection, request, rig, settled, turn, until, within } from './support.js'

describe('lending', () => {
  it('opens a connection for the first caller and lends it again to the next', async () => {
    const { server, pool } = rig()
    const first = await pool.acquire(request())
    const { connection } = first
    first.release()
    const second = pool.tryAcquire(request())
    expect(second?.connection).toBe(connection)
    expect(server.connectAttempts).toBe(1)
    expect(pool.stats()).toMatchObject({ openConnections: 1, inUse: 1, idle: 0, acquireCount: 2, waitCount: 1 })
  })

  it('lends the connection used last, so that the others can grow old', async () => {
    const { pool } = rig()
    const [a, b] = [await pool.acquire(request()), await pool.acquire(request())]
    a.release()
    b.release()
    expect(pool.tryAcquire(request())?.connection).toBe(b.connection)
  })

  it('never opens more than max, and serves those waiting in order of arrival', async () => {
    const { server, pool } = rig({ max: 2 })
    const order: number[] = []
    await Promise.all(Array.from({ length: 20 }, async (_, index) => {
      const loan = await pool.acquire(request())
      order.push(index)
      await turn()
      loan.release()
    }))
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index))
    expect(server.peakOpen).toBe(2)
  })

  it('does not let a newcomer pass those who wait', async () => {
    const { pool } = rig({ max: 1 })
    const held = await pool.acquire(request())
    const waiting = pool.acquire(request())
    held.release()
    expect(pool.tryAcquire(request())).toBeUndefined()
    expect((await waiting).connection).toBe(held.connection)
  })

  it('opens temporary connections beyond max and closes them when they return', async () => {
    const { server, pool } = rig({ max: 1, maxOverflow: 2 })
    const loans = await Promise.all([1, 2, 3].map(() => pool.acquire(request())))
    expect(server.open).toHaveLength(3)
    for (const loan of loans) loan.release()
    await eventually(() => { expect(server.open).toHaveLength(1) })
    expect(pool.stats()).toMatchObject({ idle: 1, openConnections: 1 })
  })

  it('keeps only maxIdle connections idle and counts the others', async () => {
    const { server, pool } = rig({ max: 3, maxIdle: 1 })
    const loans = await Promise.all([1, 2, 3].map(() => pool.acquire(request())))
    for (const loan of loans) loan.release()
    await eventually(() => { expect(server.open).toHaveLength(1) })
    expect(pool.stats()).toMatchObject({ idle: 1, maxIdleClosed: 2 })
  })

  it('serves 10,000 waiters in order without a timer or a listener left over', async () => {
    const { pool } = rig({ max: 2, acquireTimeoutMs: 60_000 })
    const { signal } = new AbortController()
    const warned = vi.fn()
    process.on('warning', warned)
    const add = vi.spyOn(signal, 'addEventListener')
    const order: number[] = []
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: 10_000 }, async (_, index) => {
      const loan = await pool.acquire(request({ limits: until(signal) }))
      order.push(index)
      loan.release()
    }))
    const took = performance.now() - startedAt
    await turn()
    process.off('warning', warned)
    expect(order).toEqual(Array.from({ length: 10_000 }, (_, index) => index))
    expect(add).toHaveBeenCalledTimes(1)
    expect(warned).not.toHaveBeenCalled()
    expect(pool.stats()).toMatchObject({ waiting: 0, waitCount: 10_000, inUse: 0 })
    expect(took).toBeLessThan(15_000)
  })
})

describe('waiting', () => {
  it('ends after acquireTimeoutMs with who holds what, longest first', async () => {
    const { pool } = rig({ max: 2, acquireTimeoutMs: 30 })
    const tx = await pool.acquire(request({ label: 'checkout', owner: {} }))
    await tx.query(statement('begin'), UNLIMITED)
    await tx.query(statement('UPDATE stock\n   SET n = n - $1 WHERE id = $2 AND warehouse = $3 AND n >= $1', [1, 'secret-value', 3]), UNLIMITED)
    const report = await pool.acquire(request({ label: 'GET /report', text: 'SELECT orders' }))
    const error = await rejection(pool.acquire(request()), PoolTimeoutError)
    const lines = error.message.split('\n')
    expect(lines[0]).toMatch(/^no connection from pool "primary" within \d+ ms$/)
    expect(lines[1]).toMatch(/^ {2}pool: 2\/2 in use, 0 idle, 0 connecting, 1 waiting \(oldest \d+\.\d s\)$/)
    expect(lines[2]).toMatch(/^ {2}held longest: +\d+\.\d s {2}tx {2}"checkout" {2}last: UPDATE stock SET n = n - \$1 .*… {2}idle in transaction \d+\.\d s/)
    expect(lines[3]).toMatch(/^ +\d+\.\d s {2}– {3}"GET \/report" {2}last: SELECT orders {2}idle/)
    expect(error.message).toContain('hint: 1 of 2 holders are idle in a transaction')
    expect(error.message).toContain('see docs/errors.md#sluice_pool_timeout')
    expect(error.message).not.toContain('secret-value')
    expect(error).toMatchObject({ code: 'SLUICE_POOL_TIMEOUT', neverSent: true, transient: true, node: 'primary' })
    expect(pool.stats().acquireTimeouts).toBe(1)
    report.release()
  })

  it('names the line of the borrower when stacks are captured', async () => {
    const { pool } = rig({ max: 1, acquireTimeoutMs: 20, leakDetectionMs: 60_000 })
    await pool.acquire(request())
    const error = await rejection(pool.acquire(request()), PoolTimeoutError)
    expect(error.message).toMatch(/ {2}test\/unit\/pool\/loans\.test\.ts:\d+\n/)
    await pool.close({ drainMs: 0 })
  })

  it('ends with the request\'s own deadline when that comes first, and says that nothing was sent', async () => {
    const { pool } = rig({ max: 1 })
    await pool.acquire(request())
    const error = await rejection(pool.acquire(request({ limits: within(20), text: 'select 1' })), QueryTimeoutError)
    expect(error).toMatchObject({ neverSent: true, connectionLost: false, sql: 'select 1' })
    expect(error.message).toContain('1/1 in use')
  })

  it('ends at once when the signal aborts, and the connection that arrives later is not lost', async () => {
    const { server, pool } = rig({ max: 1 })
    const opening = gate()
    server.connectGate = opening.promise
    const controller = new AbortController()
    const waiting = pool.acquire(request({ limits: until(controller.signal) }))
    await turn()
    controller.abort(new Error('client went away'))
    const error = await rejection(waiting, QueryCancelledError)
    expect(error.neverSent).toBe(true)
    expect((error.cause as Error).message).toBe('client went away')
    opening.open()
    await eventually(() => { expect(pool.stats()).toMatchObject({ idle: 1, inUse: 0, waiting: 0 }) })
    expect(pool.tryAcquire(request())).toBeDefined()
  })

  it('of 1,000 waiters on one signal all end at its abort, and the pool serves on', async () => {
    const { pool } = rig({ max: 1 })
    const held = await pool.acquire(request())
    const controller = new AbortController()
    const waiting = Array.from({ length: 1_000 }, () => pool.acquire(request({ limits: until(controller.signal) })))
    const patient = pool.acquire(request())
    controller.abort()
    const ends = await Promise.allSettled(waiting)
    expect(ends.every((end) => end.status === 'rejected' && end.reason instanceof QueryCancelledError)).toBe(true)
    held.release()
    expect((await patient).connection).toBe(held.connection)
  })

  it('is refused before it begins when the signal has aborted or the time is over', async () => {
    const { server, pool } = rig()
    await rejection(pool.acquire(request({ limits: until(AbortSignal.abort()) })), QueryCancelledError)
    await rejection(pool.acquire(request({ limits: within(-1) })), QueryTimeoutError)
    expect(server.connectAttempts).toBe(0)
  })

  it('is refused at once when maxWaiting callers wait', async () => {
    const { pool } = rig({ max: 1, maxWaiting: 2 })
    const held = await pool.acquire(request())
    const waiting = [pool.acquire(request()), pool.acquire(request())]
    const error = await rejection(pool.acquire(request()), PoolQueueFullError)
    expect(error.message).toContain('2 callers waiting')
    held.release()
    const next = await waiting[0]
    next?.release()
    await waiting[1]
  })
})

describe('waiting that could never end', () => {
  it('is refused at once when every connection belongs to a transaction that waits here itself', async () => {
    const { pool } = rig({ max: 2 })
    const [a, b] = [{}, {}]
    await pool.acquire(request({ owner: a, label: 'a' }))
    await pool.acquire(request({ owner: b, label: 'b' }))
    const first = pool.acquire(request({ owners: [a] }))
    expect(await settled(first)).toBe(false)
    const error = await rejection(pool.acquire(request({ owners: [b] })), PoolDeadlockError)
    expect(error.message).toContain('pass `tx`')
    expect(error.message).toContain('raise pool.max')
    expect(error.neverSent).toBe(true)
    first.catch(() => undefined)
    await pool.close({ drainMs: 0 })
  })

  it('is refused for a pool of one when its only holder asks again', async () => {
    const { pool } = rig({ max: 1 })
    const owner = {}
    await pool.acquire(request({ owner }))
    await rejection(pool.acquire(request({ owner })), PoolDeadlockError)
  })

  it('waits while one holder is a plain statement, which ends by itself', async () => {
    const { pool } = rig({ max: 2 })
    const owner = {}
    await pool.acquire(request({ owner }))
    const plain = await pool.acquire(request({ owners: [owner] }))
    const nested = pool.acquire(request({ owners: [owner] }))
    expect(await settled(nested)).toBe(false)
    plain.release()
    await nested
  })

  it('waits while another connection may still be opened', async () => {
    const { pool } = rig({ max: 1, maxOverflow: 1 })
    const owner = {}
    await pool.acquire(request({ owner }))
    await expect(pool.acquire(request({ owners: [owner] }))).resolves.toBeDefined()
  })

  it('forgets a transaction whose wait has ended', async () => {
    const { pool } = rig({ max: 2, acquireTimeoutMs: 20 })
    const [a, b] = [{}, {}]
    await pool.acquire(request({ owner: a }))
    await pool.acquire(request({ owner: b }))
    await rejection(pool.acquire(request({ owners: [a] })), PoolTimeoutError)
    await rejection(pool.acquire(request({ owners: [b] })), PoolTimeoutError)
  })
})

describe('giving back', () => {
  it('a second time changes nothing and is told as a warning', async () => {
    const { pool, warnings } = rig({ max: 2 })
    const loan = await pool.acquire(request({ label: 'twice' }))
    loan.release()
    const next = pool.tryAcquire(request())
    loan.release()
    loan.discard('again')
    expect(pool.stats()).toMatchObject({ inUse: 1, idle: 0, openConnections: 1 })
    expect(next?.connection.broken).toBe(false)
    expect(warnings.map((warning) => warning.code)).toEqual(['SLUICE_DOUBLE_RELEASE', 'SLUICE_DOUBLE_RELEASE'])
    expect(warnings[0]?.message).toContain('twice')
  })

  it('refuses statements on a loan given back, even when the connection is lent again', async () => {
    const { server, pool } = rig()
    const loan = await pool.acquire(request())
    loan.release()
    pool.tryAcquire(request())
    const error = await rejection(loan.query(statement('select 1'), UNLIMITED), QueryError)
    expect(error.neverSent).toBe(true)
    expect(error.message).toContain('given back')
    expect(server.received).toEqual([])
  })

  it.each([
    ['with a statement still running', async (loan: Loan) => { loan.query(statement('hang'), UNLIMITED).catch(() => undefined); await turn() }, 'still running'],
    ['inside a transaction', async (loan: Loan) => { await loan.query(statement('begin'), UNLIMITED) }, 'inside a transaction'],
  ])('%s throws the connection away and says so', async (_, misuse, words) => {
    const { server, pool, warnings } = rig()
    server.respond('hang', hang)
    const loan = await pool.acquire(request())
    await misuse(loan)
    loan.release()
    expect(loan.connection.broken).toBe(true)
    expect(warnings[0]).toMatchObject({ code: 'SLUICE_UNCLEAN_RELEASE' })
    expect(warnings[0]?.message).toContain(words)
    const next = await pool.acquire(request())
    expect(next.connection).not.toBe(loan.connection)
  })

  it('replaces a connection that broke while it was lent', async () => {
    const { server, pool } = rig({ max: 1 })
    const loan = await pool.acquire(request())
    server.crash()
    loan.release()
    const next = await pool.acquire(request())
    expect(next.connection.broken).toBe(false)
    expect(pool.stats().brokenClosed).toBe(1)
  })

  it('by discard destroys the connection and tells why', async () => {
    const { pool, connects } = rig()
    const loan = await pool.acquire(request())
    loan.discard('BEGIN failed')
    expect(loan.connection.broken).toBe(true)
    expect(connects.at(-1)).toMatchObject({ action: 'closed', reason: 'BEGIN failed' })
    expect(pool.stats()).toMatchObject({ openConnections: 0, inUse: 0 })
  })
})

describe('a loan held too long', () => {
  it('is told once, with label, last statement and the borrower\'s stack', async () => {
    const { pool, warnings } = rig({ leakDetectionMs: 10 })
    const loan = await pool.acquire(request({ label: 'GET /slow' }))
    await loan.query(statement('select pg_sleep($1)', [9]), UNLIMITED)
    await eventually(() => { expect(warnings).toHaveLength(1) })
    expect(warnings[0]).toMatchObject({ code: 'SLUICE_POOL_LEAK', node: 'primary' })
    expect(warnings[0]?.message).toContain('GET /slow')
    expect(warnings[0]?.message).toContain('select pg_sleep($1)')
    expect(warnings[0]?.error?.stack).toContain('loans.test.ts')
    expect(pool.holders()[0]?.stack).toContain('loans.test.ts')
    loan.release()
  })

  it('costs no stack and no timer while the detection is off', async () => {
    const { pool } = rig()
    await pool.acquire(request())
    expect(pool.holders()[0]?.stack).toBeUndefined()
  })
})

describe('closing', () => {
  it('refuses the waiting and the late, waits for loans, and leaves nothing open', async () => {
    const { server, pool, warnings } = rig({ max: 1 })
    const loan = await pool.acquire(request())
    const waiting = pool.acquire(request())
    const closing = pool.close({ drainMs: 5_000 })
    await rejection(waiting, PoolClosedError)
    await rejection(pool.acquire(request()), PoolClosedError)
    expect(await settled(closing)).toBe(false)
    await expect(loan.query(statement('select 1'), UNLIMITED)).resolves.toEqual(fakeResult([], 'SELECT'))
    loan.release()
    await closing
    expect(server.open).toEqual([])
    expect(warnings).toEqual([])
    await pool.close({ drainMs: 0 })
  })

  it('cuts off loans that do not come back, and names their holders', async () => {
    const { server, pool, warnings } = rig()
    server.respond('hang', hang)
    const loan = await pool.acquire(request({ label: 'nightly' }))
    const running = loan.query(statement('hang'), UNLIMITED)
    running.catch(() => undefined)
    await pool.close({ drainMs: 10 })
    expect(server.open).toEqual([])
    expect(warnings[0]).toMatchObject({ code: 'SLUICE_POOL_CUT_OFF' })
    expect(warnings[0]?.message).toContain('nightly')
    await expect(running).rejects.toMatchObject({ connectionLost: true })
    loan.release()
    expect(pool.stats()).toMatchObject({ openConnections: 0, inUse: 0 })
  })

  it('aborts connecting, and a connection that arrives after all is closed', async () => {
    const late = gate()
    const { server, pool } = rig({}, { connect: async () => { await late.promise; return server.connect() } })
    const waiting = pool.acquire(request())
    const closed = pool.close({ drainMs: 0 })
    await rejection(waiting, PoolClosedError)
    late.open()
    await closed
    expect(server.open).toEqual([])
  })
})
