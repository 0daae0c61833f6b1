import type { Role } from '../core/observer.js'
import type { PoolStats } from '../pool/stats.js'
import type { Node } from '../router/node.js'
import type { Fleet } from './fleet.js'
import type { Statistics, LatencySummary } from './statistics.js'

/** One node in {@link DatabaseStats}. */
export interface NodeStats extends PoolStats {
  readonly name: string
  readonly role: Role
  readonly state: string
  /** Not known to be down. */
  readonly healthy: boolean
  readonly lagMs: number | undefined
  readonly lagBytes: number | undefined
  /** Statements answered by it. */
  readonly queries: number
  readonly inFlight: number
  readonly responseMs: number
  /** Connections shared by quick reads; one that rests counts as idle. */
  readonly lanes: number
  /** Statements that left a stuck lane and ran again on another connection: the server may have run each of them twice. */
  readonly movedFromLanes: number
}

/** A synchronous snapshot of a database. Durations in milliseconds; counters since it was made. */
export interface DatabaseStats {
  readonly nodes: readonly NodeStats[]
  readonly primaryQueries: number
  readonly replicaQueries: number
  readonly errors: number
  readonly slowQueries: number
  readonly totalLatencyMs: number
  readonly latency: LatencySummary
}

/** Reads the parts' counters. */
export function snapshot(parts: { readonly fleet: Fleet; readonly statistics: Statistics }): DatabaseStats {
  const { primaryQueries, replicaQueries, errors, slowQueries, totalLatencyMs } = parts.statistics
  return {
    nodes: parts.fleet.all.map(nodeStats), primaryQueries, replicaQueries, errors, slowQueries, totalLatencyMs,
    latency: parts.statistics.latency(),
  }
}

function nodeStats(node: Node): NodeStats {
  const { name, role, state, lagMs, lagBytes, queries, inFlight, responseMs } = node
  const pool = node.pool.stats()
  const resting = node.lanes?.resting ?? 0
  return {
    ...pool, inUse: pool.inUse - resting, idle: pool.idle + resting, lanes: node.lanes?.count ?? 0, movedFromLanes: node.lanes?.moved ?? 0,
    name, role, state, healthy: state !== 'down', lagMs, lagBytes, queries, inFlight, responseMs,
  }
}
