const WINDOW_MS = 10_000

/**
 * Limits which share of all reads the primary may take over from missing replicas, so that losing them does not flatten
 * it. Counts over the current and the previous window of 10 s; a share of 1 always allows, 0 never.
 */
export class FallbackBudget {
  readonly #maxShare: number
  readonly #now: () => number
  #windowEnds: number
  #reads = 0
  #fallbacks = 0
  #lastReads = 0
  #lastFallbacks = 0

  constructor(maxShare: number, now: () => number = () => performance.now()) {
    this.#maxShare = maxShare
    this.#now = now
    this.#windowEnds = now() + WINDOW_MS
  }

  /** Counts one read that found its replica. */
  countRead(): void {
    if (this.#maxShare < 1) {
      this.#roll()
      this.#reads++
    }
  }

  /** Whether one more read may fall back; counts it either way. */
  take(): boolean {
    if (this.#maxShare >= 1) return true
    if (this.#maxShare <= 0) return false
    this.#roll()
    this.#reads++
    const allowed = this.#fallbacks + this.#lastFallbacks + 1 <= this.#maxShare * (this.#reads + this.#lastReads)
    if (allowed) this.#fallbacks++
    return allowed
  }

  #roll(): void {
    const now = this.#now()
    if (now < this.#windowEnds) return
    const adjacent = now - this.#windowEnds < WINDOW_MS
    this.#lastReads = adjacent ? this.#reads : 0
    this.#lastFallbacks = adjacent ? this.#fallbacks : 0
    this.#reads = 0
    this.#fallbacks = 0
    this.#windowEnds = now + WINDOW_MS
  }
}
