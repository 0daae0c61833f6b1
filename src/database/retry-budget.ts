const WINDOW_MS = 10_000
/** So many tries are always allowed in a window: a single server that dies under little traffic is no storm. */
const ALWAYS = 100

/**
 * Limits which share of the calls may be tries of calls that failed. When everything fails, trying it all again only multiplies
 * the load on what is left. As in Finagle's and Envoy's retry budgets. Counting costs a call one addition.
 */
export class RetryBudget {
  readonly #share: number
  readonly #now: () => number
  #calls = 0
  #retries = 0
  #windowEnds: number

  /** @param share - 0 to 1; 1 = unlimited */
  constructor(share: number, now: () => number = () => performance.now()) {
    this.#share = share
    this.#now = now
    this.#windowEnds = now() + WINDOW_MS
  }

  /** One more call was made. */
  count(): void { this.#calls++ }

  /** Whether one of them may be tried again. */
  take(): boolean {
    const now = this.#now()
    if (now >= this.#windowEnds) {
      this.#calls = this.#retries = 0
      this.#windowEnds = now + WINDOW_MS
    }
    if (this.#share < 1 && this.#retries >= Math.max(ALWAYS, this.#share * this.#calls)) return false
    this.#retries++
    return true
  }
}
