import { createRequire } from 'node:module'
import type * as PromClient from 'prom-client'
import { METRICS, type MetricName, type MetricType } from './catalog.js'
import { currentSamples, type CurrentParts } from './current.js'
import type { Recorder } from './recorder.js'
import type { Sample } from './tally.js'

/** A registry of the npm package `prom-client`. */
export type MetricsRegistry = PromClient.Registry

/** What a registry asks of a metric. */
interface Exposed {
  name: string
  readonly help: string
  readonly type: MetricType
  readonly labelNames: readonly string[]
  readonly aggregator: 'sum'
  get(): Promise<object>
  reset(): void
}

/** A metric that several databases of one process fill, each under its own `database` label. */
class SharedMetric implements Exposed {
  name: string
  readonly help: string
  readonly type: MetricType
  readonly labelNames: readonly string[]
  readonly aggregator = 'sum'
  readonly sources = new Map<string, Source>()
  readonly #key: MetricName

  constructor(name: MetricName) {
    const { help, type, labels } = METRICS[name]
    this.#key = name
    this.name = name
    this.help = help
    this.type = type
    this.labelNames = ['database', ...labels]
  }

  get(): Promise<object> {
    const values = [...this.sources].flatMap(([database, source]) => source.samples(this.#key)
      .map(({ labels, value, suffix }) => ({ labels: { database, ...labels }, value, ...suffix === undefined ? {} : { metricName: this.#key + suffix } })))
    const { name, help, type, aggregator } = this
    return Promise.resolve({ name, help, type, aggregator, values })
  }

  /** Counters are the database's own: they begin with it, not with a reset of the registry. */
  reset(): void { return undefined }
}

/** Where the samples of one database come from. */
interface Source {
  samples(name: MetricName): readonly Sample[]
}

/**
 * The metrics of one database in a prom-client registry: the caller's, where several databases share its metrics, or one
 * of its own, made when it is first asked for.
 */
export class Exposition implements Source {
  readonly #recorder: Recorder | undefined
  readonly #parts: CurrentParts
  readonly #database: string
  #registry: MetricsRegistry | undefined
  #label: string | undefined
  #current: Partial<Record<MetricName, readonly Sample[]>> | undefined

  /**
   * @param recorder - undefined: metrics are off, and the registry stays empty
   * @param database - value of the label `database`
   * @param registry - the caller's registry: metrics are there at once
   */
  constructor(recorder: Recorder | undefined, parts: CurrentParts, database: string, registry: object | undefined) {
    this.#recorder = recorder
    this.#parts = parts
    this.#database = database
    if (registry && recorder) this.#attach(registry as MetricsRegistry)
  }

  get registry(): MetricsRegistry {
    if (this.#registry) return this.#registry
    const { Registry } = createRequire(import.meta.url)('prom-client') as typeof PromClient
    const registry = new Registry()
    if (this.#recorder) this.#attach(registry)
    return this.#registry = registry
  }

  samples(name: MetricName): readonly Sample[] {
    if (this.#current === undefined) {
      // a registry asks all its metrics in one go: they are of one moment, and read once
      queueMicrotask(() => { this.#current = undefined })
      this.#current = currentSamples(this.#parts)
    }
    return this.#current[name] ?? this.#recorder?.samples(name) ?? []
  }

  /** Leaves a shared registry to the others. */
  close(): void {
    const registry = this.#registry
    if (!registry || this.#label === undefined) return
    for (const name of names()) {
      const metric = sharedMetric(registry, name)
      metric?.sources.delete(this.#label)
      if (metric?.sources.size === 0) registry.removeSingleMetric(name)
    }
    this.#label = undefined
  }

  #attach(registry: MetricsRegistry): void {
    this.#registry = registry
    const taken = sharedMetric(registry, 'sluice_info')?.sources
    let label = this.#database
    for (let number = 2; taken?.has(label); number++) label = `${this.#database}#${String(number)}`
    this.#label = label
    for (const name of names()) {
      let metric = sharedMetric(registry, name)
      if (!metric) registry.registerMetric((metric = new SharedMetric(name)) as unknown as PromClient.Metric)
      metric.sources.set(label, this)
    }
  }
}

function names(): MetricName[] { return Object.keys(METRICS) as MetricName[] }

function sharedMetric(registry: MetricsRegistry, name: MetricName): SharedMetric | undefined {
  const metric: unknown = registry.getSingleMetric(name)
  return metric instanceof SharedMetric ? metric : undefined
}
