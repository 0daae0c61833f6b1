import { backoffMs } from '../core/backoff.js'
import { remainingMs } from '../core/deadline.js'
import {
  ConnectionError, DeadlockError, QueryCancelledError, QueryTimeoutError, SerializationError, SluiceError,
} from '../core/errors.js'
import type { QueryResult } from '../core/result.js'
import type { RetrySettings } from '../core/settings.js'
import type { Statement } from '../core/statement.js'
import { isUndoneWhole } from './atomic.js'
import type { Call, Execute } from './execute.js'
import { pause } from './pause.js'

/**
 * Runs a statement again when that is safe: a read whose connection was lost, anything that was never sent, and a
 * statement that the server itself undid (deadlock, serialization failure). Never a write whose fate is unknown.
 */
export function retried(next: Execute, settings: RetrySettings): Execute {
  return async function retry<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    for (;;) {
      try {
        return await next<Row>(statement, call)
      } catch (error) {
        if (call.attempt > settings.reads || !mayRepeat(error, call)) throw error
        const delay = backoffMs(call.attempt - 1, settings)
        if (delay >= remainingMs(call.limits)) throw error
        if (!await pause(delay, call.limits.signal)) throw error
        call.attempt++
      }
    }
  }
}

/** Whether running it once more can neither double a change nor outlive the caller's patience. */
export function mayRepeat(error: unknown, call: Call): boolean {
  if (!(error instanceof SluiceError) || call.limits.signal?.aborted) return false
  if (error instanceof DeadlockError || error instanceof SerializationError) return isUndoneWhole(call.classification)
  if (error instanceof QueryTimeoutError || error instanceof QueryCancelledError) return false
  if (error instanceof ConnectionError && error.permanent) return false
  if (call.classification.class === 'read') return error instanceof ConnectionError || error.connectionLost
  if (!(error instanceof ConnectionError)) return false
  return (error.neverSent && error.reason === 'lost') || (error.undone && isUndoneWhole(call.classification))
}
