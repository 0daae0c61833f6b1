import { limitsFrom, UNLIMITED, type Limits } from '../core/deadline.js'
import { DeadlockError, SerializationError, SluiceError, TransactionClosedError } from '../core/errors.js'
import type { Notifier } from '../core/notify.js'
import type { QueryOptions, StreamOptions } from '../core/queryable.js'
import type { DriverResult, QueryResult, Route } from '../core/result.js'
import { statement as makeStatement, type SqlRenderer, type Statement } from '../core/statement.js'
import type { Loan } from '../pool/loan.js'
import type { Node } from '../router/node.js'
import type { Classification, Classifier } from '../sql/classifier.js'
import { observed } from './observed.js'
import { answer, judge } from './run.js'
import type { Call, Execute } from './execute.js'
import type { Statistics } from './statistics.js'

/** What pinned work needs of its database. */
export interface PinnedParts {
  readonly classifier: Classifier
  readonly renderer: SqlRenderer
  readonly statistics: Statistics
  readonly notifier: Notifier
  readonly slowQueryMs: number
  readonly statementTimeoutMs: number
  readonly readOnly: boolean
}

/**
 * One borrowed connection used by one owner: statements run strictly one after another in the order they were asked for
 * (so `Promise.all` is safe), and the owner's limits bound each of them.
 */
export class PinnedSession {
  readonly parts: PinnedParts
  readonly node: Node
  readonly loan: Loan
  readonly #route: Route
  readonly #execute: Execute
  #tail: Promise<unknown> = Promise.resolve()
  #limits: Limits = UNLIMITED
  #closed: SluiceError | undefined
  /** A statement may have changed the session's state: it is reset before anyone else gets the connection. */
  dirty = false
  /** Something that is no proven read was sent. */
  wrote = false
  /** The server undid the transaction because of a conflict with another one. */
  conflict: SluiceError | undefined
  /** The connection was lost. */
  lost: SluiceError | undefined

  constructor(parts: PinnedParts, node: Node, loan: Loan, route: Route) {
    this.parts = parts
    this.node = node
    this.loan = loan
    this.#route = route
    this.#execute = observed((statement, call) => this.#send(statement, call), { ...parts, roleOf: () => node.role })
  }

  /** Every later statement ends by then at the latest. */
  limit(limits: Limits): void { this.#limits = limits }

  /** From now on every statement is refused with `reason`. */
  close(reason: SluiceError): void { this.#closed ??= reason }

  /** Runs one of the caller's statements, after those already asked for. */
  run<Row>(statement: Statement, options: QueryOptions, classification: Classification): Promise<QueryResult<Row>> {
    this.#note(statement, classification)
    const call: Call = { options, classification, limits: this.#limitsOf(options), startedAt: performance.now(), attempt: 1 }
    return this.enqueue(() => this.#execute<Row>(statement, call))
  }

  /** Streams one of the caller's statements; later statements wait until the stream has ended. */
  async *stream<Row>(statement: Statement, options: StreamOptions<Row>, classification: Classification): AsyncGenerator<Row[]> {
    this.#note(statement, classification)
    let done = (): void => undefined
    const turn = this.#tail
    this.#tail = new Promise<void>((resolve) => { done = resolve })
    try {
      await turn
      this.#refuseWhenClosed(statement.text)
      yield* this.loan.stream<Row>(statement, this.#limitsOf(options), options.batchSize ?? 100)
    } finally {
      done()
    }
  }

  /** Runs one of our own statements (BEGIN, COMMIT, SAVEPOINT, …), in turn. */
  control(text: string, limits: Limits = this.#limits): Promise<DriverResult> {
    return this.enqueue(() => this.#query(makeStatement(text), limits), true)
  }

  /** Runs `work` when everything asked for before has ended, whether it succeeded or not. */
  enqueue<T>(work: () => Promise<T>, evenWhenClosed = false): Promise<T> {
    const turn = this.#tail.then(() => {
      if (!evenWhenClosed) this.#refuseWhenClosed(undefined)
      return work()
    })
    this.#tail = turn.catch(() => undefined)
    return turn
  }

  /** Waits for the statements already asked for. */
  async settled(): Promise<void> { await this.#tail }

  /** Gives the connection back, reset where its state may have changed, discarded where it is not certain. */
  async end(): Promise<void> {
    const { loan } = this
    if (this.lost || loan.connection.broken) return void loan.discard('lost')
    if (loan.connection.idle === false) return void loan.discard('left inside a transaction')
    if (!this.dirty) return void loan.release()
    try {
      if (!loan.connection.reset) return void loan.discard('its session state cannot be reset')
      await loan.connection.reset()
      loan.release()
    } catch {
      loan.discard('its session state could not be reset')
    }
  }

  async #send<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    const result = await this.#query<Row>(statement, call.limits)
    return answer(result, this.node, this.#route, call.startedAt)
  }

  async #query<Row>(statement: Statement, limits: Limits): Promise<DriverResult<Row>> {
    const sentAt = performance.now()
    this.node.inFlight++
    try {
      const result = await this.loan.query<Row>(statement, limits)
      this.node.answered(performance.now() - sentAt)
      return result
    } catch (error) {
      judge(this.node, error, performance.now() - sentAt)
      if (error instanceof DeadlockError || error instanceof SerializationError) this.conflict ??= error
      if (error instanceof SluiceError && (error.connectionLost || this.loan.connection.broken)) this.lost ??= error
      throw error
    } finally {
      this.node.inFlight--
    }
  }

  #note(statement: Statement, classification: Classification): void {
    if (classification.class !== 'read') this.wrote = true
    if (classification.class === 'session' && !TRANSACTION_LOCAL.test(statement.text)) this.dirty = true
  }

  #limitsOf(options: QueryOptions): Limits {
    const own = limitsFrom(options.timeoutMs ?? this.parts.statementTimeoutMs, options.signal)
    const { expiresAt, signal } = this.#limits
    if (expiresAt >= own.expiresAt && (!signal || signal === own.signal)) return own
    return { expiresAt: Math.min(expiresAt, own.expiresAt), signal: own.signal && signal ? AbortSignal.any([own.signal, signal]) : own.signal ?? signal }
  }

  #refuseWhenClosed(sql: string | undefined): void {
    if (!this.#closed) return
    throw new TransactionClosedError(this.#closed.message, { cause: this.#closed.cause, sql, node: this.node.name, hint: this.#closed.hint })
  }
}

/** Settings that end with the transaction by themselves need no reset. */
const TRANSACTION_LOCAL = /^\s*set\s+(local|constraints|transaction)\b/i
