import { limitsFrom, type Limits } from '../core/deadline.js'
import type { Dialect } from '../core/dialect.js'
import { SluiceError, TransactionClosedError } from '../core/errors.js'
import type { QueryOptions, StreamOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import { ambientTransaction, inside } from './ambient.js'
import { checkWork } from './call-check.js'
import { commit, unknownWhole } from './commit.js'
import { Face } from './face.js'
import { Hooks } from './hooks.js'
import type { PinnedSession } from './pinned.js'
import { TransactionPath } from './transaction-path.js'

export type { TransactionOptions } from './transaction-options.js'

/** How long ROLLBACK may take before the connection is thrown away instead. */
const ROLLBACK_MS = 2_000

/** How a transaction ended; `unknown`: the answer to COMMIT was lost and could not be found out. */
export type TransactionOutcome = 'committed' | 'rolled-back' | 'unknown'

/** What a transaction needs to know of the place it was opened in. */
export interface TransactionParts {
  readonly database: object
  readonly dialect: Dialect
  readonly session: PinnedSession
  /** The object that stands for the whole transaction in the pool's books. */
  readonly identity: object
  readonly limits: Limits
  /** An idempotency key will tell what became of it, should the answer to COMMIT be lost: the server is not asked. */
  readonly keyed?: boolean
  /** Set on a savepoint. */
  readonly outer?: Transaction
  /** Called once when the outermost transaction has ended, with its outcome. */
  onEnd(outcome: TransactionOutcome): void
}

/**
 * A transaction, or a savepoint inside one. Statements run one after another on its own connection; after it has been
 * committed or rolled back every use throws {@link TransactionClosedError}. Dropped without commit
 * (`await using tx = await db.begin()`) it is rolled back.
 */
export class Transaction extends Face {
  /** @internal Stands for the whole transaction, savepoints included. */
  readonly identity: object
  #parts: TransactionParts
  readonly #path: TransactionPath
  readonly #savepoint: string | undefined
  readonly #hooks = new Hooks()
  #state: 'open' | TransactionOutcome = 'open'
  #ending: Promise<void> | undefined
  #innerDone: Promise<unknown> = Promise.resolve()
  #depth = 0

  /** @internal */
  constructor(parts: TransactionParts) {
    const path = new TransactionPath(parts.session, () => { this.#assertOpen() })
    super(path)
    this.#path = path
    this.#parts = parts
    this.identity = parts.identity
    this.#depth = parts.outer ? parts.outer.#depth + 1 : 0
    this.#savepoint = parts.outer ? `sluice_${String(this.#depth)}` : undefined
  }

  /** `open`, or how it ended. */
  get state(): 'open' | TransactionOutcome { return this.#state }

  /** @internal A statement that is made already. */
  run<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>> { return this.#path.run<Row>(statement, options) }

  /** @internal Statements that are made already, in one round trip where the engine can. */
  runAll(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]> { return this.#path.batch(statements, options) }

  /** @internal A stream's rows in the batches they came in. */
  batches<Row>(statement: Statement, options: StreamOptions<Row>): AsyncIterable<Row[]> { return this.#path.stream(statement, options) }

  /** @internal From now on everything ends by then, the COMMIT too. */
  limit(limits: Limits): void {
    this.#parts = { ...this.#parts, limits }
    this.session.limit(limits)
  }

  /** @internal */
  get session(): PinnedSession { return this.#parts.session }

  /** Name of the server it runs on. */
  get node(): string { return this.#parts.session.node.name }

  /** Runs `hook` once the outermost transaction is committed. A throwing hook is reported as a warning. */
  afterCommit(hook: () => unknown): void {
    this.#assertOpen()
    this.#hooks.afterCommit(hook)
  }

  /** Runs `hook` once this transaction (or the one around it) is rolled back. */
  afterRollback(hook: () => unknown): void {
    this.#assertOpen()
    this.#hooks.afterRollback(hook)
  }

  /**
   * Runs `work` under a savepoint: when it throws, only its own changes are undone. Savepoints asked for at the same
   * time run one after another.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T> | T): Promise<T> {
    checkWork(work)
    const innermost = ambientTransaction(this.#parts.database)
    if (innermost instanceof Transaction && innermost !== this && innermost.isInside(this)) return innermost.transaction(work)
    const turn = this.#innerDone.then(() => this.#runInner(work))
    this.#innerDone = turn.catch(() => undefined)
    return turn
  }

  /** @internal Whether this is an open savepoint somewhere inside `other`. */
  isInside(other: Transaction): boolean {
    if (this.#state !== 'open') return false
    for (let outer = this.#parts.outer; outer; outer = outer.#parts.outer) if (outer === other) return true
    return false
  }

  /**
   * Makes the changes permanent.
   *
   * @throws {@link TransactionRolledBackError} an earlier error had aborted it: nothing was stored
   * @throws {@link TransactionOutcomeUnknownError} the answer was lost and the server could not tell
   */
  async commit(): Promise<void> {
    this.#assertOpen()
    return this.#ending ??= this.#savepoint ? this.#release(this.#savepoint) : this.#commit()
  }

  /** Undoes the changes. Never rejects for a lost connection: the server undoes them by itself. */
  async rollback(): Promise<void> {
    this.#assertOpen()
    return this.#ending ??= this.#rollback()
  }

  /** @internal What became of a COMMIT whose answer was lost: those who want to know of it are told now. */
  async foundOut(outcome: 'committed' | 'rolled-back'): Promise<void> {
    if (this.#state !== 'unknown') return
    this.#state = outcome
    await this.#hooks.fire(outcome, this.node, this.#parts.session.parts.notifier)
  }

  /** @internal Commits unless the callback has settled it itself. */
  async complete(): Promise<void> {
    if (this.#ending) return this.#ending
    if (this.#state === 'open') await this.commit()
  }

  /** @internal Rolls back unless it is settled; never rejects. */
  async abandon(): Promise<void> {
    if (!this.#ending && this.#state === 'open') this.#ending = this.#rollback()
    await this.#ending?.catch(() => undefined)
  }

  /** Rolls back when it is still open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.abandon()
  }

  /**
   * @internal Runs these statements and commits, in one round trip where the engine can. When that fails nothing was stored
   * (and the transaction is still to be abandoned), or it throws {@link TransactionOutcomeUnknownError}.
   */
  async whole(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]> {
    this.#assertOpen()
    const together = this.#path.whole(statements, options)
    if (!together) return this.#path.batch(statements, options)
    try {
      const results = await together
      await (this.#ending = this.#end('committed'))
      return results
    } catch (error) {
      const unknown = unknownWhole(this.#parts.session, error)
      if (!unknown) throw error
      this.#parts.session.history.doubt()
      await (this.#ending = this.#end('unknown'))
      throw this.#parts.session.own(unknown)
    }
  }

  async #runInner<T>(work: (tx: Transaction) => Promise<T> | T): Promise<T> {
    this.#assertOpen()
    const { session, database } = this.#parts
    session.refuseBesideStream(undefined)
    const inner = new Transaction({ ...this.#parts, outer: this, onEnd: () => undefined })
    await session.control(`SAVEPOINT ${inner.#savepoint ?? ''}`)
    try {
      const value = await inside(database, inner, () => work(inner))
      await inner.complete()
      return value
    } catch (error) {
      await inner.abandon()
      throw error
    }
  }

  async #release(savepoint: string): Promise<void> {
    const { session, outer } = this.#parts
    try {
      this.#assertOuterOpen()
      await session.settled()
      await session.control(`RELEASE SAVEPOINT ${savepoint}`)
    } catch (error) {
      this.#ending = undefined
      throw error
    }
    this.#state = 'committed'
    if (outer) this.#hooks.promoteTo(outer.#hooks)
  }

  async #commit(): Promise<void> {
    const { session, dialect, limits, keyed = false } = this.#parts
    await session.settled()
    const { state, error } = await commit(session, dialect, limits, keyed)
    if (state === 'refused') await this.#rollback()
    else await this.#end(state)
    if (error) throw session.own(error)
  }

  async #rollback(): Promise<void> {
    const { session } = this.#parts
    if (!this.#savepoint) {
      session.abort(this.#closedError('rolled-back'))
      session.history.undone()
    }
    try {
      if (!session.lost && this.#outersOpen()) await this.#undo()
    } catch (error) {
      session.lost ??= error instanceof SluiceError ? error : this.#closedError('unknown')
    }
    await this.#end('rolled-back')
  }

  async #undo(): Promise<void> {
    const { session } = this.#parts
    await session.settled()
    if (session.unopened) return
    const limits = limitsFrom(ROLLBACK_MS)
    if (!this.#savepoint) return void await session.control('ROLLBACK', limits)
    await session.control(`ROLLBACK TO SAVEPOINT ${this.#savepoint}`, limits)
    await session.control(`RELEASE SAVEPOINT ${this.#savepoint}`, limits)
    session.conflict = undefined
  }

  async #end(outcome: TransactionOutcome): Promise<void> {
    this.#state = outcome
    const { session, outer } = this.#parts
    if (!outer) {
      session.close(this.#closedError(outcome))
      const announced = outcome === 'rolled-back' ? undefined : session.announce()
      await session.end()
      await announced
      this.#parts.onEnd(outcome)
    }
    await this.#hooks.fire(outcome, this.node, session.parts.notifier)
  }

  /** Once a transaction around it has ended, a savepoint is gone: nothing may be sent for it any more. */
  #outersOpen(): boolean {
    for (let outer = this.#parts.outer; outer; outer = outer.#parts.outer) if (outer.#state !== 'open' || outer.#ending) return false
    return true
  }

  #assertOuterOpen(): void {
    if (!this.#outersOpen()) throw this.#closedError('ended with the transaction around it')
  }

  #assertOpen(): void {
    if (this.#state !== 'open' || this.#ending) throw this.#closedError(this.#state === 'open' ? 'ending' : this.#state)
    this.#assertOuterOpen()
  }

  #closedError(state: string): TransactionClosedError {
    return new TransactionClosedError(`the transaction is closed (${state})`, {
      node: this.node, hint: 'await everything you start inside the callback, and use the transaction only there',
    })
  }
}
