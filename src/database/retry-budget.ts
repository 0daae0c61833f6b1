const WINDOW_MS = 10_000
/** So many tries are always allowed in a window: a single server that dies under little traffic is no storm. */
const ALWAYS = 100

/**
 * Limits how many calls may be tried again, as a share of the calls that were made: when everything fails, trying all of it
 * again and again only multiplies the load on what is left. Counts over the current and the previous window of 10 s. After
 * the retry budgets of Finagle and Envoy.
 */
export class RetryBudget {
  readonly #share: number
  #windowEnds = 0
  #calls = 0
  #retries = 0
  #lastCalls = 0
  #lastRetries = 0

  /** @param share - tries of failed calls for each call: 1 = as many as there are calls */
  constructor(share: number) { this.#share = share }

  /** One more call was made. */
  count(now: number): void {
    if (now >= this.#windowEnds) this.#roll(now)
    this.#calls++
  }

  /** Whether one of them may be tried again. */
  take(now: number): boolean {
    if (now >= this.#windowEnds) this.#roll(now)
    const allowed = Math.max(ALWAYS, this.#share * (this.#calls + this.#lastCalls))
    if (this.#retries + this.#lastRetries >= allowed) return false
    this.#retries++
    return true
  }

  #roll(now: number): void {
    const adjacent = now - this.#windowEnds < WINDOW_MS
    this.#lastCalls = adjacent ? this.#calls : 0
    this.#lastRetries = adjacent ? this.#retries : 0
    this.#calls = this.#retries = 0
    this.#windowEnds = now + WINDOW_MS
  }
}
