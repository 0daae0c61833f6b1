import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it, vi } from 'vitest'
import { ConfigError, ConnectionError, PoolTimeoutError, QueryTimeoutError } from '../../../src/core/errors.js'
import { fakeError } from '../../../src/testing/fake-driver.js'
import { eventually, fake, gate, rejection, request, rig, settled, turn, within } from './support.js'

describe('connecting to a server that is away for now', () => {
  it('is tried one attempt at a time with growing pauses, never in a storm', async () => {
    const { server, pool } = rig({ max: 10, acquireTimeoutMs: 600 })
    server.connectError = fakeError('refused', 'connection refused')
    const ends = await Promise.allSettled(Array.from({ length: 50 }, () => pool.acquire(request())))
    expect(ends.every((end) => end.status === 'rejected')).toBe(true)
    expect(server.peakConnecting).toBe(10) // the first round, before anything was known
    expect(server.connectAttempts).toBeLessThan(45)
    const gated = gate()
    server.connectGate = gated.promise
    const before = server.connectAttempts
    const more = Array.from({ length: 50 }, () => pool.acquire(request({ limits: within(300) })))
    await eventually(() => { expect(server.connectAttempts).toBe(before + 1) })
    more.push(...Array.from({ length: 50 }, () => pool.acquire(request({ limits: within(300) }))))
    await turn()
    expect(pool.stats().connecting).toBe(1)
    expect(server.connectAttempts).toBe(before + 1)
    gated.open()
    await Promise.allSettled(more)
  })

  it('ends each wait at its own deadline with the reason, not with a bare pool timeout', async () => {
    const { server, pool } = rig({ acquireTimeoutMs: 60 })
    server.connectError = fakeError('starting', 'the database system is starting up')
    const error = await rejection(pool.acquire(request()), ConnectionError)
    expect(error).toMatchObject({ reason: 'starting', code: 'SLUICE_SERVER_STARTING', transient: true, neverSent: true, cause: server.connectError })
    expect(error.message).toContain('the database system is starting up')
    expect(error.message).toMatch(/within \d+ ms, \d+ failed attempts/)
  })

  it('tells a request whose own time ended first both things', async () => {
    const { server, pool } = rig()
    server.connectError = fakeError('refused', 'connection refused')
    const error = await rejection(pool.acquire(request({ limits: within(40) })), QueryTimeoutError)
    expect(error.neverSent).toBe(true)
    expect(error.cause).toBeInstanceOf(ConnectionError)
    expect(error.message).toContain('connection refused')
  })

  it('serves those waiting, in order, as soon as the server is back', async () => {
    const { server, pool } = rig({ max: 3 })
    server.connectError = fakeError('refused')
    const order: number[] = []
    const waiting = [0, 1, 2, 3, 4].map(async (index) => {
      const loan = await pool.acquire(request())
      order.push(index)
      await turn()
      loan.release()
    })
    await eventually(() => { expect(pool.stats().connectFailures).toBeGreaterThan(3) })
    server.connectError = undefined
    await Promise.all(waiting)
    expect(order).toEqual([0, 1, 2, 3, 4])
    expect(pool.stats().openConnections).toBeLessThanOrEqual(3)
  })

  it('tells a caller without any deadline the first failure instead of letting it wait for ever', async () => {
    const { server, pool } = rig({ acquireTimeoutMs: 0 })
    server.connectError = fakeError('refused')
    await rejection(pool.acquire(request()), ConnectionError)
  })

  it('says that the server has not answered when the first attempt is still silent', async () => {
    const { server, pool } = rig({ acquireTimeoutMs: 20 })
    server.connectGate = gate().promise
    const error = await rejection(pool.acquire(request()), ConnectionError)
    expect(error).toMatchObject({ reason: 'timeout', code: 'SLUICE_CONNECT_TIMEOUT' })
    await pool.close({ drainMs: 0 })
  })

  it('blames the pool, not the server, when all connections are merely lent', async () => {
    const { server, pool } = rig({ max: 1, acquireTimeoutMs: 20 })
    await pool.acquire(request())
    server.connectError = fakeError('refused')
    await rejection(pool.acquire(request()), PoolTimeoutError)
  })

  it('survives a driver that throws synchronously', async () => {
    const { pool } = rig({ acquireTimeoutMs: 30 }, { connect: () => { throw fakeError('refused', 'thrown, not rejected') } })
    const error = await rejection(pool.acquire(request()), ConnectionError)
    expect(error.message).toContain('thrown, not rejected')
    expect(pool.stats().connecting).toBe(0)
  })
})

describe('connecting to a server that refuses for good', () => {
  it('rejects every waiting caller at once', async () => {
    const { server, pool } = rig({ max: 2, acquireTimeoutMs: 60_000 })
    server.connectError = fakeError('authentication', 'password authentication failed')
    const ends = await Promise.all([1, 2, 3, 4, 5].map(() => rejection(pool.acquire(request()), ConnectionError)))
    expect(ends.every((error) => error.permanent && error.reason === 'authentication')).toBe(true)
  })

  it('asks again for a later caller, so that a mended password is noticed', async () => {
    const { server, pool } = rig({ acquireTimeoutMs: 60_000 })
    server.connectError = fakeError('authentication')
    await rejection(pool.acquire(request()), ConnectionError)
    server.connectError = undefined
    await expect(pool.acquire(request())).resolves.toBeDefined()
  })

  it('passes on that a package is missing', async () => {
    const missing = new ConfigError('postgres: needs the npm package \'pg\'')
    const { pool } = rig({}, { connect: () => Promise.reject(missing) })
    expect(await rejection(pool.acquire(request()), ConfigError)).toBe(missing)
  })
})

describe('a connection being opened', () => {
  it('does not run in the async context of the caller that caused it', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const { server, pool } = rig({ min: 1, acquireTimeoutMs: 60_000 }, {
      connect: () => {
        seen.push(storage.getStore())
        return server.connect()
      },
    })
    server.connectError = fakeError('refused')
    await storage.run('request 1', () => pool.acquire(request({ limits: within(200) })).catch(() => undefined))
    server.connectError = undefined
    const inside = await storage.run('request 2', async () => {
      const loan = await pool.acquire(request())
      return { loan, store: storage.getStore() }
    })
    expect(seen.length).toBeGreaterThan(1)
    expect(new Set(seen)).toEqual(new Set([undefined]))
    expect(inside.store).toBe('request 2')
    await pool.close({ drainMs: 0 })
  })

  it('serves whoever waits longest when it arrives, also if a released one came first', async () => {
    const { server, pool } = rig({ max: 2 })
    const first = await pool.acquire(request())
    const opening = gate()
    server.connectGate = opening.promise
    const second = pool.acquire(request())
    const third = pool.acquire(request())
    first.release()
    expect((await second).connection).toBe(first.connection)
    expect(await settled(third)).toBe(false)
    opening.open()
    expect((await third).connection).not.toBe(first.connection)
  })
})

describe('open', () => {
  it('opens min connections', async () => {
    const { server, pool } = rig({ min: 2, max: 4 })
    await pool.open()
    expect(server.open).toHaveLength(2)
    expect(pool.stats()).toMatchObject({ idle: 2, inUse: 0 })
    await pool.close({ drainMs: 0 })
  })

  it('opens nothing when min is 0', async () => {
    const { server, pool } = rig()
    await pool.open()
    expect(server.connectAttempts).toBe(0)
    await pool.close({ drainMs: 0 })
  })

  it('rejects at once when the server refuses for good, whatever the deadline', async () => {
    const { server, pool } = rig({ min: 1, acquireTimeoutMs: 60_000 })
    server.connectError = fakeError('unknown-database')
    const error = await rejection(pool.open(), ConnectionError)
    expect(error.permanent).toBe(true)
    await pool.close({ drainMs: 0 })
  })

  it('tries a server that is still starting until acquireTimeoutMs', async () => {
    const { server, pool } = rig({ min: 1, acquireTimeoutMs: 5_000 })
    server.connectError = fakeError('starting')
    const opening = pool.open()
    await eventually(() => { expect(server.connectAttempts).toBeGreaterThan(1) })
    server.connectError = undefined
    await opening
    await pool.close({ drainMs: 0 })
  })
})

describe('the ledger of slots', () => {
  it('keeps a slot until the connection is gone, so that the server never sees more than max', async () => {
    const { server, pool } = rig({ max: 1, maxUses: 1 })
    const goodbye = gate()
    server.closeGate = goodbye.promise
    const loan = await pool.acquire(request())
    const next = pool.acquire(request())
    loan.release()
    expect(await settled(next)).toBe(false)
    expect(server.open).toHaveLength(1)
    goodbye.open()
    expect((await next).connection).not.toBe(loan.connection)
    expect(server.peakOpen).toBe(1)
  })

  it('drops a connection whose farewell does not end', async () => {
    vi.useFakeTimers()
    try {
      const { server, pool } = rig({ max: 1, maxUses: 1, acquireTimeoutMs: 10_000 })
      server.closeGate = gate().promise
      const loan = await pool.acquire(request())
      loan.release()
      const next = pool.acquire(request())
      await vi.advanceTimersByTimeAsync(1_500)
      expect((await next).connection.id).toBe(2)
      expect(fake(loan.connection).ended).toBe('destroyed')
    } finally {
      vi.useRealTimers()
    }
  })
})
