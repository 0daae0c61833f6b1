import type { Driver } from '../core/driver.js'
import type { SluiceError } from '../core/errors.js'
import { errorFromFacts } from '../core/explain.js'
import { Notifier } from '../core/notify.js'
import type { Observer, Role } from '../core/observer.js'
import type { ResolvedNode, ResolvedOptions } from '../config/resolved.js'
import { Lanes } from '../pool/lanes.js'
import { Pool } from '../pool/pool.js'
import { Node, type StateListener } from '../router/node.js'
import { Router } from '../router/router.js'
import { Classifier } from '../sql/classifier.js'
import { connectSettings } from './connect-settings.js'
import { announced } from './announced.js'
import type { Execute } from './execute.js'
import { observed } from './observed.js'
import { fittingLimits } from './pool-limits.js'
import { PooledPath } from './pooled.js'
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
  readonly nodes: readonly Node[]
  readonly pinned: PinnedParts
  readonly transactions: Transactions
  readonly path: PooledPath
  readonly writes: Writes
}

/** What the layers above add to the core. */
export interface CoreHooks {
  /** Told when a node's state changes. */
  readonly onNodeState: StateListener
  /** Observers beside the caller's own. */
  observers(options: ResolvedOptions): readonly Observer[]
}

/**
 * Wires a database; contains no behaviour of its own. The order of the layers is the order of the lines: observation
 * inside retry (each attempt is a fact), both around the run on a node.
 */
export function assemble(database: object, driver: Driver, options: ResolvedOptions, hooks: CoreHooks, assertOpen: () => void): Assembly {
  const { dialect } = driver
  const notifier = new Notifier([...options.observers, ...hooks.observers(options)])
  const statistics = new Statistics()
  const classifier = new Classifier(dialect.lexicon, options.routing)
  const node = (settings: ResolvedNode, role: Role): Node => makeNode(settings, role, driver, options, notifier, hooks.onNodeState)
  const nodes = [node(options.primary, 'primary'), ...replicasOf(driver, options).map((replica) => node(replica, 'replica'))]
  const router = new Router(nodes, options.routing)
  const roles = new Map(nodes.map(({ name, role }) => [name, role]))
  const roleOf = (name: string): Role => roles.get(name) ?? 'primary'
  const { slowQueryMs, statementTimeoutMs, readOnly } = options
  const writes = new Writes()
  const pinned: PinnedParts = { classifier, renderer: dialect, statistics, notifier, writes, slowQueryMs, statementTimeoutMs, readOnly }
  const transactions = new Transactions({ database, dialect, router, pinned, retry: options.retry })

  let execute: Execute = makeRun(router, notifier)
  const observation = { statistics, notifier, slowQueryMs, roleOf }
  execute = observed(execute, observation)
  execute = retried(execute, options.retry)
  execute = announced(execute, writes)

  const path = new PooledPath({
    database, renderer: dialect, classifier, execute, transactions, statementTimeoutMs, readOnly, assertOpen,
    streams: { router, retry: options.retry, observed: observation, writes },
  })
  return { driver, options, notifier, statistics, classifier, router, nodes, pinned, transactions, path, writes }
}

/** The replicas of the options; where there are none, an embedded file's readers. */
function replicasOf(driver: Driver, { primary, replicas, readOnly }: ResolvedOptions): readonly ResolvedNode[] {
  if (replicas.length > 0 || readOnly || driver.readers?.(primary.target) !== true) return replicas
  return [{ ...primary, name: `${primary.name} (readers)` }]
}

function makeNode(
  settings: ResolvedNode, role: Role, driver: Driver, options: ResolvedOptions, notifier: Notifier, onState: StateListener,
): Node {
  driver.check?.(connectSettings(settings, role, options))
  const explain = (cause: unknown, context: object): ReturnType<typeof errorFromFacts> =>
    errorFromFacts(driver.dialect.describeError(cause), cause, { node: settings.name, ...context })
  const connect = async (signal: AbortSignal): ReturnType<Driver['connect']> => {
    try {
      return await driver.connect(connectSettings(settings, role, options), signal)
    } catch (cause) {
      throw explain(cause, { neverSent: true })
    }
  }
  const counted = async (signal: AbortSignal): ReturnType<Driver['connect']> => {
    const startedAt = performance.now()
    try {
      return await connect(signal)
    } catch (error) {
      if (!signal.aborted) made.failed(error as SluiceError, startedAt)
      throw error
    }
  }
  const limits = fittingLimits(options.pool, role, driver.dialect.features, options.readOnly)
  const pool = new Pool(limits, { name: settings.name, connect: counted, explain, notifier })
  const lanes = driver.dialect.features.pipelining
    ? new Lanes({ name: settings.name, pool, max: () => pool.settings.lanes, explain: (cause, sql) => explain(cause, { sql }) })
    : undefined
  const onMisplaced = (says: Role): void => {
    notifier.notify('warning', {
      code: 'SLUICE_ROLE_MISMATCH', node: settings.name, error: undefined,
      message: `${settings.name} is configured as ${role} and says it is a ${says}`,
    })
  }
  const made = new Node({
    name: settings.name, weight: settings.weight, zone: settings.zone, role, connect, onMisplaced,
    failureThreshold: options.health.failureThreshold,
    maxLagMs: options.routing.maxReplicationLagMs, maxLagBytes: options.routing.maxReplicationLagBytes,
  }, pool, onState, lanes)
  return made
}
