import { asError } from '../core/deadline.js'
import { Ticker } from '../core/ticker.js'
import type { Alert, AlertSettings } from '../config/resolved.js'
import type { DatabaseStats, NodeStats } from '../database/snapshot.js'

/** What alerts are judged by, and who is told. */
export interface AlertParts {
  readonly settings: AlertSettings
  readonly intervalMs: number
  readonly stats: () => DatabaseStats
  readonly primaryAvailable: () => boolean
  /** 0: lag is nobody's concern. */
  readonly maxLagMs: number
  /** Told of each alert that is raised. */
  readonly onRaised: (alert: Alert) => void
  /** The caller's callback threw. */
  readonly onFailure: (error: Error) => void
}

type Condition = Omit<Alert, 'state' | 'message'> & { readonly text: string }

/** An alert ends only when its value is this far below the threshold: one that wavers around it does not ring again and again. */
const RELIEF = 0.9
/** It is raised when so many checks in a row agree. */
const CHECKS = 2

/** Looks at intervals whether something crosses a threshold, from the counters alone; asks no server. */
export class AlertWatch {
  readonly #parts: AlertParts
  readonly #ticker: Ticker
  /** Checks in a row by alert. */
  readonly #seen = new Map<string, number>()
  readonly #raised = new Map<string, Alert>()
  #before = { queries: 0, totalLatencyMs: 0 }

  constructor(parts: AlertParts) {
    this.#parts = parts
    this.#ticker = new Ticker(() => { this.check() }, () => parts.intervalMs)
  }

  start(): void { this.#ticker.start() }

  async close(): Promise<void> { await this.#ticker.stop() }

  check(): void {
    for (const condition of this.#conditions()) {
      const key = `${condition.kind} ${condition.node ?? ''}`
      const raised = this.#raised.get(key)
      if (raised) {
        if (condition.value < condition.threshold * RELIEF) this.#clear(key, raised, condition.value)
        continue
      }
      const seen = condition.value >= condition.threshold ? (this.#seen.get(key) ?? 0) + 1 : 0
      this.#seen.set(key, seen)
      if (seen >= CHECKS) this.#raise(key, condition)
    }
  }

  #conditions(): Condition[] {
    const { settings: { queryLatencyMs }, maxLagMs, primaryAvailable } = this.#parts
    const stats = this.#parts.stats()
    const conditions = stats.nodes.map((node) => this.#saturation(node))
    conditions.push({ kind: 'no-primary', node: undefined, value: primaryAvailable() ? 0 : 1, threshold: 1, text: 'there is no primary: writes wait' })
    if (queryLatencyMs > 0) conditions.push(this.#latency(stats, queryLatencyMs))
    if (maxLagMs > 0) {
      for (const { name, role, lagMs } of stats.nodes) {
        if (role !== 'replica' || lagMs === undefined) continue
        conditions.push({ kind: 'replication-lag', node: name, value: lagMs, threshold: maxLagMs, text: `${name} is ${String(Math.round(lagMs))} ms behind` })
      }
    }
    return conditions
  }

  #saturation({ name, inUse, max, waiting }: NodeStats): Condition {
    const text = `${String(inUse)} of ${String(max)} connections to ${name} are in use, ${String(waiting)} callers wait`
    return { kind: 'connections', node: name, value: max === 0 ? 0 : inUse / max, threshold: this.#parts.settings.connectionThreshold, text }
  }

  /** The mean of what ended since the last check. */
  #latency({ primaryQueries, replicaQueries, errors, totalLatencyMs }: DatabaseStats, threshold: number): Condition {
    const queries = primaryQueries + replicaQueries + errors
    const ended = queries - this.#before.queries
    const value = ended === 0 ? 0 : (totalLatencyMs - this.#before.totalLatencyMs) / ended
    this.#before = { queries, totalLatencyMs }
    return { kind: 'query-latency', node: undefined, value, threshold, text: `statements take ${String(Math.round(value))} ms on average` }
  }

  #raise(key: string, { text, ...facts }: Condition): void {
    const alert: Alert = { ...facts, state: 'raised', message: text }
    this.#raised.set(key, alert)
    this.#parts.onRaised(alert)
    this.#tell(alert)
  }

  #clear(key: string, alert: Alert, value: number): void {
    this.#raised.delete(key)
    this.#seen.delete(key)
    this.#tell({ ...alert, state: 'cleared', value, message: `over: ${alert.message}` })
  }

  #tell(alert: Alert): void {
    try {
      this.#parts.settings.onAlert?.(alert)
    } catch (thrown) {
      this.#parts.onFailure(asError(thrown))
    }
  }
}
