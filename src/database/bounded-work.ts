import { asError, remainingMs, timerMs, type Limits } from '../core/deadline.js'
import { QueryCancelledError, QueryTimeoutError } from '../core/errors.js'

/** `work`, given up when the transaction's time is over: the callback may never return, the connection must. */
export async function bounded<T>(work: () => Promise<T> | T, limits: Limits, name: string | undefined): Promise<T> {
  if (limits.expiresAt === Infinity && !limits.signal) return work()
  let cleanUp = (): void => undefined
  const given = new Promise<never>((_, reject) => {
    const label = name === undefined ? 'the transaction' : `the transaction '${name}'`
    const onAbort = (): void => { reject(new QueryCancelledError(`${label} was aborted by its signal`, { cause: asError(limits.signal?.reason) })) }
    const timer = limits.expiresAt === Infinity ? undefined : setTimeout(() => {
      reject(new QueryTimeoutError(`${label} did not end within its timeoutMs and was rolled back`, {
        hint: 'raise timeoutMs, or keep slow work (HTTP calls, waiting) out of the transaction',
      }))
    }, timerMs(remainingMs(limits)))
    if (limits.signal?.aborted) onAbort()
    limits.signal?.addEventListener('abort', onAbort, { once: true })
    cleanUp = () => {
      clearTimeout(timer)
      limits.signal?.removeEventListener('abort', onAbort)
    }
  })
  try {
    // `work` is called inside a promise: should it throw at once, the race still hears of both
    return await Promise.race([(async () => work())(), given])
  } finally {
    cleanUp()
  }
}
