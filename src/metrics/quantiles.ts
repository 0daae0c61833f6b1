/** Buckets per doubling: neighbours are 19 % apart, so an answer is at most 9 % off. */
const PER_DOUBLING = 4
/** From one microsecond to 2.2 minutes; what is longer counts as that. */
const BUCKETS = 27 * PER_DOUBLING

/** Percentiles of durations in half a kilobyte. */
export class Quantiles {
  readonly #counts = new Uint32Array(BUCKETS)

  record(durationMs: number): void {
    const at = Math.min(BUCKETS - 1, Math.max(0, Math.floor(Math.log2(durationMs * 1_000) * PER_DOUBLING)))
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
  }

  /** Milliseconds, for each of these shares of everything recorded; 0 while nothing was. */
  at(...shares: readonly number[]): number[] {
    const total = this.#counts.reduce((sum, count) => sum + count, 0)
    return shares.map((share) => {
      let rest = share * total
      const bucket = total === 0 ? -1 : this.#counts.findIndex((count) => (rest -= count) <= 0)
      return bucket < 0 ? 0 : 2 ** ((bucket + 0.5) / PER_DOUBLING) / 1_000
    })
  }
}
