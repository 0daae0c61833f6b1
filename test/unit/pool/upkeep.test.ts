import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UNLIMITED } from '../../../src/core/deadline.js'
import { ConnectionError } from '../../../src/core/errors.js'
import { statement } from '../../../src/core/statement.js'
import type { Pool } from '../../../src/pool/pool.js'
import { fakeError, hang } from '../../../src/testing/fake-driver.js'
import { fake, gate, rejection, request, rig } from './support.js'

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

async function leaveIdle(pool: Pool, count: number): Promise<void> {
  const loans = await Promise.all(Array.from({ length: count }, () => pool.acquire(request())))
  for (const loan of loans) loan.release()
}

describe('idle connections', () => {
  it('are closed after idleTimeoutMs, down to min', async () => {
    const { server, pool } = rig({ min: 1, max: 4, idleTimeoutMs: 10_000 })
    await leaveIdle(pool, 3)
    await vi.advanceTimersByTimeAsync(9_000)
    expect(server.open).toHaveLength(3)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(server.open).toHaveLength(1)
    expect(pool.stats()).toMatchObject({ idle: 1, maxIdleTimeClosed: 2 })
  })

  it('that died are noticed without being asked for, replaced up to min, and never lent', async () => {
    const { server, pool } = rig({ min: 2, max: 4 })
    await pool.open()
    server.crash()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(server.open).toHaveLength(2)
    expect(pool.tryAcquire(request())?.connection.broken).toBe(false)
    expect(pool.stats().brokenClosed).toBe(2)
  })

  it('are opened up to min also where fewer callers may wait', async () => {
    const { server, pool } = rig({ min: 4, max: 4, maxWaiting: 2 })
    await pool.open()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(server.open).toHaveLength(4)
  })

  it('that died this moment are passed over', async () => {
    const { server, pool } = rig({ max: 2 })
    await leaveIdle(pool, 2)
    server.crash()
    expect((await pool.acquire(request())).connection.broken).toBe(false)
  })

  it('come back to min after attempts to open them have failed', async () => {
    const { server, pool } = rig({ min: 2, max: 4 })
    await pool.open()
    server.connectError = fakeError('refused')
    server.crash()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(server.open).toHaveLength(0)
    server.connectError = undefined
    await vi.advanceTimersByTimeAsync(2_000)
    expect(server.open).toHaveLength(2)
  })

  it('count against max while they are being closed or opened', async () => {
    const { server, pool } = rig({ min: 2, max: 2, maxLifetimeMs: 5_000 })
    await pool.open()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(server.peakOpen).toBe(2)
    expect(server.open).toHaveLength(2)
  })
})

describe('a connection\'s life', () => {
  it('ends at maxLifetimeMs, whether idle or lent', async () => {
    const { server, pool } = rig({ max: 2, maxLifetimeMs: 10_000 })
    const lent = await pool.acquire(request())
    await leaveIdle(pool, 1)
    await vi.advanceTimersByTimeAsync(13_000)
    expect(server.open).toEqual([lent.connection])
    expect(lent.connection.broken).toBe(false)
    lent.release()
    await vi.advanceTimersByTimeAsync(1)
    expect(server.open).toEqual([])
    expect(pool.stats().maxLifetimeClosed).toBe(2)
  })

  it('is spread by the jitter, so that connections opened together do not end together', async () => {
    const { server, pool, connects } = rig({ max: 30, maxLifetimeMs: 20_000, maxLifetimeJitterMs: 10_000 })
    await leaveIdle(pool, 30)
    const openAfter: number[] = []
    for (const _ of [1, 2, 3, 4]) {
      await vi.advanceTimersByTimeAsync(8_000)
      openAfter.push(server.open.length)
    }
    expect(openAfter[0]).toBe(30)
    expect(openAfter[1]).toBeGreaterThan(0)
    expect(openAfter[1]).toBeLessThan(30)
    expect(openAfter[3]).toBe(0)
    expect(new Set(connects.filter((event) => event.action === 'closed').map((event) => event.reason))).toEqual(new Set(['lifetime']))
  })

  it('ends after maxUses loans', async () => {
    const { server, pool } = rig({ max: 1, maxUses: 3 })
    for (const expected of [1, 1, 1, 2]) {
      const loan = await pool.acquire(request())
      expect(loan.connection.id).toBe(expected)
      loan.release()
      await vi.advanceTimersByTimeAsync(1)
    }
    expect(pool.stats().maxUsesClosed).toBe(1)
    expect(server.connectAttempts).toBe(2)
  })
})

describe('validation', () => {
  const pings = (connection: unknown): number => fake(connection).pings

  it('idle: pings a connection idle for over a second, no other', async () => {
    const { pool } = rig({ validation: 'idle' })
    await leaveIdle(pool, 1)
    await vi.advanceTimersByTimeAsync(900)
    const fresh = pool.tryAcquire(request())
    expect(pings(fresh?.connection)).toBe(0)
    fresh?.release()
    await vi.advanceTimersByTimeAsync(1_100)
    expect(pool.tryAcquire(request())).toBeUndefined()
    expect(pings((await pool.acquire(request())).connection)).toBe(1)
  })

  it('always: pings before every loan but the first', async () => {
    const { pool } = rig({ max: 1, validation: 'always' })
    const first = await pool.acquire(request())
    const second = pool.acquire(request())
    first.release()
    expect(pings((await second).connection)).toBe(1)
  })

  it('never: does not ping', async () => {
    const { pool } = rig({ validation: 'never' })
    await leaveIdle(pool, 1)
    await vi.advanceTimersByTimeAsync(100_000)
    expect(pings((await pool.acquire(request())).connection)).toBe(0)
  })

  it('asks with validationQuery where one is set', async () => {
    const { server, pool } = rig({ validation: 'always', validationQuery: 'select 42' })
    await leaveIdle(pool, 1)
    await pool.acquire(request())
    expect(server.received).toEqual(['select 42'])
  })

  it('that fails costs the connection and nothing else: the caller gets another one', async () => {
    const { server, pool } = rig({ max: 1, validation: 'always' })
    await leaveIdle(pool, 1)
    server.pinging = 'fails'
    const loan = await pool.acquire(request())
    expect(loan.connection.id).toBe(2)
    expect(pool.stats()).toMatchObject({ openConnections: 1, inUse: 1, brokenClosed: 1 })
  })

  it('that hangs ends by its own deadline; the other idle connections are asked meanwhile, not one after another', async () => {
    const { server, pool } = rig({ max: 5, validation: 'idle', acquireTimeoutMs: 10_000 })
    await leaveIdle(pool, 5)
    await vi.advanceTimersByTimeAsync(2_000)
    server.pinging = 'hangs'
    const waiting = pool.acquire(request())
    await vi.advanceTimersByTimeAsync(2_500)
    expect((await waiting).connection.id).toBeGreaterThan(5)
    expect(pool.stats()).toMatchObject({ openConnections: 1, brokenClosed: 5 })
  })
})

describe('configure', () => {
  it('with more room serves the waiting at once', async () => {
    const { pool } = rig({ max: 1 })
    await pool.acquire(request())
    const waiting = pool.acquire(request())
    pool.configure({ max: 2 })
    await expect(waiting).resolves.toBeDefined()
    expect(pool.stats().max).toBe(2)
  })

  it('with less room closes idle connections now and lent ones as they return, also under a queue', async () => {
    const { server, pool } = rig({ max: 4 })
    const loans = await Promise.all([1, 2, 3].map(() => pool.acquire(request())))
    await leaveIdle(pool, 1)
    expect(server.open).toHaveLength(4)
    pool.configure({ max: 1 })
    await vi.advanceTimersByTimeAsync(1)
    expect(server.open).toHaveLength(3)
    const waiting = pool.acquire(request())
    loans[0]?.release()
    loans[1]?.release()
    await vi.advanceTimersByTimeAsync(1)
    expect(server.open).toHaveLength(1)
    loans[2]?.release()
    expect((await waiting).connection).toBe(loans[2]?.connection)
  })

  it('with a higher min opens the missing ones', async () => {
    const { server, pool } = rig({ max: 4 })
    pool.configure({ min: 3 })
    await vi.advanceTimersByTimeAsync(1)
    expect(server.open).toHaveLength(3)
  })
})

describe('reset', () => {
  it('replaces idle connections now and lent ones when they return, without failing a statement', async () => {
    const { server, pool } = rig({ max: 3 })
    const lent = await pool.acquire(request())
    await leaveIdle(pool, 2)
    await pool.reset()
    expect(server.open).toEqual([lent.connection])
    await expect(lent.query(statement('select 1'), UNLIMITED)).resolves.toBeDefined()
    const waiting = await Promise.all([pool.acquire(request()), pool.acquire(request())])
    const last = pool.acquire(request())
    lent.release()
    expect((await last).connection).not.toBe(lent.connection)
    expect(fake(lent.connection).ended).toBe('closed')
    for (const loan of waiting) loan.release()
    expect(pool.stats().idle).toBe(2)
  })

  it('does not lend a connection whose opening had begun before', async () => {
    const { server, pool } = rig({ max: 1 })
    const opening = gate()
    server.connectGate = opening.promise
    const waiting = pool.acquire(request())
    await vi.advanceTimersByTimeAsync(1)
    await pool.reset()
    opening.open()
    expect((await waiting).connection.id).toBe(2)
  })
})

describe('abandon', () => {
  it('frees everybody from a dead server, and serves later callers when it is back', async () => {
    const { server, pool } = rig({ max: 2 })
    server.respond('select slow', hang)
    const lent = await pool.acquire(request())
    await leaveIdle(pool, 1)
    const other = await pool.acquire(request())
    const running = rejection(lent.query(statement('select slow'), UNLIMITED), ConnectionError)
    const waiting = rejection(pool.acquire(request()), ConnectionError)
    const dead = new ConnectionError('lost', 'replica is down')
    pool.abandon(dead)
    expect(await waiting).toBe(dead)
    expect((await running).connectionLost).toBe(true)
    lent.release()
    other.release()
    expect(server.open).toEqual([])
    await expect(pool.acquire(request())).resolves.toBeDefined()
  })
})

describe('timers', () => {
  it('do not keep the process alive while nobody waits, and are gone after close', async () => {
    vi.useRealTimers()
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const { pool } = rig({ min: 1, idleTimeoutMs: 1_000, leakDetectionMs: 1_000 })
    await pool.open()
    const loan = await pool.acquire(request())
    expect(timers()).toBe(before)
    loan.release()
    await pool.close({ drainMs: 1_000 })
    vi.useFakeTimers()
    const other = rig({ min: 1, idleTimeoutMs: 1_000, leakDetectionMs: 1_000 })
    await other.pool.open()
    const held = await other.pool.acquire(request())
    held.release()
    await other.pool.close({ drainMs: 1_000 })
    expect(vi.getTimerCount()).toBe(0)
  })
})
