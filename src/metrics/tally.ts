import { METRICS, type MetricDefinition, type MetricName } from './catalog.js'

/** One line of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** Histograms: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string
}

/** Beyond so many combinations of label values per metric everything counts as {@link OTHER}. */
const MAX_SERIES = 1_000
const OTHER = 'other'

interface Series {
  readonly values: readonly string[]
  value: number
  /** Histograms: observations per bucket, the last one without a bound. */
  readonly counts: Float64Array | undefined
}

/**
 * Counts of one metric by its labels. prom-client's own counters would do, at ten times the cost per statement, and would
 * load prom-client with every database, read or not.
 */
export class Tally {
  readonly #definition: MetricDefinition
  readonly #series = new Map<string, Series>()

  constructor(name: MetricName) { this.#definition = METRICS[name] }

  /** Counts up; of a gauge: sets. Values in the order of the definition's labels. */
  add(amount: number, ...values: readonly string[]): void {
    const series = this.#at(values)
    if (this.#definition.type === 'gauge') series.value = amount
    else series.value += amount
  }

  /** One observation of a histogram. */
  observe(durationMs: number, ...values: readonly string[]): void {
    const seconds = durationMs / 1_000
    const series = this.#at(values)
    const { buckets = [] } = this.#definition
    let at = 0
    while (at < buckets.length && seconds > (buckets[at] ?? Infinity)) at++
    series.value += seconds
    if (series.counts) series.counts[at] = (series.counts[at] ?? 0) + 1
  }

  samples(): Sample[] {
    const samples: Sample[] = []
    for (const series of this.#series.values()) {
      const labels = Object.fromEntries(this.#definition.labels.map((label, index) => [label, series.values[index] ?? '']))
      if (series.counts) samples.push(...this.#distribution(series.counts, series.value, labels))
      else samples.push({ labels, value: series.value })
    }
    return samples
  }

  #at(values: readonly string[]): Series {
    const key = values.length === 1 ? values[0] ?? '' : values.join('\n')
    return this.#series.get(key) ?? this.#begin(key, values)
  }

  #begin(key: string, values: readonly string[]): Series {
    const { labels, buckets } = this.#definition
    if (this.#series.size >= MAX_SERIES && values[0] !== OTHER) return this.#at(labels.map(() => OTHER))
    const series: Series = { values, value: 0, counts: buckets && new Float64Array(buckets.length + 1) }
    this.#series.set(key, series)
    return series
  }

  #distribution(counts: Float64Array, sum: number, labels: Sample['labels']): Sample[] {
    const { buckets = [] } = this.#definition
    let count = 0
    const upTo = Array.from(counts, (observed, index): Sample => {
      count += observed
      const bound = buckets[index]
      return { labels: { le: bound === undefined ? '+Inf' : String(bound), ...labels }, value: count, suffix: '_bucket' }
    })
    return [...upTo, { labels, value: sum, suffix: '_sum' }, { labels, value: count, suffix: '_count' }]
  }
}
