import { asError, remainingMs, timerMs, type Limits } from './deadline.js'

/**
 * `work`, or a rejection when the limits end first: with the signal's reason, or with an `ETIMEDOUT` error that says
 * what took too long. Ending the work is the caller's duty; its late rejection is consumed.
 */
export async function limited<T>(work: Promise<T>, limits: Limits, doing: () => string): Promise<T> {
  const { signal } = limits
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const ended = new Promise<never>((_, reject) => {
    const leftMs = remainingMs(limits)
    if (leftMs !== Infinity) timer = setTimeout(() => { reject(timedOut(doing())) }, timerMs(leftMs))
    onAbort = () => { reject(asError(signal?.reason)) }
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, ended])
  } finally {
    clearTimeout(timer)
    if (onAbort) signal?.removeEventListener('abort', onAbort)
  }
}

function timedOut(doing: string): Error {
  return Object.assign(new Error(`${doing} took longer than connectTimeoutMs allows`), { code: 'ETIMEDOUT', syscall: 'connect' })
}
