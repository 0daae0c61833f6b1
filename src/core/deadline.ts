/**
 * The limits of one call: a point in time and the caller's signal, together. Passed down, never reset, so that waiting
 * in a queue and running on the server share one budget.
 */
export interface Limits {
  /** `performance.now()` value after which the work is pointless; `Infinity` = no limit. */
  readonly expiresAt: number
  readonly signal: AbortSignal | undefined
}

/** No limit at all. */
export const UNLIMITED: Limits = Object.freeze({ expiresAt: Infinity, signal: undefined })

/** Limits that end `timeoutMs` from now; 0, undefined and Infinity mean no time limit. */
export function limitsFrom(timeoutMs: number | undefined, signal?: AbortSignal): Limits {
  if (!timeoutMs || timeoutMs === Infinity) return signal ? { expiresAt: Infinity, signal } : UNLIMITED
  return { expiresAt: performance.now() + timeoutMs, signal }
}

/** The tighter of two limits in time; the signal of `limits` is kept. */
export function withinMs(limits: Limits, timeoutMs: number): Limits {
  const expiresAt = performance.now() + timeoutMs
  return expiresAt < limits.expiresAt ? { expiresAt, signal: limits.signal } : limits
}

/** Milliseconds left, never negative; `Infinity` without a limit. */
export function remainingMs(limits: Limits): number {
  return limits.expiresAt === Infinity ? Infinity : Math.max(0, limits.expiresAt - performance.now())
}

/** `setTimeout` takes no more: 24.8 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** `ms` as `setTimeout` takes it: whole, and never so long that the timer would fire at once. */
export function timerMs(ms: number): number {
  return Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(ms)))
}

/**
 * Waits `ms`, less when `signal` aborts (then rejects with its reason). The timer does not keep the process alive
 * unless `keepAlive` is set.
 */
export function sleep(ms: number, signal?: AbortSignal, keepAlive = true): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return void reject(asError(signal.reason))
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, timerMs(ms))
    if (!keepAlive) timer.unref()
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(asError(signal?.reason))
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Anything thrown, as an `Error`. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

/**
 * `promise`, or a rejection with `onTimeout()` after `ms`. The loser's later rejection is consumed; it is the caller's
 * duty to end the work itself.
 */
export async function withTimeout<T>(promise: Promise<T>, ms: number, onTimeout: () => Error): Promise<T> {
  if (ms === Infinity) return promise
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => { reject(onTimeout()) }, timerMs(ms))
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
