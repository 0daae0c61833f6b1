import { backoffMs } from '../core/backoff.js'
import { remainingMs, withinMs } from '../core/deadline.js'
import {
  ConnectionError, DeadlockError, PoolTimeoutError, QueryCancelledError, QueryTimeoutError, SerializationError, SluiceError,
} from '../core/errors.js'
import type { QueryResult } from '../core/result.js'
import type { RetrySettings } from '../core/settings.js'
import type { Statement } from '../core/statement.js'
import { isUndoneWhole } from './atomic.js'
import type { Call, Execute } from './execute.js'
import { pause } from './pause.js'
import { RetryBudget } from './retry-budget.js'
import { retryPlan } from './retry-plan.js'

/**
 * Runs a statement again when that is safe: a read whose connection was lost or that took too long for one try, anything
 * that was never sent, and a statement that the server itself undid (deadlock, serialization failure). Never a write whose
 * fate is unknown.
 */
export function retried(next: Execute, settings: RetrySettings): Execute {
  const budget = new RetryBudget(settings.budget)
  const usual = retryPlan(settings, 'reads', undefined)
  return async function retry<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    const policy = call.options.retry
    const { attempts, perTryMs, pace } = policy ? retryPlan(settings, 'reads', policy) : usual
    const cut = perTryMs > 0 && call.classification.class === 'read'
    budget.count(call.startedAt)
    for (;;) {
      try {
        return await next<Row>(statement, cut ? { ...call, limits: withinMs(call.limits, perTryMs) } : call)
      } catch (error) {
        if (call.attempt >= attempts || !(mayRepeat(error, call) || (cut && isTryOver(error, call)))) throw error
        const delay = backoffMs(call.attempt - 1, pace)
        if (delay >= remainingMs(call.limits) || !budget.take(performance.now())) throw error
        if (!await pause(delay, call.limits.signal)) throw error
        avoid(call, error)
        call.attempt++
      }
    }
  }
}

/** The time of one try is over, and that of the call is not. */
function isTryOver(error: unknown, { limits }: Call): boolean {
  return (error instanceof QueryTimeoutError || error instanceof PoolTimeoutError) && remainingMs(limits) > 0 && limits.signal?.aborted !== true
}

function avoid(call: Call, error: unknown): void {
  if (!(error instanceof SluiceError) || error.node === undefined || call.classification.class !== 'read') return
  call.avoid = [...call.avoid ?? [], error.node]
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
