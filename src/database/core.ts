import { limitsFrom } from '../core/deadline.js'
import { ConfigError, PoolClosedError } from '../core/errors.js'
import { NO_OPTIONS, type QueryOptions } from '../core/queryable.js'
import type { PoolSettings } from '../core/settings.js'
import type { SqlInput } from '../core/statement.js'
import type { DatabaseOptions } from '../config/options.js'
import type { Node } from '../router/node.js'
import { resolveOptions } from '../config/resolve.js'
import { ambientTransaction, holding, waitingTransactions } from './ambient.js'
import { BoundDatabase, type BoundOptions, type ConnectionOptions, type RouteExplanation } from './bound.js'
import { checkCall, checkTransaction, checkWork, fragmentOf, refuseKey } from './call-check.js'
import { changedLimits, fittingLimits } from './pool-limits.js'
import { assemble, type Assembly } from './assemble.js'
import type { CoreHooks } from './core-hooks.js'
import { explain, type ExplainOptions, type Explanation } from './explain.js'
import { Face } from './face.js'
import { borrow } from './failing-over.js'
import { PinnedSession } from './pinned.js'
import { PinnedConnection } from './pinned-connection.js'
import { driverFor, knownSchemes } from './registry.js'
import type { SessionOptions } from './session.js'
import { snapshot, type DatabaseStats } from './snapshot.js'
import { Transaction, type TransactionOptions } from './transaction.js'

/** Everything of a database but health, cache, migrations and backups, which are its users. */
export class DatabaseCore extends Face {
  /** @internal */
  declare readonly assembly: Assembly
  /** The same calls, always on the primary. */
  readonly primary: BoundDatabase
  /**
   * The same calls, reads on a replica: one that has caught up with what was just written, else the primary. Transactions are
   * read-only. `execute`, `insertMany` and `copyFrom` change data, and go to the primary all the same.
   */
  readonly replica: BoundDatabase
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(input: string | DatabaseOptions | undefined, hooks: CoreHooks) {
    const options = resolveOptions(input, knownSchemes())
    const identity = {}
    const assertOpen = (): void => {
      if (closed()) throw new PoolClosedError('the database is closed', { hint: 'db.close() was called; make a new Database' })
    }
    let closed = (): boolean => false
    const assembly = assemble(identity, driverFor(options.primary.target.scheme), options, hooks, assertOpen)
    super(assembly.path)
    // holds the passwords: a database that lands in a log must not write them there
    Object.defineProperty(this, 'assembly', { value: assembly, enumerable: false })
    this.#identity = identity
    this.#assertOpen = assertOpen
    this.#letGo = assembly.driver.keep?.(options.primary.target)
    closed = () => this.#closing !== undefined
    this.primary = this.with({ target: 'primary' })
    this.replica = this.with({ target: 'replica' })
  }

  readonly #identity: object
  /** Lets go of a database in memory. */
  readonly #letGo: (() => void | Promise<void>) | undefined
  readonly #assertOpen: () => void
  /** Limits changed at run time, by node. */
  readonly #poolLimits = new Map<string, PoolSettings>()

  /** Engine name: `postgres`. */
  get engine(): string { return this.assembly.driver.dialect.engine }

  /** {@link DatabaseCore.close} was called. */
  get closed(): boolean { return this.#closing !== undefined }

  /** The same calls with these options as defaults. */
  with(options: BoundOptions): BoundDatabase { return new BoundDatabase(this.assembly.path, this, options) }

  /**
   * Runs `work` in a transaction: commits when it returns, rolls back when it throws. Deadlocks and serialization
   * failures re-run the whole callback. Calls of this database inside it join it; `db.transaction` inside it is a
   * savepoint, which has no options of its own: level, limits and retries are those of the outermost transaction.
   *
   * @example
   * ```ts
   * await db.transaction(async (tx) => {
   *   await tx.execute('update account set balance = balance - $1 where id = $2', [10, 'a'])
   *   await tx.execute('update account set balance = balance + $1 where id = $2', [10, 'b'])
   * }, { isolationLevel: 'serializable' })
   * ```
   * @throws {@link TransactionOutcomeUnknownError} the answer to COMMIT was lost and the server could not tell
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T> | T, options: TransactionOptions = {}): Promise<T> {
    checkWork(work)
    checkTransaction(options)
    const ambient = options.ambient === false ? undefined : ambientTransaction(this.#identity)
    if (ambient instanceof Transaction) {
      refuseKey(options, 'on a savepoint')
      return ambient.transaction(work)
    }
    this.#assertOpen()
    return this.assembly.transactions.run(work, options)
  }

  /** A transaction to be ended by hand; `await using` rolls it back when it was not. Never ambient. */
  async begin(options: TransactionOptions = {}): Promise<Transaction> {
    checkTransaction(options)
    refuseKey(options, 'beside begin()')
    this.#assertOpen()
    return this.assembly.transactions.begin(options)
  }

  /**
   * Lends one connection for session-bound work (temporary tables, advisory locks, `SET`, LISTEN) and resets it after.
   *
   * @example
   * ```ts
   * await db.connection(async (connection) => {
   *   await connection.query('select pg_advisory_lock(42)')
   *   // … the lock is released when the connection is reset
   * })
   * ```
   */
  async connection<T>(work: (connection: PinnedConnection) => Promise<T> | T, options: ConnectionOptions = {}): Promise<T> {
    checkWork(work)
    checkCall('connection', options)
    this.#assertOpen()
    const { router, pinned, failover, causal } = this.assembly
    const limits = limitsFrom(options.timeoutMs ?? pinned.statementTimeoutMs, options.signal)
    const pick = async (): Promise<Node> => (options.target === 'replica'
      ? await causal.decideRead(() => router.planRead({ target: 'replica' }, 'a connection to a replica'), {}, limits, false)
      : router.pickPrimary('connection', 'a connection of its own')).node
    const holder = { identity: {} }
    const { node, loan } = await borrow(pick, {
      limits, label: options.label ?? 'connection', text: undefined, owner: holder.identity, owners: waitingTransactions(),
    }, failover)
    const session = new PinnedSession(pinned, node, loan, 'connection')
    session.dirty = true
    session.limit(limitsFrom(undefined, options.signal))
    const connection = new PinnedConnection(session, { timeoutMs: options.timeoutMs })
    try {
      return await holding(this.#identity, holder, () => work(connection))
    } finally {
      connection.unsubscribe()
      session.abort(new PoolClosedError('the connection was given back', { hint: 'await everything you start inside the callback' }))
      await session.settled()
      await session.tellHistory()
      const announced = session.announce()
      await session.end()
      await announced
    }
  }

  /**
   * Runs `work` in a session: its reads see its writes and never an older state than it has seen, from a replica where one
   * has caught up. Nested sessions see what the outer ones have seen, and pass on what they see.
   *
   * @param options - `token`: where to resume, from {@link DatabaseCore.causalToken} of this or another process
   * @throws {@link ConfigError} the token was not made by `causalToken`
   * @example
   * ```ts
   * const token = await db.session(async () => {
   *   await db.execute('insert into orders (id) values ($1)', [7])
   *   await db.query('select * from orders where id = $1', [7]) // sees it
   *   return db.causalToken()
   * })
   * // later, perhaps elsewhere
   * await db.session(() => db.query('select * from orders where id = $1', [7]), { token })
   * ```
   */
  async session<T>(work: () => Promise<T> | T, options: SessionOptions = {}): Promise<T> {
    checkWork(work)
    checkCall('session', options)
    this.#assertOpen()
    return this.assembly.causal.session(work, options)
  }

  /**
   * How far the surrounding session has come (outside of one: this process) as an opaque text for a cookie, a header or a
   * job's payload. Whoever resumes there, with `db.session(work, { token })` or a call's `causalToken`, sees at least that.
   */
  causalToken(): string { return this.assembly.causal.token() }

  /** Where a statement would go, without running it and without a server. */
  explainRoute(sql: SqlInput, options: QueryOptions = NO_OPTIONS): RouteExplanation {
    checkCall('call', options)
    const { driver, classifier, router, causal } = this.assembly
    const text = typeof sql === 'string' ? sql : fragmentOf(sql).compile(driver.dialect).text
    const classification = classifier.classify(text)
    if (classification.class === 'session' || classification.class === 'transaction-control') {
      const node = router.plan(text, classification, { target: 'primary' }).candidates[0]?.name
      return { class: classification.class, role: 'primary', node, route: 'write', why: classification.why }
    }
    const { role, route, why, candidates } = causal.plan(text, classification, options)
    return { class: classification.class, role, node: candidates.length === 1 ? candidates[0]?.name : undefined, route, why }
  }

  /** The engine's plan for a statement, with advice a person can act on. `analyze` also runs it, undoing what it changes. */
  async explain(sql: SqlInput, params?: readonly unknown[] | ExplainOptions, options?: ExplainOptions): Promise<Explanation> {
    const given = Array.isArray(params) ? params as readonly unknown[] : []
    const chosen = options ?? (Array.isArray(params) ? {} : (params ?? {}) as ExplainOptions)
    checkCall('explain', chosen)
    return explain(this, this.assembly, sql, given, chosen)
  }

  /** Counters and conditions of this moment; synchronous, asks no server. */
  stats(): DatabaseStats { return snapshot(this.assembly) }

  /**
   * Changes pool limits at run time, on all nodes or one.
   *
   * @throws {@link ConfigError} a limit is out of range, or the node is unknown
   */
  configurePool(limits: Partial<PoolSettings>, node?: string): void {
    const nodes = this.#nodes(node)
    const changed = nodes.map(({ name }) => changedLimits(this.#poolLimits.get(name) ?? this.assembly.options.pool, limits))
    nodes.forEach(({ name, pool, role }, index) => {
      const settings = changed[index]
      if (!settings) return
      this.#poolLimits.set(name, settings)
      pool.configure(fittingLimits(settings, role, this.assembly.driver.dialect.features, this.assembly.options.readOnly))
    })
  }

  /** Replaces connections without failing a query: idle ones at once, busy ones when they return. */
  async resetPool(node?: string): Promise<void> {
    await Promise.all(this.#nodes(node).map((each) => each.reset()))
  }

  /**
   * Stops taking work, waits up to `drainMs` (default 5 s) for what is under way, then closes every connection.
   * Idempotent; never rejects for a dead server.
   *
   * @throws {@link ConfigError} an option is unknown or out of range; nothing is closed then
   */
  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    checkCall('close', options)
    await (this.#closing ??= this.shutDown(options.drainMs ?? 5_000))
  }

  [Symbol.asyncDispose](): Promise<void> { return this.close() }

  /** @internal */
  protected async shutDown(drainMs: number): Promise<void> {
    this.assembly.failover.line.close()
    await Promise.all(this.assembly.fleet.all.map((node) => node.close(drainMs)))
    await this.#letGo?.()
  }

  /** @internal */
  protected assertOpen(): void { this.#assertOpen() }

  #nodes(name: string | undefined): readonly Node[] {
    const nodes = this.assembly.fleet.all
    if (name === undefined) return nodes
    const found = nodes.filter((node) => node.name === name)
    if (found.length > 0) return found
    throw new ConfigError(`unknown node '${name}': expected one of ${nodes.map((node) => `'${node.name}'`).join(', ')}`, { option: 'node' })
  }
}

