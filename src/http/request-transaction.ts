import { TransactionClosedError } from '../core/errors.js'
import type { QueryOptions, StreamOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import { Face, type FaceDialect, type StatementPath } from '../database/face.js'
import type { Transaction, TransactionOptions } from '../database/transaction.js'
import type { Database } from '../facade/database.js'

/** `unused`: no statement was run, no connection taken. `unknown`: the answer to COMMIT was lost. */
export type RequestTransactionState = 'unused' | 'open' | 'settling' | 'committed' | 'rolled-back' | 'unknown'

/**
 * The transaction of one request. It begins with the first statement: a request that is refused before that, or needs no
 * database, takes no connection. Once settled, every use throws {@link TransactionClosedError}: a statement that was not
 * awaited can never run outside the transaction it was meant for.
 *
 * Invariant: exactly one of COMMIT and ROLLBACK is sent for a transaction that has begun, whoever asks first.
 */
export class RequestTransaction extends Face {
  readonly #lazy: LazyTransaction

  /** @internal Made by the middleware of a framework. */
  constructor(db: Database, options: TransactionOptions = {}) {
    const lazy = new LazyTransaction(db, options)
    super(lazy)
    this.#lazy = lazy
  }

  /** How far it is. */
  get state(): RequestTransactionState { return this.#lazy.state }

  /** Runs `work` under a savepoint of this transaction. */
  async transaction<T>(work: (tx: Transaction) => Promise<T> | T): Promise<T> {
    const tx = await this.#lazy.begun()
    return tx.transaction(work)
  }

  /** Runs `hook` once the request's transaction is committed. */
  async afterCommit(hook: () => unknown): Promise<void> { (await this.#lazy.begun()).afterCommit(hook) }

  /** Runs `hook` once the request's transaction is rolled back. */
  async afterRollback(hook: () => unknown): Promise<void> { (await this.#lazy.begun()).afterRollback(hook) }

  /** From now on it can only be rolled back, whatever the status of the answer. */
  refuse(): void { this.#lazy.refused = true }

  /** @internal Whether COMMIT or ROLLBACK was asked for, or neither is needed any more. */
  get settled(): boolean { return this.#lazy.settled }

  /** @internal Whether {@link RequestTransaction.refuse} was called. */
  get refused(): boolean { return this.#lazy.refused }

  /**
   * @internal Commits or rolls back, once; later calls wait for the first. Rejects when COMMIT fails: nothing was
   * stored, or (`unknown`) nobody can tell.
   */
  settle(commit: boolean): Promise<void> { return this.#lazy.settle(commit) }
}

class LazyTransaction implements StatementPath {
  readonly renderer: FaceDialect
  readonly #db: Database
  readonly #options: TransactionOptions
  #beginning: Promise<Transaction> | undefined
  #tx: Transaction | undefined
  #settling: Promise<void> | undefined
  #unused = false
  refused = false

  constructor(db: Database, options: TransactionOptions) {
    this.#db = db
    this.#options = options
    this.renderer = db.assembly.driver.dialect
  }

  get state(): RequestTransactionState {
    if (this.#unused) return 'unused'
    if (!this.#settling) return this.#beginning ? 'open' : 'unused'
    const state = this.#tx?.state
    return state === undefined || state === 'open' ? 'settling' : state
  }

  get settled(): boolean { return this.#settling !== undefined }

  begun(): Promise<Transaction> {
    if (this.#settling) return Promise.reject(closed())
    return this.#beginning ??= this.#begin()
  }

  async run<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>> {
    const tx = await this.begun()
    this.#assertOpen()
    return tx.run<Row>(statement, options)
  }

  async *stream<Row>(statement: Statement, options: StreamOptions<Row>): AsyncGenerator<Row[], void, undefined> {
    const tx = await this.begun()
    this.#assertOpen()
    yield* tx.batches<Row>(statement, options)
  }

  async batch(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]> {
    const results: QueryResult[] = []
    for (const statement of statements) results.push(await this.run(statement, options))
    return results
  }

  settle(commit: boolean): Promise<void> {
    return this.#settling ??= this.#settle(commit && !this.refused)
  }

  async #begin(): Promise<Transaction> {
    this.#tx = await this.#db.begin(this.#options)
    return this.#tx
  }

  async #settle(commit: boolean): Promise<void> {
    // a BEGIN that failed was told to whoever ran the statement; there is nothing to end then
    const tx = await this.#beginning?.catch(() => undefined)
    if (!tx) this.#unused = true
    else if (commit) await tx.complete()
    else await tx.abandon()
  }

  #assertOpen(): void {
    if (this.#settling) throw closed()
  }
}

function closed(): TransactionClosedError {
  return new TransactionClosedError("the request's transaction is closed", {
    hint: 'await every statement before you answer, and use the transaction only while its request is handled',
  })
}
