import { listen, unlisten } from '../core/abort.js'

/**
 * Waits `ms`, less when `signal` aborts; never rejects. However many wait on one signal, it has one listener for them:
 * a caller may share a signal among thousands of calls.
 *
 * @returns whether the time passed without an abort
 */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve(false)
      return
    }
    const listener = { onAbort: (): void => { end(false) } }
    const timer = setTimeout(() => { end(true) }, ms)
    const end = (passed: boolean): void => {
      clearTimeout(timer)
      if (signal) unlisten(signal, listener)
      resolve(passed)
    }
    if (signal) listen(signal, listener)
  })
}
