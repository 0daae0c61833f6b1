import type { BackoffOptions } from '../core/backoff.js'
import type { RetryPolicy } from '../core/queryable.js'
import type { RetrySettings } from '../core/settings.js'

/** How one piece of work is tried. */
export interface RetryPlan {
  /** Tries at most, the first included. */
  readonly attempts: number
  /** Milliseconds for each try; 0 = only the limit of all of them. */
  readonly perTryMs: number
  readonly pace: BackoffOptions
}

/**
 * The database's settings, with what a call wants otherwise.
 *
 * @param again - of the settings, how often this kind of work is tried again
 */
export function retryPlan(settings: RetrySettings, again: 'reads' | 'transactions', policy: RetryPolicy | undefined): RetryPlan {
  const { baseDelayMs = settings.baseDelayMs, maxDelayMs = settings.maxDelayMs } = policy?.backoff ?? {}
  return {
    attempts: policy?.maxAttempts ?? settings[again] + 1,
    perTryMs: policy?.perTryTimeoutMs ?? settings.perTryTimeoutMs,
    pace: { baseDelayMs: Math.min(baseDelayMs, maxDelayMs), maxDelayMs },
  }
}
