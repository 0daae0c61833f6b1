import type { Role } from '../core/observer.js'
import { NO_OPTIONS, type QueryOptions } from '../core/queryable.js'
import type { Route } from '../core/result.js'
import type { StatementClass } from '../core/lexicon.js'
import type { SqlInput } from '../core/statement.js'
import { checkCall } from './call-check.js'
import type { ExplainOptions, Explanation } from './explain.js'
import { Face, type StatementPath } from './face.js'
import { over } from './over.js'
import type { PinnedConnection } from './pinned-connection.js'
import type { Transaction, TransactionOptions } from './transaction.js'

/** Where a statement would go, and why. */
export interface RouteExplanation {
  readonly class: StatementClass
  readonly role: Role
  /** The node, where only one comes into question now. */
  readonly node: string | undefined
  readonly route: Route
  /** A sentence for people. */
  readonly why: string
}

/** Options of `db.connection`. */
export interface ConnectionOptions {
  readonly target?: Role | undefined
  readonly label?: string | undefined
  /** Milliseconds to wait for the connection and, for each statement, to run; default `statementTimeoutMs`. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Defaults bound by `db.with`. */
export type BoundOptions = Pick<QueryOptions, 'signal' | 'timeoutMs' | 'label' | 'target' | 'readOnly' | 'ambient' | 'maxReplicationLagMs' | 'cache' | 'retry'>

/** What a bound database asks of the one it was made from. */
export interface Bindable {
  transaction<T>(work: (tx: Transaction) => Promise<T> | T, options: TransactionOptions): Promise<T>
  begin(options: TransactionOptions): Promise<Transaction>
  connection<T>(work: (connection: PinnedConnection) => Promise<T> | T, options: ConnectionOptions): Promise<T>
  explainRoute(sql: SqlInput, options: QueryOptions): RouteExplanation
  explain(sql: SqlInput, params: readonly unknown[] | ExplainOptions, options: ExplainOptions): Promise<Explanation>
}

/**
 * The calls of a database with options bound to them: what `db.with(…)`, `db.primary` and `db.replica` are. A call's own
 * options win over the bound ones.
 *
 * @example
 * ```ts
 * const forThisRequest = db.with({ signal: AbortSignal.timeout(2_000), label: 'GET /users' })
 * await forThisRequest.many('select * from users')
 * await forThisRequest.transaction(async (tx) => tx.execute('delete from basket where user_id = $1', [7]))
 * ```
 */
export class BoundDatabase extends Face {
  readonly #path: StatementPath
  readonly #database: Bindable
  readonly #bound: BoundOptions

  /** @internal */
  constructor(path: StatementPath, database: Bindable, bound: BoundOptions) {
    checkCall('call', bound)
    super(path, bound)
    this.#path = path
    this.#database = database
    this.#bound = bound
  }

  /** The same calls with these options over those bound already. */
  with(options: BoundOptions): BoundDatabase { return new BoundDatabase(this.#path, this.#database, over(this.#bound, options)) }

  /** `db.transaction`; bound to the replicas it is read-only. */
  async transaction<T>(work: (tx: Transaction) => Promise<T> | T, options: TransactionOptions = {}): Promise<T> {
    return this.#database.transaction(work, this.#forTransaction(options))
  }

  /** `db.begin`; bound to the replicas it is read-only. */
  async begin(options: TransactionOptions = {}): Promise<Transaction> { return this.#database.begin(this.#forTransaction(options)) }

  /** `db.connection`. */
  async connection<T>(work: (connection: PinnedConnection) => Promise<T> | T, options: ConnectionOptions = {}): Promise<T> {
    const { signal, timeoutMs, label, target } = this.#bound
    return this.#database.connection(work, over({ signal, timeoutMs, label, target }, options))
  }

  /** `db.explainRoute`. */
  explainRoute(sql: SqlInput, options: QueryOptions = NO_OPTIONS): RouteExplanation {
    return this.#database.explainRoute(sql, over(this.#bound, options))
  }

  /** `db.explain`. */
  explain(sql: SqlInput, params?: readonly unknown[] | ExplainOptions, options?: ExplainOptions): Promise<Explanation> {
    const { signal, timeoutMs, label, target } = this.#bound
    const own = params === undefined || isList(params) ? options : params
    return this.#database.explain(sql, isList(params) ? params : [], over({ signal, timeoutMs, label, target }, own ?? {}))
  }

  #forTransaction(options: TransactionOptions): TransactionOptions {
    const { signal, timeoutMs, label, target, readOnly, ambient, retry } = this.#bound
    const merged = over({ signal, timeoutMs, label, target, readOnly, ambient, retry }, options)
    return merged.target === 'replica' ? { ...merged, readOnly: merged.readOnly ?? true } : merged
  }
}

function isList(params: readonly unknown[] | object | undefined): params is readonly unknown[] { return Array.isArray(params) }
