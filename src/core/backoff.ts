/** Bounds of a retry delay, in milliseconds. */
export interface BackoffOptions {
  readonly baseDelayMs: number
  readonly maxDelayMs: number
}

/**
 * Full-jitter exponential backoff: a uniform random delay in `[0, min(max, base * 2^attempt)]`.
 * Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt - 0 for the delay before the first retry
 */
export function backoffMs(attempt: number, options: BackoffOptions, random: () => number = Math.random): number {
  const ceiling = Math.min(options.maxDelayMs, options.baseDelayMs * 2 ** Math.min(attempt, 30))
  return random() * ceiling
}
