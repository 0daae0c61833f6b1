import { asError, limitsFrom, sleep, UNLIMITED, withTimeout } from '../core/deadline.js'
import { detached } from '../core/detached.js'
import { ConnectionError, SluiceError } from '../core/errors.js'
import type { NodeFacts } from '../core/dialect.js'
import type { Observer } from '../core/observer.js'
import { BackupManager } from '../backup/backup-manager.js'
import type { DatabaseOptions } from '../config/options.js'
import type { ResolvedOptions } from '../config/resolved.js'
import { packageVersion } from '../config/version.js'
import type { QueryCache } from '../cache/query-cache.js'
import { DatabaseCore } from '../database/core.js'
import { createDatabase } from '../database/create-database.js'
import { startEngine } from '../database/start-engine.js'
import { AlertWatch } from '../metrics/alerts.js'
import { Exposition, type MetricsRegistry } from '../metrics/exposition.js'
import { Recorder } from '../metrics/recorder.js'
import { StatementStatistics, type StatementQuery, type StatementStats } from '../metrics/statements.js'
import { HealthChecker } from '../health/health-checker.js'
import { MigrationManager } from '../migrations/manager.js'
import { echoObserver, logObserver } from '../logging/log-observer.js'
import type { Shapes } from '../sql/shapes.js'
import type { Node, NodeState, StateListener } from '../router/node.js'

/** The primary is asked once when a database is opened; so long after the pool's own wait. */
const REPLICAS_AT_START_MS = 2_000
/** While the configured primary is greeted, so often is looked whether another one was found. */
const GREETING_LOOK_MS = 100

/**
 * A primary and its replicas behind one object: reads and writes split, pooled, watched.
 *
 * @example
 * ```ts
 * import { Database } from 'sluice'
 *
 * const db = await Database.open({
 *   primary: 'postgres://app:secret@db1:5432/shop',
 *   replicas: ['postgres://app:secret@db2:5432/shop'],
 * })
 * const { rows, node, route } = await db.query('select * from users where id = $1', [1])
 * await db.close()
 * ```
 */
export class Database extends DatabaseCore {
  /** Probes of every node, and what they found. */
  readonly health: HealthChecker
  /** Rows of statements that asked for it (`cache: true`). Writes through this database invalidate their tables themselves. */
  readonly cache: QueryCache
  readonly #exposition: Exposition
  readonly #alerts: AlertWatch
  readonly #statements: StatementStatistics | undefined
  #connecting: Promise<this> | undefined
  #migrations: MigrationManager | undefined
  #backups: BackupManager | undefined

  /**
   * Checks the options; opens nothing.
   *
   * @param options - a URL, options, or nothing (then the environment is read)
   * @throws {@link ConfigError} names the option, what was expected and what came
   * @throws {@link UnknownEngineError} the URL's scheme has no driver
   */
  constructor(options?: string | DatabaseOptions) {
    let react: StateListener = () => undefined
    let recorder: Recorder | undefined
    let statements: StatementStatistics | undefined
    const health = (): HealthChecker => this.health
    super(options, {
      onNodeState: (node, from, reason) => { react(node, from, reason) },
      observers: (resolved, shapes) => {
        const { enabled, collectQueryStats } = resolved.metrics
        if (enabled) recorder = new Recorder(collectQueryStats)
        if (enabled && collectQueryStats) statements = new StatementStatistics(shapes)
        return [...logObservers(resolved, shapes), ...recorder ? [recorder] : [], ...statements ? [statements] : []]
      },
      seek: () => { health().seek() },
      ask: (node) => health().ask(node),
    })
    const { fleet, outliers, failover: { line, router: { roles } }, driver, options: { health: settings, readOnly } } = this.assembly
    this.cache = this.assembly.cache
    this.#exposition = this.#expose(recorder)
    this.#alerts = this.#watch()
    this.#statements = statements
    const { probes } = driver.dialect
    this.health = new HealthChecker({
      nodes: () => fleet.all, roles, probes, settings, readOnly, judge: () => { outliers.judge() }, waiting: () => line.length,
    })
    react = (node, from, reason) => { this.#react(node, from, reason) }
  }

  /** Backups as the option `backup` has them. Their code is loaded at the first job. */
  get backups(): BackupManager { return this.#backups ??= new BackupManager(this) }

  /**
   * Makes a database and connects it.
   *
   * @throws {@link ConnectionError} the primary cannot be reached, or refuses password, database or TLS
   */
  static async open(options?: string | DatabaseOptions): Promise<Database> {
    const database = new Database(options)
    try {
      return await database.connect()
    } catch (error) {
      await database.close({ drainMs: 0 })
      throw error
    }
  }

  /**
   * Opens `pool.min` connections, learns what the primary says of itself, and starts the health checks. Replicas that
   * are not there are tolerated, logged and probed. Calling it again is harmless.
   *
   * @throws {@link ConnectionError} the primary cannot be reached, or refuses password, database or TLS
   */
  connect(): Promise<this> {
    this.assertOpen()
    return this.#connecting ??= this.#connect().catch((error: unknown) => {
      this.#connecting = undefined
      throw asError(error)
    })
  }

  /**
   * A prom-client registry with the metrics of this database (docs/guides/observability.md lists them): the one of the
   * option `metrics.registry`, else its own. Empty with `metrics: false`.
   *
   * @example
   * ```ts
   * const text = await db.metrics.metrics()
   * ```
   */
  get metrics(): MetricsRegistry { return this.#exposition.registry }

  /**
   * What became of each statement, by its fingerprint: the most expensive first. Empty with `metrics: { collectQueryStats: false }`.
   *
   * @example
   * ```ts
   * for (const { text, calls, p99, nodes } of db.statements({ limit: 10 })) console.log(text, calls, p99, nodes)
   * ```
   */
  statements(query?: StatementQuery): StatementStats[] { return this.#statements?.list(query) ?? [] }

  /** Migrations as the option `migrations` says; nothing is read before it is used. */
  get migrations(): MigrationManager {
    return this.#migrations ??= new MigrationManager(this)
  }

  #watch(): AlertWatch {
    const { options: { alerts, metrics, routing }, router: { roles }, notifier } = this.assembly
    const warn = (code: string, node: string | undefined, message: string, error?: Error): void => {
      notifier.notify('warning', { code, node, message, error })
    }
    return new AlertWatch({
      settings: alerts, intervalMs: metrics.collectIntervalMs, stats: () => this.stats(), primaryAvailable: () => roles.writable !== undefined,
      maxLagMs: routing.maxReplicationLagMs, onRaised: ({ node, message }) => { warn('SLUICE_ALERT', node, message) },
      onFailure: (error) => { warn('SLUICE_ALERT_HOOK', undefined, `alerts.onAlert threw: ${error.message}`, error) },
    })
  }

  #expose(recorder: Recorder | undefined): Exposition {
    const { options: { primary: { target, name }, metrics }, router: { roles } } = this.assembly
    return new Exposition(recorder, {
      stats: () => this.stats(), cache: this.cache, engine: this.engine, version: packageVersion, primaryAvailable: () => roles.writable !== undefined,
    }, target.database ?? name, metrics.registry)
  }

  async #connect(): Promise<this> {
    const { fleet, driver, options, failover: { router: { roles } } } = this.assembly
    const { primary } = roles
    const tolerateOthers = (): Promise<unknown> => Promise.all(fleet.all.filter((node) => node !== primary).map((node) => this.#tolerate(node)))
    // readers of a file can open it once its writer has made it; elsewhere the nodes are asked at once, since any of them may be the primary
    const embedded = driver.readers?.(options.primary.target) === true
    const asked = embedded ? undefined : tolerateOthers()
    if (primary) await this.#greetPrimary(primary)
    const others = asked ?? tolerateOthers()
    await withTimeout(others, REPLICAS_AT_START_MS, () => new Error('replicas are slow')).catch(() => undefined)
    this.health.start()
    this.cache.start()
    const { logger, alerts: { onAlert } } = this.assembly.options
    if (onAlert ?? logger) detached(() => { this.#alerts.start() })
    return this
  }

  /** The configured primary may be history: another one of the nodes that takes writes now is as good. */
  async #greetPrimary(configured: Node): Promise<void> {
    const { roles } = this.assembly.router
    const greeting = this.#greet(configured).catch((error: unknown) => this.#createMissing(configured, error))
    const greeted = greeting.then(() => true)
    for (let asked = false; ;) {
      const late = sleep(GREETING_LOOK_MS).then(() => false)
      if (await Promise.race([greeted, late]).catch((error: unknown) => { if (!this.#replaced(configured)) throw error; return true })) return
      if (this.#replaced(configured)) return void greeted.catch(() => undefined)
      if (!asked && roles.writable !== undefined) void this.health.ask(undefined)
      asked = true
    }
  }

  #replaced(configured: Node): boolean {
    const { primary, writable } = this.assembly.router.roles
    return primary !== configured && writable !== undefined
  }

  /** Opens the pool and asks the node for its facts, on a pooled connection: what works here works for queries. */
  async #greet(node: Node): Promise<NodeFacts> {
    const { probes } = this.assembly.driver.dialect
    await startEngine(this.assembly)
    await node.pool.open()
    const loan = await node.pool.acquire({ limits: UNLIMITED, label: 'sluice: connect', text: undefined, owner: undefined, loyal: true })
    try {
      const limits = limitsFrom(this.assembly.options.connectTimeoutMs)
      const facts = probes.node.read((await loan.query(probes.node.statement, limits)).rows)
      this.assembly.router.roles.learned(node, facts, facts.role === 'primary' ? 0 : undefined)
      return facts
    } finally {
      loan.release()
    }
  }

  /** `createIfMissing`: makes the database and tries once more; every other failure is passed on. */
  async #createMissing(node: Node, error: unknown): Promise<NodeFacts> {
    const { driver, options } = this.assembly
    const missing = error instanceof ConnectionError && error.reason === 'unknown-database'
    if (!missing || !options.createIfMissing) throw error
    await createDatabase(driver, options)
    return this.#greet(node)
  }

  async #tolerate(node: Node): Promise<void> {
    try {
      await this.health.suspect(node)
      if (node.state === 'up' && node.fenced === undefined) await node.pool.open()
    } catch (thrown) {
      const error = asError(thrown)
      this.assembly.notifier.notify('warning', {
        code: error instanceof SluiceError ? error.code : 'SLUICE_REPLICA', node: node.name, message: `replica ${node.name}: ${error.message}`, error,
      })
    }
  }

  /** Every change of a node's state: told to the observers; trouble is looked into at once; the dead are let go. */
  #react(node: Node, from: NodeState, reason: string): void {
    const { name, role, state } = node
    this.assembly.notifier.notify('node', { node: name, role, from, to: state, reason })
    if (state !== 'suspect' && state !== 'down') return
    this.health.ensure()
    setImmediate(() => {
      void this.health.ask(undefined)
      this.health.seek()
    })
    if (state === 'down' && role === 'replica') node.giveUp(`${name} is down: ${reason}`)
    // what has not been sent yet need not wait for the verdict
    else if (this.#canGoElsewhere(node)) node.turnAway(`${name} is ${state}: ${reason}`)
  }

  #canGoElsewhere(node: Node): boolean {
    const { fleet, options: { failoverTimeoutMs } } = this.assembly
    if (node.role === 'primary') return failoverTimeoutMs > 0
    return fleet.all.some((other) => other !== node && other.role === 'replica' && other.state === 'up' && !other.lagging)
  }

  /** @internal */
  protected override async shutDown(drainMs: number): Promise<void> {
    await Promise.all([this.health.close(), this.cache.close(), this.#alerts.close()])
    await super.shutDown(drainMs)
    this.#exposition.close()
  }
}

function logObservers(options: ResolvedOptions, shapes: Shapes): Observer[] {
  const observers: Observer[] = []
  if (options.logger) observers.push(logObserver(options.logger, options, shapes))
  if (options.echo) observers.push(echoObserver((line) => { process.stderr.write(`${line}\n`) }))
  return observers
}
