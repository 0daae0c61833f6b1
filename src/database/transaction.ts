import { asError, limitsFrom, type Limits } from '../core/deadline.js'
import type { Dialect, IsolationLevel } from '../core/dialect.js'
import {
  ConnectionError, SluiceError, TransactionClosedError, TransactionOutcomeUnknownError, TransactionRolledBackError,
} from '../core/errors.js'
import type { StreamOptions } from '../core/queryable.js'
import type { Statement } from '../core/statement.js'
import { ambientTransaction, inside, outside } from './ambient.js'
import { Face } from './face.js'
import { resolveFate } from './fate.js'
import type { PinnedSession } from './pinned.js'
import { TransactionPath } from './transaction-path.js'

/** Options of a transaction. */
export interface TransactionOptions {
  readonly isolationLevel?: IsolationLevel | undefined
  /** The server refuses writes; it may then run on a replica (not when serializable, where replicas refuse that). */
  readonly readOnly?: boolean | undefined
  /** PostgreSQL, serializable read-only: wait for a snapshot that cannot fail. */
  readonly deferrable?: boolean | undefined
  /** Re-runs of the whole callback after a deadlock or serialization failure; default `retry.transactions`. */
  readonly retries?: number | undefined
  /** Milliseconds for all attempts together. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Name in metrics and errors; transactions of one name that keep conflicting are run one at a time. */
  readonly name?: string | undefined
  /** Where a read-only transaction runs. */
  readonly target?: 'primary' | 'replica' | undefined
  /** `false`: a transaction of its own, even inside another one. */
  readonly ambient?: boolean | undefined
}

/** How long ROLLBACK may take before the connection is thrown away instead. */
const ROLLBACK_MS = 2_000

type Hook = () => unknown
/** What a transaction needs to know of the place it was opened in. */
export interface TransactionParts {
  readonly database: object
  readonly dialect: Dialect
  readonly session: PinnedSession
  /** The object that stands for the whole transaction in the pool's books. */
  readonly identity: object
  readonly limits: Limits
  readonly name: string | undefined
  /** Set on a savepoint. */
  readonly outer?: Transaction
  /** Called once when the outermost transaction has ended, with its outcome. */
  onEnd(outcome: 'committed' | 'rolled-back' | 'unknown'): void
}

/**
 * A transaction, or a savepoint inside one. Statements run one after another on its own connection; after it has been
 * committed or rolled back every use throws {@link TransactionClosedError}. Dropped without commit
 * (`await using tx = await db.begin()`) it is rolled back.
 */
export class Transaction extends Face {
  /** @internal Stands for the whole transaction, savepoints included. */
  readonly identity: object
  readonly #parts: TransactionParts
  readonly #path: TransactionPath
  readonly #savepoint: string | undefined
  readonly #afterCommit: Hook[] = []
  readonly #afterRollback: Hook[] = []
  readonly #timeline: number | undefined
  #state: 'open' | 'committed' | 'rolled-back' | 'unknown' = 'open'
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
    this.#timeline = parts.session.node.facts?.timeline
  }

  /** `open`, `committed`, `rolled-back`, or `unknown` when the answer to COMMIT was lost and could not be found out. */
  get state(): 'open' | 'committed' | 'rolled-back' | 'unknown' { return this.#state }

  /** @internal A stream's rows in the batches they came in. */
  batches<Row>(statement: Statement, options: StreamOptions<Row>): AsyncIterable<Row[]> { return this.#path.stream(statement, options) }

  /** @internal */
  get session(): PinnedSession { return this.#parts.session }

  /** Name of the server it runs on. */
  get node(): string { return this.#parts.session.node.name }

  /** Runs `hook` once the outermost transaction is committed. A throwing hook is reported as a warning. */
  afterCommit(hook: Hook): void {
    this.#assertOpen()
    this.#afterCommit.push(hook)
  }

  /** Runs `hook` once this transaction (or the one around it) is rolled back. */
  afterRollback(hook: Hook): void {
    this.#assertOpen()
    this.#afterRollback.push(hook)
  }

  /**
   * Runs `work` under a savepoint: when it throws, only its own changes are undone. Savepoints asked for at the same
   * time run one after another.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T> | T): Promise<T> {
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
  commit(): Promise<void> {
    this.#assertOpen()
    return this.#ending ??= this.#savepoint ? this.#release() : this.#commit()
  }

  /** Undoes the changes. Never rejects for a lost connection: the server undoes them by itself. */
  rollback(): Promise<void> {
    this.#assertOpen()
    return this.#ending ??= this.#rollback()
  }

  /** @internal Commits unless the callback has settled it itself. */
  async complete(): Promise<void> {
    if (this.#ending) return this.#ending
    if (this.#state === 'open') await this.commit()
  }

  /** @internal Rolls back unless it is settled; never rejects. */
  async abandon(): Promise<void> {
    if (this.#ending) return this.#ending.catch(() => undefined)
    if (this.#state === 'open') await this.rollback()
  }

  /** Rolls back when it is still open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.abandon()
  }

  async #runInner<T>(work: (tx: Transaction) => Promise<T> | T): Promise<T> {
    this.#assertOpen()
    const inner = new Transaction({ ...this.#parts, outer: this, onEnd: () => undefined })
    await this.#parts.session.control(`SAVEPOINT ${inner.#savepoint ?? ''}`)
    try {
      const value = await inside(this.#parts.database, inner, () => work(inner))
      await inner.complete()
      return value
    } catch (error) {
      await inner.abandon()
      throw error
    }
  }

  async #release(): Promise<void> {
    try {
      await this.#parts.session.control(`RELEASE SAVEPOINT ${this.#savepoint ?? ''}`)
    } catch (error) {
      this.#ending = undefined
      throw error
    }
    this.#state = 'committed'
    const { outer } = this.#parts
    if (!outer) return
    outer.#afterCommit.push(...this.#afterCommit)
    outer.#afterRollback.push(...this.#afterRollback)
  }

  async #commit(): Promise<void> {
    const { session } = this.#parts
    await session.settled()
    let id: string | undefined
    try {
      if (session.lost) throw session.lost
      id = await this.#learnId()
    } catch (error) {
      return this.#failed(error)
    }
    try {
      const { command } = await session.control('COMMIT', this.#parts.limits)
      if (command === 'ROLLBACK') return await this.#failed(session.conflict ?? rolledBack(this.node))
    } catch (error) {
      if (error instanceof SluiceError && error.connectionLost && !error.neverSent) return this.#lostCommit(id, error)
      return this.#failed(error)
    }
    await this.#end('committed')
  }

  /** Before COMMIT is sent nothing is stored: an error here means rolled back. */
  async #failed(error: unknown): Promise<never> {
    await this.#rollback()
    throw asError(error)
  }

  async #learnId(): Promise<string | undefined> {
    const { session, dialect, limits } = this.#parts
    const probe = dialect.probes.transactionId
    if (!probe || !session.wrote || this.#timeline === undefined) return undefined
    const { rows } = await session.control(probe.statement.text, limits)
    return probe.read(rows)
  }

  async #lostCommit(id: string | undefined, cause: SluiceError): Promise<void> {
    const { session, dialect } = this.#parts
    if (!session.wrote) {
      await this.#end('rolled-back')
      throw new ConnectionError('lost', `${this.node}: the connection was lost at COMMIT of a transaction that changed nothing`, { cause, connectionLost: true })
    }
    const fate = id === undefined ? 'unknown' : await resolveFate(session.node, dialect, id, this.#timeline)
    if (fate === 'committed') return this.#end('committed')
    if (fate === 'aborted') {
      await this.#end('rolled-back')
      throw new TransactionRolledBackError(`${this.node}: the connection was lost at COMMIT; the server says it was rolled back`, {
        cause, node: this.node, transient: true, connectionLost: true,
      })
    }
    await this.#end('unknown')
    throw new TransactionOutcomeUnknownError('the answer to COMMIT was lost and the server could not say whether it was done', { cause, node: this.node })
  }

  async #rollback(): Promise<void> {
    const { session } = this.#parts
    if (!session.lost) {
      await this.#undo(limitsFrom(ROLLBACK_MS)).catch((error: unknown) => { session.lost ??= error as SluiceError })
    }
    await this.#end('rolled-back')
  }

  async #undo(limits: Limits): Promise<void> {
    const { session } = this.#parts
    if (!this.#savepoint) return void await session.control('ROLLBACK', limits)
    await session.control(`ROLLBACK TO SAVEPOINT ${this.#savepoint}`, limits)
    await session.control(`RELEASE SAVEPOINT ${this.#savepoint}`, limits)
    session.conflict = undefined
  }

  async #end(outcome: 'committed' | 'rolled-back' | 'unknown'): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = outcome
    const { session, outer } = this.#parts
    if (!outer) {
      session.close(new TransactionClosedError(closedMessage(outcome), { hint: 'await everything you start inside the callback' }))
      await session.end()
      this.#parts.onEnd(outcome)
    }
    if (outcome === 'committed') await this.#fire(this.#afterCommit)
    if (outcome === 'rolled-back') await this.#fire(this.#afterRollback)
  }

  async #fire(hooks: readonly Hook[]): Promise<void> {
    for (const hook of hooks) {
      try {
        await outside(hook)
      } catch (thrown) {
        const error = asError(thrown)
        this.#parts.session.parts.notifier.notify('warning', {
          code: 'SLUICE_HOOK_THREW', node: this.node, message: `a hook after the end of a transaction threw: ${error.message}`, error,
        })
      }
    }
  }

  #assertOpen(): void {
    if (this.#state === 'open' && !this.#ending) return
    throw new TransactionClosedError(closedMessage(this.#state === 'open' ? 'ending' : this.#state), { node: this.node, hint: 'await everything you start inside the callback' })
  }
}

function rolledBack(node: string): TransactionRolledBackError {
  return new TransactionRolledBackError(`${node}: COMMIT was answered with ROLLBACK: an earlier error had aborted the transaction`, {
    node, hint: 'a statement failed and its error was swallowed; use tx.transaction() to try something that may fail',
  })
}

function closedMessage(state: string): string {
  return `the transaction is closed (${state})`
}
