import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** Rates of one window of time. */
export interface Rates {
  readonly perSecond: number
  /** Percentiles in milliseconds; undefined when nothing was answered. */
  readonly p50: number | undefined
  readonly p99: number | undefined
}

const MICROS = 1_000

/** Answers of one server in the current window, and the rates of the last full one. */
export class Meter {
  readonly #histogram: RecordableHistogram = createHistogram()
  #last: Rates = { perSecond: 0, p50: undefined, p99: undefined }

  get rates(): Rates { return this.#last }

  record(durationMs: number): void {
    this.#histogram.record(Math.max(1, Math.round(durationMs * MICROS)))
  }

  /** Ends the window. */
  roll(windowMs: number): void {
    const histogram = this.#histogram
    const at = (percentile: number): number | undefined =>
      histogram.count === 0 ? undefined : histogram.percentile(percentile) / MICROS
    this.#last = { perSecond: histogram.count * 1_000 / windowMs, p50: at(50), p99: at(99) }
    histogram.reset()
  }
}
