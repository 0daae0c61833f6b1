import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { asError, limitsFrom, remainingMs, sleep, UNLIMITED, withinMs, withTimeout } from '../../../src/core/deadline.js'

/** Sleeps of this length are always cut short. */
const FOREVER_MS = 60_000

describe('limits', () => {
  it('without a timeout and a signal are the shared unlimited object', () => {
    expect(limitsFrom(undefined)).toBe(UNLIMITED)
    expect(limitsFrom(0)).toBe(UNLIMITED)
    expect(limitsFrom(Infinity)).toBe(UNLIMITED)
    expect(remainingMs(UNLIMITED)).toBe(Infinity)
  })

  it('keep the signal when there is no time limit', () => {
    const { signal } = new AbortController()
    expect(limitsFrom(0, signal)).toEqual({ expiresAt: Infinity, signal })
  })

  it('end the given time from now', () => {
    const before = performance.now()
    const limits = limitsFrom(1000)
    expect(limits.expiresAt).toBeGreaterThanOrEqual(before + 1000)
    expect(limits.expiresAt).toBeLessThanOrEqual(performance.now() + 1000)
    expect(remainingMs(limits)).toBeGreaterThan(900)
  })

  it('have nothing left after their end, never a negative rest', () => {
    expect(remainingMs({ expiresAt: performance.now() - 50, signal: undefined })).toBe(0)
  })

  it('can be tightened but never loosened', () => {
    const { signal } = new AbortController()
    const limits = limitsFrom(1000, signal)
    expect(withinMs(limits, 5000)).toBe(limits)
    const tighter = withinMs(limits, 10)
    expect(tighter.expiresAt).toBeLessThan(limits.expiresAt)
    expect(tighter.signal).toBe(signal)
    expect(remainingMs(withinMs(UNLIMITED, 10))).toBeLessThanOrEqual(10)
  })
})

describe('sleep', () => {
  it('resolves after the time and leaves no listener on the signal', async () => {
    const { signal } = new AbortController()
    const startedAt = performance.now()
    await sleep(15, signal)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(13)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('rejects at once with the reason of a signal that has already fired', async () => {
    const reason = new Error('gone')
    await expect(sleep(FOREVER_MS, AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  it('is cut short by the signal, with its reason', async () => {
    const controller = new AbortController()
    const reason = new Error('the caller left')
    const sleeping = sleep(FOREVER_MS, controller.signal)
    controller.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  it('turns an abort reason that is no error into one', async () => {
    await expect(sleep(FOREVER_MS, AbortSignal.abort('stop'))).rejects.toThrow('stop')
  })

  it('keeps the process alive only when asked to', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const controller = new AbortController()
    const unreferenced = sleep(FOREVER_MS, controller.signal, false)
    expect(timers()).toBe(before)
    const referenced = sleep(FOREVER_MS, controller.signal)
    expect(timers()).toBe(before + 1)
    controller.abort()
    await Promise.allSettled([unreferenced, referenced])
    expect(timers()).toBe(before)
  })
})

describe('withTimeout', () => {
  const late = (): Error => new Error('too late')

  it('gives the value of a promise that is fast enough', async () => {
    await expect(withTimeout(Promise.resolve(7), 1000, late)).resolves.toBe(7)
  })

  it('passes on the rejection of a promise that is fast enough', async () => {
    await expect(withTimeout(Promise.reject(new Error('mine')), 1000, late)).rejects.toThrow('mine')
  })

  it('rejects with the error made for the timeout', async () => {
    await expect(withTimeout(new Promise<never>(() => {}), 5, late)).rejects.toThrow('too late')
  })

  it('does not turn a time beyond the range of timers into an immediate timeout', async () => {
    await expect(withTimeout(sleep(5).then(() => 'done'), 2 ** 40, late)).resolves.toBe('done')
  })

  it('sets no timer when there is no limit, and clears it otherwise', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const endless = withTimeout(new Promise<never>(() => {}), Infinity, late)
    expect(timers()).toBe(before)
    await withTimeout(Promise.resolve(), 60_000, late)
    expect(timers()).toBe(before)
    void endless
  })

  it('consumes the later rejection of the loser', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => { unhandled.push(reason) }
    process.on('unhandledRejection', note)
    try {
      await expect(withTimeout(sleep(15).then(() => { throw new Error('afterwards') }), 3, late)).rejects.toThrow('too late')
      await sleep(30)
    } finally {
      process.off('unhandledRejection', note)
    }
    expect(unhandled).toEqual([])
  })
})

describe('asError', () => {
  it('keeps an error as it is and wraps everything else', () => {
    const error = new TypeError('x')
    expect(asError(error)).toBe(error)
    expect(asError('text')).toMatchObject({ message: 'text' })
    expect(asError(undefined)).toBeInstanceOf(Error)
  })
})
