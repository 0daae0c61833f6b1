import type { QueryCache } from '../cache/query-cache.js'
import type { NodeStats, DatabaseStats } from '../database/snapshot.js'
import type { MetricName } from './catalog.js'
import type { Sample } from './tally.js'

/** Where the values of this moment come from. */
export interface CurrentParts {
  readonly stats: () => DatabaseStats
  readonly cache: QueryCache
  readonly primaryAvailable: () => boolean
  readonly version: () => string
  readonly engine: string
}

type Current = Partial<Record<MetricName, readonly Sample[]>>

/** What is not counted but read at the moment of the scrape. Asks no server. */
export function currentSamples({ stats, cache, primaryAvailable, version, engine }: CurrentParts): Current {
  const { nodes, slowQueries } = stats()
  return {
    sluice_info: [{ labels: { version: version(), engine }, value: 1 }],
    sluice_slow_queries_total: one(slowQueries),
    sluice_primary_available: one(primaryAvailable() ? 1 : 0),
    ...poolSamples(nodes), ...nodeSamples(nodes), ...cacheSamples(cache),
  }
}

function poolSamples(nodes: readonly NodeStats[]): Current {
  return {
    sluice_pool_connections: nodes.flatMap(({ name, role, inUse, idle, checking, connecting }) =>
      Object.entries({ in_use: inUse, idle, checking, connecting }).map(([state, value]) => ({ labels: { node: name, role, state }, value }))),
    sluice_pool_connections_max: nodes.map(({ name, role, max }) => ({ labels: { node: name, role }, value: max })),
    sluice_pool_pending_requests: nodes.map(({ name, role, waiting }) => ({ labels: { node: name, role }, value: waiting })),
    sluice_pool_acquire_timeouts_total: nodes.map(({ name, acquireTimeouts }) => ({ labels: { node: name }, value: acquireTimeouts })),
  }
}

function nodeSamples(nodes: readonly NodeStats[]): Current {
  const replicas = nodes.filter(({ role }) => role === 'replica')
  return {
    sluice_node_up: nodes.map(({ name, role, state }) => ({ labels: { node: name, role }, value: state === 'up' ? 1 : 0 })),
    sluice_replica_lag_seconds: known(replicas, ({ lagMs }) => lagMs === undefined ? undefined : lagMs / 1_000),
    sluice_replica_lag_bytes: known(replicas, ({ lagBytes }) => lagBytes),
  }
}

function cacheSamples(cache: QueryCache): Current {
  const { hits, misses, stale, coalesced, bypassed, entries, bytes, evictions, invalidations } = cache.stats()
  return {
    sluice_cache_requests_total: Object.entries({ hit: hits, miss: misses, stale, coalesced, bypass: bypassed })
      .map(([result, value]) => ({ labels: { result }, value })),
    sluice_cache_entries: one(entries), sluice_cache_bytes: one(bytes),
    sluice_cache_evictions_total: one(evictions), sluice_cache_invalidations_total: one(invalidations),
  }
}

function one(value: number): Sample[] { return [{ labels: {}, value }] }

function known(nodes: readonly NodeStats[], read: (node: NodeStats) => number | undefined): Sample[] {
  return nodes.flatMap((node) => {
    const value = read(node)
    return value === undefined ? [] : [{ labels: { node: node.name }, value }]
  })
}
