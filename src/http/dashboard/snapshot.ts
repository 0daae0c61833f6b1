import type { Database } from '../../facade/database.js'

/** One node on the status page. */
interface ShownNode {
  readonly name: string
  readonly role: string
  readonly state: string
  readonly lagging: boolean
  readonly lagMs: number | undefined
  readonly lagBytes: number | undefined
  readonly inUse: number
  readonly idle: number
  readonly max: number
  readonly waiting: number
  readonly queries: number
  readonly responseMs: number
  readonly lastError: string | undefined
}

/** What the status page shows, taken at one moment; asks no server. Counters are since the database was opened. */
export interface StatusSnapshot {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly engine: string
  readonly healthy: boolean
  readonly nodes: readonly ShownNode[]
  readonly totals: {
    readonly primaryQueries: number
    readonly replicaQueries: number
    readonly errors: number
    readonly slowQueries: number
  }
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number }
  /** More names and values, as text. */
  readonly facts: readonly (readonly [name: string, value: string])[]
}

/** Reads the database's own counters. */
export function statusSnapshot(db: Database): StatusSnapshot {
  const { nodes, primaryQueries, replicaQueries, errors, slowQueries, latency } = db.stats()
  const health = new Map(db.health.status().nodes.map((node) => [node.name, node]))
  const open = nodes.reduce((sum, node) => sum + node.openConnections, 0)
  return {
    at: Date.now(), engine: db.engine, healthy: db.health.isHealthy(), latency,
    totals: { primaryQueries, replicaQueries, errors, slowQueries },
    nodes: nodes.map(({ name, role, state, lagMs, lagBytes, inUse, idle, max, waiting, queries, responseMs }) => ({
      name, role, state, lagging: health.get(name)?.lagging ?? false, lagMs, lagBytes, inUse, idle, max, waiting, queries, responseMs,
      lastError: health.get(name)?.lastError,
    })),
    facts: [['Open connections', String(open)]],
  }
}
