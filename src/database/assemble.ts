import type { Driver } from '../core/driver.js'
import { Notifier } from '../core/notify.js'
import type { ResolvedOptions } from '../config/resolved.js'
import { Freshness } from '../router/freshness.js'
import type { Outliers } from '../router/outliers.js'
import type { Router } from '../router/router.js'
import { Classifier } from '../sql/classifier.js'
import type { QueryCache } from '../cache/query-cache.js'
import { Shapes } from '../sql/shapes.js'
import { announced } from './announced.js'
import { cached, peeking } from './cached.js'
import { Causal } from './causal.js'
import type { CoreHooks } from './core-hooks.js'
import type { Execute } from './execute.js'
import { failingOver, type FailoverParts } from './failing-over.js'
import type { Fleet } from './fleet.js'
import { observed } from './observed.js'
import { PooledPath } from './pooled.js'
import { databaseCache } from './query-cache.js'
import { retried } from './retried.js'
import { makeRun } from './run.js'
import { Statistics } from './statistics.js'
import { makeTopology } from './topology.js'
import { Transactions } from './transactions.js'
import type { PinnedParts } from './pinned-parts.js'
import { Writes } from './writes.js'

/** The parts of one database, wired. */
export interface Assembly {
  readonly driver: Driver
  readonly options: ResolvedOptions
  readonly notifier: Notifier
  readonly statistics: Statistics
  readonly classifier: Classifier
  readonly router: Router
  readonly fleet: Fleet
  readonly outliers: Outliers
  readonly failover: FailoverParts
  readonly causal: Causal
  readonly pinned: PinnedParts
  readonly transactions: Transactions
  readonly path: PooledPath
  readonly writes: Writes
  readonly cache: QueryCache
}

/**
 * Wires a database; contains no behaviour of its own. The order of the layers is the order of the lines: observation
 * inside failover and retry (each attempt is a fact), all around the run on a node.
 */
export function assemble(database: object, driver: Driver, options: ResolvedOptions, hooks: CoreHooks, assertOpen: () => void): Assembly {
  const { dialect } = driver
  const notifier = new Notifier([...options.observers, ...hooks.observers(options, new Shapes(dialect.lexicon))])
  const statistics = new Statistics()
  const classifier = new Classifier(dialect.lexicon, options.routing)
  const { positions } = dialect
  const freshness = positions && new Freshness(positions)
  const { fleet, outliers, failover, roleOf } = makeTopology({ driver, options, hooks, notifier, freshness, onFound: () => { cache.failedOver() } })
  const { router } = failover
  const { slowQueryMs, statementTimeoutMs, readOnly } = options
  const causal = new Causal({ database, router, settings: options.consistency, positions, freshness })
  const writes = new Writes()
  const cache = databaseCache({ driver, options, notifier, primary: () => router.pickPrimary('connection', 'news of writes').node })
  writes.listen((tables) => cache.written(tables))
  const { ttlMs = 0, swrMs = 0 } = options.cache ?? {}
  const inSession = (): boolean => causal.currentSession() !== undefined
  const caching = { cache, ttlMs, swrMs }
  const peek = options.cache ? peeking(caching) : undefined
  const { transactionId } = dialect.probes
  const pinned: PinnedParts = {
    peek, causal, classifier, renderer: dialect, transactionId, statistics, notifier, writes, slowQueryMs, statementTimeoutMs, readOnly,
  }
  const transactions = new Transactions({ database, dialect, failover, pinned, retry: options.retry, idempotency: options.idempotency })

  let execute: Execute = makeRun(router, causal, notifier)
  const observation = { statistics, notifier, slowQueryMs, roleOf }
  execute = observed(execute, observation)
  execute = failingOver(execute, failover)
  execute = retried(execute, options.retry)
  execute = announced(execute, writes)
  if (options.cache) execute = cached(execute, { ...caching, statementTimeoutMs, replicationMs: replicationMs(options), roleOf, notifier, inSession })

  const path = new PooledPath({
    database, renderer: dialect, classifier, execute, transactions, statementTimeoutMs, readOnly, assertOpen,
    streams: { failover, causal, retry: options.retry, observed: observation, writes },
  })
  return { driver, options, notifier, statistics, classifier, router, fleet, outliers, failover, causal, pinned, transactions, path, writes, cache }
}

/** A replica that takes reads has everything that is older: else its lag would have been seen, and it be left out. */
function replicationMs({ routing, health }: ResolvedOptions): number {
  return routing.maxReplicationLagMs === 0 ? Infinity : routing.maxReplicationLagMs + 2 * (health.intervalMs + health.timeoutMs)
}
