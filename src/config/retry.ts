import type { RetrySettings } from '../core/settings.js'
import { DEFAULTS } from './defaults.js'
import type { DatabaseOptions } from './options.js'
import { defined } from './shorthands.js'

/** One policy for everything, and what is said in particular, which outranks it. */
export function retrySettings(given: DatabaseOptions['retry']): RetrySettings {
  const { maxAttempts, timeoutMs: _timeoutMs, backoff, ...own } = given ?? {}
  const again = maxAttempts === undefined ? {} : { reads: maxAttempts - 1, transactions: maxAttempts - 1 }
  return { ...DEFAULTS.retry, ...again, ...defined(backoff), ...defined(own) }
}
