import { TRANSACTION_CHANNEL, traced } from '../core/channels.js'
import { backoffMs } from '../core/backoff.js'
import { limitsFrom, remainingMs, withinMs, type Limits } from '../core/deadline.js'
import type { Dialect } from '../core/dialect.js'
import {
  ConnectionError, DeadlockError, QueryCancelledError, QueryTimeoutError, ReadOnlyNodeError, SerializationError, SluiceError, TransactionRolledBackError,
} from '../core/errors.js'
import { NO_OPTIONS } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { IdempotencySettings, RetrySettings } from '../core/settings.js'
import type { Statement } from '../core/statement.js'
import type { Node } from '../router/node.js'
import { inside, waitingTransactions } from './ambient.js'
import { borrow, type FailoverParts } from './failing-over.js'
import { ConflictGate } from './gate.js'
import { bounded } from './bounded-work.js'
import { Idempotency, type KeyedWork } from './idempotency.js'
import { pause } from './pause.js'
import type { PinnedParts } from './pinned-parts.js'
import { PinnedSession } from './pinned.js'
import { retryPlan } from './retry-plan.js'
import { Transaction, type TransactionOptions, type TransactionOutcome } from './transaction.js'
import { Watch } from './watch.js'

/** What running transactions needs of the database. */
export interface TransactionsParts {
  readonly database: object
  readonly dialect: Dialect
  readonly failover: FailoverParts
  readonly pinned: PinnedParts
  readonly retry: RetrySettings
  readonly idempotency: IdempotencySettings
}

/** How often BEGIN itself is tried on another connection when the first one turns out to be dead. */
const BEGIN_ATTEMPTS = 3

/** What is done in a transaction, within its limits. */
type Work<T> = (tx: Transaction, limits: Limits) => Promise<T>

/** Which attempt it is, and how long it may take (0: as long as all of them). */
interface Try {
  readonly attempt: number
  readonly perTryMs: number
}

/** How a transaction is opened: at once, or with its first statement; and who wants to know of its end. */
interface Opened {
  readonly now: boolean
  readonly ended?: () => void
}

const LATER: Opened = Object.freeze({ now: false })

/** Opens transactions, and re-runs whole callbacks when the server undid them because of a conflict. */
export class Transactions {
  readonly #parts: TransactionsParts
  readonly #gate = new ConflictGate()

  readonly #idempotency: Idempotency

  constructor(parts: TransactionsParts) {
    this.#parts = parts
    const { dialect, idempotency: settings, pinned: { notifier } } = parts
    this.#idempotency = new Idempotency({ dialect, settings, notifier, run: (work, options) => this.#plain(work, options) })
  }

  /** Runs `work` in a transaction of its own: commit when it returns, rollback when it throws. */
  run<T>(work: (tx: Transaction) => Promise<T> | T, options: TransactionOptions): Promise<T> {
    const { idempotencyKey: key, name = '' } = options
    return key === undefined ? this.#plain(work, options) : this.once({ key, what: `transaction ${name}`, work }, options)
  }

  /** Runs work that is to be done once for its key. */
  once<T>(keyed: KeyedWork<T>, options: TransactionOptions): Promise<T> {
    const within = { ...options, idempotencyKey: keyed.key }
    return this.#idempotency.once(keyed, (work) => this.#plain(work, within), options)
  }

  #plain<T>(work: (tx: Transaction) => Promise<T> | T, options: TransactionOptions): Promise<T> {
    return this.#run((tx, limits) => bounded(() => inside(this.#parts.database, tx, () => work(tx)), limits, options.name), options)
  }

  /**
   * These statements as one transaction. Its time is that of its statements: a race with a timer could not know whether the
   * COMMIT that rides with them was done.
   */
  batch(statements: readonly Statement[], options: TransactionOptions): Promise<QueryResult[]> {
    return this.#run((tx) => tx.whole(statements, NO_OPTIONS), options)
  }

  #run<T>(work: Work<T>, options: TransactionOptions): Promise<T> {
    const { name, label, isolationLevel, readOnly = false } = options
    return traced(TRANSACTION_CHANNEL, () => this.#runAgain(work, options), () => ({ name, label, isolationLevel, readOnly }))
  }

  async #runAgain<T>(work: Work<T>, options: TransactionOptions): Promise<T> {
    const limits = limitsFrom(options.timeoutMs ?? options.retry?.timeoutMs, options.signal)
    const { attempts, perTryMs, pace } = retryPlan(this.#parts.retry, 'transactions', options.retry)
    const retries = options.retries ?? attempts - 1
    const gateName = options.name ?? (options.isolationLevel === 'serializable' ? '(serializable)' : undefined)
    let opened = 1
    for (let attempt = 0; ; attempt++) {
      const leave = gateName === undefined ? undefined : await this.#gate.enter(gateName, attempt, limits)
      try {
        return await this.#attempt(work, options, limits, { attempt, perTryMs })
      } catch (error) {
        if (!(error instanceof Rerun)) throw error
        // where BEGIN rides with the first statement the callback hears of a dead connection: that is no attempt
        if (error.beforeBegin && opened++ < BEGIN_ATTEMPTS) attempt--
        else if (attempt >= retries) throw error.reason
        if (remainingMs(limits) === 0 || limits.signal?.aborted) throw error.reason
      } finally {
        leave?.()
      }
      await pause(Math.min(backoffMs(attempt, pace), remainingMs(limits)), limits.signal)
    }
  }

  /** Opens a transaction for the caller to end; it is rolled back when its limits come first. */
  async begin(options: TransactionOptions): Promise<Transaction> {
    const limits = limitsFrom(options.timeoutMs, options.signal)
    const watch = new Watch(limits)
    const tx = await this.#begin(options, limits, 0, { now: true, ended: () => { watch.end() } })
    watch.start(() => { void tx.abandon() })
    return tx
  }

  async #attempt<T>(work: Work<T>, options: TransactionOptions, all: Limits, { attempt, perTryMs }: Try): Promise<T> {
    const tx = await this.#begin(options, all, attempt)
    const { session } = tx
    const limits = perTryMs > 0 ? withinMs(all, perTryMs) : all
    if (limits !== all) tx.limit(limits)
    try {
      const value = await work(tx, limits)
      await tx.complete()
      return value
    } catch (thrown) {
      await tx.abandon()
      const late = tx.state === 'rolled-back' && thrown instanceof QueryTimeoutError && remainingMs(limits) === 0
      const again = late ? thrown : rerunReason(thrown, session, options) ?? lostReason(thrown, session, options)
      const reason = again ?? await this.#movedReason(thrown, session)
      if (thrown instanceof SluiceError && session.lostAtOpening && session.caused(thrown)) throw new Rerun(thrown, true)
      throw reason ? new Rerun(reason) : thrown
    }
  }

  async #begin(options: TransactionOptions, limits: Limits, attempt: number, how: Opened = LATER): Promise<Transaction> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#open(options, limits, attempt, how)
      } catch (error) {
        // a connection that could not be had in time is not asked for again: the caller has waited for it already
        const dead = error instanceof ConnectionError && !error.permanent && (error.connectionLost || error.reason === 'lost')
        if (!dead || tries >= BEGIN_ATTEMPTS || remainingMs(limits) === 0 || limits.signal?.aborted) throw error
      }
    }
  }

  /** A write was refused because the server is no primary (any more): another attempt goes to the one that is. */
  async #movedReason(thrown: unknown, session: PinnedSession): Promise<SluiceError | undefined> {
    const { router: { roles }, ask } = this.#parts.failover
    if (!(thrown instanceof ReadOnlyNodeError) || !session.caused(thrown) || session.readOnly) return undefined
    await ask(session.node.name)
    return roles.writable === session.node ? undefined : thrown
  }

  async #open(options: TransactionOptions, limits: Limits, retries: number, { now, ended }: Opened): Promise<Transaction> {
    const { dialect, pinned } = this.#parts
    const identity = {}
    const startedAt = performance.now()
    const { node, loan } = await borrow(() => this.#nodeFor(options, limits), {
      limits, label: options.label ?? options.name ?? 'transaction', text: undefined, owner: identity, owners: waitingTransactions(),
    }, this.#parts.failover, options.readOnly)
    const session = new PinnedSession(pinned, node, loan, 'transaction')
    session.limit(limits)
    session.readOnly = options.readOnly === true
    try {
      await session.open(dialect.begin(options), limits, now)
    } catch (error) {
      session.lost ??= error as SluiceError
      await session.end()
      throw error
    }
    const onEnd = (outcome: TransactionOutcome): void => {
      ended?.()
      if (!pinned.notifier.listens('transaction')) return
      pinned.notifier.notify('transaction', { name: options.name, node: node.name, outcome, retries, durationMs: performance.now() - startedAt })
    }
    return new Transaction({ database: this.#parts.database, dialect, session, identity, limits, onEnd, keyed: options.idempotencyKey !== undefined })
  }

  async #nodeFor(options: TransactionOptions, limits: Limits): Promise<Node> {
    const { dialect, failover: { router }, pinned: { causal } } = this.#parts
    const onReplica = options.readOnly === true && options.target !== 'primary'
      && (options.isolationLevel !== 'serializable' || dialect.features.serializableOnReplica)
    if (!onReplica) return router.pickPrimary('transaction', 'a transaction that may write').node
    const { target, causalToken } = options
    const { node } = await causal.decideRead(() => router.planRead({ target }, 'a read-only transaction'), { target, causalToken }, limits, true)
    return node
  }
}

/** Says that the whole callback may run again, and what to throw when it may not any more. */
class Rerun extends Error {
  readonly reason: SluiceError
  /** The connection was dead when the transaction was to begin. */
  readonly beforeBegin: boolean

  constructor(reason: SluiceError, beforeBegin = false) {
    super('rerun')
    this.reason = reason
    this.beforeBegin = beforeBegin
  }
}

/**
 * Whether nothing of this attempt was stored and another one may succeed. Only what happened on the transaction's own
 * connection counts: an error that the callback brings from another database, or from a transaction of its own, says
 * nothing about this one.
 */
function rerunReason(thrown: unknown, session: PinnedSession, options: TransactionOptions): SluiceError | undefined {
  if (!session.caused(thrown)) return session.conflict
  if (thrown instanceof DeadlockError || thrown instanceof SerializationError) return thrown
  if (thrown instanceof TransactionRolledBackError && thrown.transient) return thrown
  if (thrown instanceof ConnectionError && (thrown.undone || (options.readOnly && thrown.connectionLost))) return thrown
  return session.conflict
}

/** Where a key tells whether it was done, the work may run again whatever became of it. */
function lostReason(thrown: unknown, session: PinnedSession, { idempotencyKey }: TransactionOptions): SluiceError | undefined {
  if (idempotencyKey === undefined || !session.caused(thrown) || !(thrown instanceof SluiceError)) return undefined
  if (thrown instanceof QueryTimeoutError || thrown instanceof QueryCancelledError) return undefined
  return thrown.connectionLost ? thrown : undefined
}
