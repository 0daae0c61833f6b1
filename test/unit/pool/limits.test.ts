import { describe, expect, it, vi } from 'vitest'
import { UNLIMITED } from '../../../src/core/deadline.js'
import { ConnectionError, ConstraintError, QueryCancelledError, QueryError, QueryTimeoutError } from '../../../src/core/errors.js'
import { statement } from '../../../src/core/statement.js'
import { CANCEL_GRACE_MS } from '../../../src/pool/guarded.js'
import { fakeError, fakeResult, hang } from '../../../src/testing/fake-driver.js'
import { eventually, fake, gate, rejection, request, rig, settled, turn, until, within } from './support.js'

const SLOW = statement('select slow')

describe('a statement without limits', () => {
  it('returns the driver\'s own result, rows not copied', async () => {
    const { server, pool } = rig()
    const answer = fakeResult([{ one: 1 }])
    server.respond('select 1', () => answer)
    const loan = await pool.acquire(request())
    expect(await loan.query(statement('select 1'), UNLIMITED)).toBe(answer)
  })

  it('rejects with this library\'s error, the driver\'s as its cause, and the text without values', async () => {
    const { server, pool } = rig()
    const cause = fakeError('unique', 'duplicate key')
    server.respond('insert', () => { throw cause })
    const loan = await pool.acquire(request())
    const error = await rejection(loan.query(statement('insert', ['hush']), UNLIMITED), ConstraintError)
    expect(error).toMatchObject({ cause, sql: 'insert', node: 'primary', kind: 'unique' })
    loan.release()
    expect(pool.stats().idle).toBe(1)
  })

  it('is never sent on a connection already lost', async () => {
    const { server, pool } = rig()
    const loan = await pool.acquire(request())
    server.crash()
    const error = await rejection(loan.query(SLOW, UNLIMITED), ConnectionError)
    expect(error).toMatchObject({ reason: 'lost', neverSent: true, sql: SLOW.text })
    expect(server.received).toEqual([])
  })
})

describe('a statement that reaches its limit', () => {
  it('is cancelled on the server and ends as a timeout, the connection intact', async () => {
    const { server, pool } = rig({ max: 1 })
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request())
    const connection = fake(loan.connection)
    const error = await rejection(loan.query(SLOW, within(20)), QueryTimeoutError)
    expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT', connectionLost: false, neverSent: false, sql: SLOW.text })
    expect(error.message).toContain('cancelled on the server')
    expect(error.cause).toBeDefined()
    expect(connection.cancels).toBe(1)
    loan.release()
    const next = await pool.acquire(request())
    expect(next.connection).toBe(connection)
    expect(connection.pings).toBe(1)
  })

  it('ends as cancelled when the signal aborts', async () => {
    const { server, pool } = rig()
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request())
    const controller = new AbortController()
    const running = loan.query(SLOW, until(controller.signal))
    await turn()
    controller.abort()
    const error = await rejection(running, QueryCancelledError)
    expect(error.connectionLost).toBe(false)
    expect(fake(loan.connection).cancels).toBe(1)
  })

  it('returns a result that still arrives: the truth wins over the clock', async () => {
    const { server, pool } = rig({ max: 1 })
    const done = gate()
    server.cancelling = 'ignored'
    server.respond(SLOW.text, async () => { await done.promise; return fakeResult([{ done: true }]) })
    const loan = await pool.acquire(request())
    const running = loan.query(SLOW, within(10))
    await eventually(() => { expect(fake(loan.connection).cancels).toBe(1) })
    done.open()
    expect((await running).rows).toEqual([{ done: true }])
  })

  it('tells another error of the statement as it is', async () => {
    const { server, pool } = rig()
    const done = gate()
    server.cancelling = 'ignored'
    server.respond(SLOW.text, async () => { await done.promise; throw fakeError('unique') })
    const loan = await pool.acquire(request())
    const running = loan.query(SLOW, within(10))
    await eventually(() => { expect(fake(loan.connection).cancels).toBe(1) })
    done.open()
    await rejection(running, ConstraintError)
  })

  it.each(['ignored', 'fails', 'hangs'] as const)('loses its connection when the cancel %s and nothing settles in the grace', async (cancelling) => {
    const { server, pool } = rig({ max: 1 })
    server.cancelling = cancelling
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request())
    const startedAt = performance.now()
    const error = await rejection(loan.query(SLOW, within(20)), QueryTimeoutError)
    const took = performance.now() - startedAt
    expect(error).toMatchObject({ connectionLost: true, neverSent: false })
    expect(error.message).toContain('unknown')
    expect(took).toBeGreaterThanOrEqual(CANCEL_GRACE_MS)
    expect(took).toBeLessThan(CANCEL_GRACE_MS + 5_000)
    expect(loan.connection.broken).toBe(true)
    loan.release()
    expect(pool.stats()).toMatchObject({ openConnections: 0, inUse: 0 })
  })

  it('never leaves when its limit is reached before', async () => {
    const { server, pool } = rig()
    const loan = await pool.acquire(request())
    const aborted = await rejection(loan.query(SLOW, until(AbortSignal.abort())), QueryCancelledError)
    const expired = await rejection(loan.query(SLOW, within(-1)), QueryTimeoutError)
    expect([aborted.neverSent, expired.neverSent]).toEqual([true, true])
    expect(server.received).toEqual([])
    loan.release()
    expect(pool.stats().idle).toBe(1)
  })

  it('in time leaves no timer and no listener behind', async () => {
    vi.useFakeTimers()
    try {
      const { pool } = rig()
      const loan = await pool.acquire(request())
      const { signal } = new AbortController()
      const remove = vi.spyOn(signal, 'removeEventListener')
      const before = vi.getTimerCount()
      await loan.query(statement('select 1'), { expiresAt: performance.now() + 1_000, signal })
      expect(vi.getTimerCount()).toBe(before)
      expect(remove).toHaveBeenCalledTimes(1)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a connection on which a cancel was sent', () => {
  it('keeps its slot until a ping has come back, and is lent only then', async () => {
    const { server, pool } = rig({ max: 1 })
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request())
    await rejection(loan.query(SLOW, within(10)), QueryTimeoutError)
    server.pinging = 'hangs'
    loan.release()
    expect(pool.stats()).toMatchObject({ inUse: 0, idle: 0, checking: 1, openConnections: 1 })
    const next = pool.acquire(request())
    expect(await settled(next)).toBe(false)
    expect(server.peakOpen).toBe(1)
    await pool.close({ drainMs: 0 })
    await expect(next).rejects.toThrow()
  })

  it('is destroyed when the ping does not come back, and the waiting caller gets another', async () => {
    vi.useFakeTimers()
    try {
      const { server, pool } = rig({ max: 1, acquireTimeoutMs: 10_000 })
      server.respond(SLOW.text, hang)
      const loan = await pool.acquire(request())
      const timedOut = rejection(loan.query(SLOW, within(10)), QueryTimeoutError)
      await vi.advanceTimersByTimeAsync(10)
      await timedOut
      server.pinging = 'hangs'
      loan.release()
      const next = pool.acquire(request())
      await vi.advanceTimersByTimeAsync(1_500)
      expect((await next).connection).not.toBe(loan.connection)
      expect(fake(loan.connection).ended).toBe('destroyed')
    } finally {
      vi.useRealTimers()
    }
  })

  it('is destroyed when the statement ended otherwise: the cancel may still hit the next borrower', async () => {
    const { server, pool } = rig({ max: 1 })
    const done = gate()
    server.cancelling = 'late'
    server.respond(SLOW.text, async () => { await done.promise; return fakeResult() })
    server.respond('innocent', hang)
    const loan = await pool.acquire(request())
    const running = loan.query(SLOW, within(10))
    await eventually(() => { expect(fake(loan.connection).cancels).toBe(1) })
    done.open()
    await running
    loan.release()
    const next = await pool.acquire(request())
    expect(next.connection).not.toBe(loan.connection)
    const innocent = next.query(statement('innocent'), UNLIMITED)
    fake(loan.connection).hitLate()
    expect(await settled(innocent)).toBe(false)
    innocent.catch(() => undefined)
    next.discard('test over')
  })

  it('is destroyed when the cancel could not be delivered, though the statement ended', async () => {
    const { server, pool } = rig({ max: 1 })
    server.cancelling = 'fails'
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request())
    const running = loan.query(SLOW, within(10))
    await eventually(() => { expect(fake(loan.connection).cancels).toBe(1) })
    fake(loan.connection).hitLate()
    await rejection(running, QueryTimeoutError)
    loan.release()
    await eventually(() => { expect(loan.connection.broken).toBe(true) })
    expect(pool.stats().brokenClosed).toBe(1)
  })

  it('serves its transaction on, but only after the cancel is spent', async () => {
    const { server, pool } = rig()
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request({ owner: {} }))
    const connection = fake(loan.connection)
    await loan.query(statement('begin'), UNLIMITED)
    await rejection(loan.query(SLOW, within(10)), QueryTimeoutError)
    const pinged = vi.spyOn(connection, 'ping')
    await loan.query(statement('rollback'), UNLIMITED)
    expect(pinged).toHaveBeenCalledTimes(1)
    expect(server.received).toEqual(['begin', SLOW.text, 'rollback'])
    loan.release()
    expect(pool.stats().idle).toBe(1)
  })

  it('serves its transaction to the end and nobody after, when the statement ended otherwise', async () => {
    const { server, pool } = rig()
    const done = gate()
    server.cancelling = 'ignored'
    server.respond(SLOW.text, async () => { await done.promise; return fakeResult() })
    const loan = await pool.acquire(request({ owner: {} }))
    const running = loan.query(SLOW, within(10))
    await eventually(() => { expect(fake(loan.connection).cancels).toBe(1) })
    done.open()
    await running
    await loan.query(statement('commit'), UNLIMITED)
    loan.release()
    expect(fake(loan.connection).ended).toBe('destroyed')
    expect(pool.stats()).toMatchObject({ openConnections: 0, brokenClosed: 1 })
  })

  it('takes an error in answer to the ping for an answer: a failed transaction refuses every statement', async () => {
    const { server, pool } = rig()
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request({ owner: {} }))
    await rejection(loan.query(SLOW, within(10)), QueryTimeoutError)
    vi.spyOn(loan.connection, 'ping').mockRejectedValueOnce(fakeError('aborted-transaction'))
    await expect(loan.query(statement('rollback'), UNLIMITED)).resolves.toMatchObject({ command: 'ROLLBACK' })
  })

  it('that does not settle fails the transaction\'s next statement as never sent', async () => {
    const { server, pool } = rig()
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request({ owner: {} }))
    await rejection(loan.query(SLOW, within(10)), QueryTimeoutError)
    server.pinging = 'fails'
    const error = await rejection(loan.query(statement('commit'), UNLIMITED), ConnectionError)
    expect(error).toMatchObject({ reason: 'lost', neverSent: true })
    expect(server.received).toEqual([SLOW.text])
  })

  it('lets the next statement\'s own limit end its wait for the settling', async () => {
    const { server, pool } = rig()
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request({ owner: {} }))
    await rejection(loan.query(SLOW, within(10)), QueryTimeoutError)
    server.pinging = 'hangs'
    const error = await rejection(loan.query(statement('rollback'), within(20)), QueryTimeoutError)
    expect(error.neverSent).toBe(true)
    loan.discard('test over')
  })
})

describe('a stream', () => {
  const NUMBERS = statement('select n')
  const rows = Array.from({ length: 5 }, (_, n) => ({ n }))

  it('gives batches in order and leaves the connection usable', async () => {
    const { server, pool } = rig()
    server.respond(NUMBERS.text, () => fakeResult(rows))
    const loan = await pool.acquire(request())
    const seen: unknown[] = []
    for await (const batch of loan.stream(NUMBERS, UNLIMITED, 2)) seen.push(batch)
    expect(seen).toEqual([rows.slice(0, 2), rows.slice(2, 4), rows.slice(4)])
    loan.release()
    expect(pool.stats().idle).toBe(1)
  })

  it('left early closes the cursor', async () => {
    const { server, pool } = rig()
    server.respond(NUMBERS.text, () => fakeResult(rows))
    const loan = await pool.acquire(request())
    for await (const batch of loan.stream(NUMBERS, UNLIMITED, 2)) {
      expect(batch).toHaveLength(2)
      break
    }
    expect(loan.connection.inFlight).toBe(0)
    loan.release()
    expect(pool.stats().idle).toBe(1)
  })

  it('whose next batch does not come in time is cancelled on the server', async () => {
    const { server, pool } = rig()
    server.respond(NUMBERS.text, hang)
    const loan = await pool.acquire(request())
    const error = await rejection(loan.stream(NUMBERS, within(20), 2).next(), QueryTimeoutError)
    expect(error.connectionLost).toBe(false)
    expect(fake(loan.connection).cancels).toBe(1)
  })

  it('refuses the next batch when the signal aborted while the caller worked on the last one', async () => {
    const { server, pool } = rig()
    server.respond(NUMBERS.text, () => fakeResult(rows))
    const loan = await pool.acquire(request())
    const controller = new AbortController()
    const stream = loan.stream(NUMBERS, until(controller.signal), 2)
    await stream.next()
    controller.abort()
    await rejection(stream.next(), QueryCancelledError)
    expect(loan.connection.inFlight).toBe(0)
    loan.release()
    expect(pool.stats().idle).toBe(1)
  })

  it('is cut out of the whole result where the driver cannot stream', async () => {
    const { server, pool } = rig()
    server.respond(NUMBERS.text, () => fakeResult(rows))
    const loan = await pool.acquire(request())
    Object.defineProperty(loan.connection, 'stream', { value: undefined })
    const sizes: number[] = []
    for await (const batch of loan.stream(NUMBERS, UNLIMITED, 3)) sizes.push(batch.length)
    expect(sizes).toEqual([3, 2])
  })
})

describe('resetting a session', () => {
  it('waits until an earlier cancel is spent, and reports what cannot be reset', async () => {
    const { server, pool } = rig()
    server.respond(SLOW.text, hang)
    const loan = await pool.acquire(request())
    await rejection(loan.query(SLOW, within(10)), QueryTimeoutError)
    await loan.reset(UNLIMITED)
    expect(fake(loan.connection)).toMatchObject({ pings: 1, resets: 1 })
    Object.defineProperty(loan.connection, 'reset', { value: undefined })
    await rejection(loan.reset(UNLIMITED), QueryError)
  })
})
