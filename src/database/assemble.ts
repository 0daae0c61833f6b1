import type { Driver } from '../core/driver.js'
import { Notifier } from '../core/notify.js'
import type { Observer, Role, WarningEvent } from '../core/observer.js'
import type { ResolvedNode, ResolvedOptions } from '../config/resolved.js'
import { Freshness } from '../router/freshness.js'
import type { Node, StateListener } from '../router/node.js'
import { Roles } from '../router/roles.js'
import { Router } from '../router/router.js'
import { Classifier } from '../sql/classifier.js'
import type { QueryCache } from '../cache/query-cache.js'
import { Shapes } from '../sql/shapes.js'
import { announced } from './announced.js'
import { cached, peeking } from './cached.js'
import { Causal } from './causal.js'
import type { Execute } from './execute.js'
import { failingOver, type FailoverParts } from './failing-over.js'
import { Fleet } from './fleet.js'
import { makeNode } from './make-node.js'
import { observed } from './observed.js'
import { PooledPath } from './pooled.js'
import { PrimaryLine } from './primary-line.js'
import { databaseCache } from './query-cache.js'
import { retried } from './retried.js'
import { makeRun } from './run.js'
import { Statistics } from './statistics.js'
import { Transactions } from './transactions.js'
import type { PinnedParts } from './pinned.js'
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
  readonly failover: FailoverParts
  readonly causal: Causal
  readonly pinned: PinnedParts
  readonly transactions: Transactions
  readonly path: PooledPath
  readonly writes: Writes
  readonly cache: QueryCache
}

/** What the layers above add to the core. */
export interface CoreHooks {
  /** Told when a node's state changes. */
  readonly onNodeState: StateListener
  /** Work waits for a primary: look for one until it is there. */
  seek(): void
  /** Asks all nodes who they are; resolves when this one has answered or failed to. Never rejects. */
  ask(node: string | undefined): Promise<void>
  /** Observers beside the caller's own. */
  observers(options: ResolvedOptions, shapes: Shapes): readonly Observer[]
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
  const onState: StateListener = (changed, from, reason) => {
    // a server that was lost may come back with less than it had
    if (changed.state !== 'up') freshness?.forget(changed)
    hooks.onNodeState(changed, from, reason)
    roles.judge()
    if (changed.state === 'up') line.readsMayGo()
  }
  const node = (settings: ResolvedNode, role: Role): Node => makeNode(settings, role, { driver, options, notifier, onState })
  const fleet = new Fleet([node(options.primary, 'primary'), ...replicasOf(driver, options).map((replica) => node(replica, 'replica'))])
  const { failoverTimeoutMs } = options
  const roles = new Roles(() => fleet.all, {
    onStep: (event) => {
      if (event.step === 'found') cache.failedOver()
      notifier.notify('failover', event)
    },
    onChange: () => { line.changed() },
    onMisplaced: (misplaced) => { notifier.notify('warning', mismatch(misplaced)) },
  }, { patient: failoverTimeoutMs > 0, readOnly: options.readOnly })
  const line = new PrimaryLine({ roles, failoverTimeoutMs, maxWaiting: options.pool.maxWaiting, seek: () => { hooks.seek() } })
  const router = new Router(() => fleet.all, options.routing, roles)
  const failover: FailoverParts = { router, line, ask: (name) => hooks.ask(name) }
  const roleOf = (name: string): Role => fleet.named(name)?.role ?? 'primary'
  const { slowQueryMs, statementTimeoutMs, readOnly } = options
  const causal = new Causal({ database, router, settings: options.consistency, positions, freshness })
  const writes = new Writes()
  const cache = databaseCache({ driver, options, notifier, primary: () => router.pickPrimary('connection', 'news of writes').node })
  writes.listen((tables) => cache.written(tables))
  const { ttlMs = 0, swrMs = 0 } = options.cache ?? {}
  const inSession = (): boolean => causal.currentSession() !== undefined
  const caching = { cache, ttlMs, swrMs }
  const peek = options.cache ? peeking(caching) : undefined
  const pinned: PinnedParts = { peek, causal, classifier, renderer: dialect, statistics, notifier, writes, slowQueryMs, statementTimeoutMs, readOnly }
  const transactions = new Transactions({ database, dialect, failover, pinned, retry: options.retry })

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
  return { driver, options, notifier, statistics, classifier, router, fleet, failover, causal, pinned, transactions, path, writes, cache }
}

/** The replicas of the options; where there are none, an embedded file's readers. */
function replicasOf(driver: Driver, { primary, replicas, readOnly }: ResolvedOptions): readonly ResolvedNode[] {
  if (replicas.length > 0 || readOnly || driver.readers?.(primary.target) !== true) return replicas
  return [{ ...primary, name: `${primary.name} (readers)` }]
}

function mismatch({ name, configuredRole, facts }: Node): WarningEvent {
  const message = `${name} is configured as ${configuredRole} and says it is a ${facts?.role ?? 'stranger'}`
  return { code: 'SLUICE_ROLE_MISMATCH', node: name, error: undefined, message }
}

/** A replica that takes reads has everything that is older: else its lag would have been seen, and it be left out. */
function replicationMs({ routing, health }: ResolvedOptions): number {
  return routing.maxReplicationLagMs === 0 ? Infinity : routing.maxReplicationLagMs + 2 * (health.intervalMs + health.timeoutMs)
}
