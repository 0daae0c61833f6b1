import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Role } from '../core/observer.js'

/** Percentiles of query durations in milliseconds, over the life of the `Database`. */
export interface LatencySummary {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

const MICROS = 1_000

/** Counts what was run. Kept as plain numbers and one histogram (about 50 ns per record). */
export class Statistics {
  primaryQueries = 0
  replicaQueries = 0
  errors = 0
  slowQueries = 0
  totalLatencyMs = 0
  readonly #histogram: RecordableHistogram = createHistogram()

  /** Counts one answered or failed statement. */
  record(role: Role | undefined, durationMs: number, failed: boolean, slowMs: number): void {
    if (role === 'replica') this.replicaQueries++
    else if (role === 'primary') this.primaryQueries++
    if (failed) this.errors++
    if (slowMs > 0 && durationMs >= slowMs) this.slowQueries++
    this.totalLatencyMs += durationMs
    this.#histogram.record(Math.max(1, Math.round(durationMs * MICROS)))
  }

  latency(): LatencySummary {
    const at = (percentile: number): number => this.#histogram.count === 0 ? 0 : this.#histogram.percentile(percentile) / MICROS
    return { p50: at(50), p95: at(95), p99: at(99) }
  }
}
