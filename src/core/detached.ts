import { AsyncResource } from 'node:async_hooks'

const root = new AsyncResource('Sluice', { requireManualDestroy: true })

/**
 * Runs `work` in the async context of the moment this module was loaded: for timers and sockets that outlive the caller
 * who happens to cause them, and must not hold that caller's AsyncLocalStorage for life.
 */
export function detached<T>(work: () => T): T {
  return root.runInAsyncScope(work)
}
