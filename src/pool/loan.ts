import type { Limits } from '../core/deadline.js'
import type { Connection } from '../core/driver.js'
import { QueryError, type SluiceError } from '../core/errors.js'
import type { DriverResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import { GuardedCall, limitError, lostBefore, lostBetween, type GuardedContext } from './guarded.js'
import type { Member } from './member.js'
import { ask, askBehind } from './question.js'
import { settle, type Doubt } from './settle.js'
import type { Holder } from './stats.js'

/** What a loan needs of its pool. */
export interface LoanHost {
  readonly name: string
  explain(cause: unknown, sql: string | undefined, neverSent: boolean): SluiceError
  /** The loan has ended; `discard` says why its connection must not live on. */
  returned(loan: Loan, member: Member, discard: string | undefined): void
  /** Drops the connection under a loan that is not given back. */
  cutOff(member: Member): void
  /** The loan was ended a second time. */
  endedTwice(loan: Loan): void
}

/** Facts of a loan, decided when it is made. */
export interface LoanFacts {
  readonly label: string | undefined
  readonly text: string | undefined
  readonly owner: object | undefined
}

/** What became of a batch, also of one that was refused. */
export interface BatchProgress {
  done: number
  failedAt: number | undefined
}

/**
 * One exclusive loan of a connection: the only way to run statements on it. Limits are enforced here, for every engine.
 *
 * Invariant: a connection has at most one loan that is not released.
 */
export class Loan {
  readonly connection: Connection
  readonly label: string | undefined
  /** The transaction that holds this loan. */
  readonly owner: object | undefined
  /** `performance.now()` when it was made. */
  readonly lentAt: number
  /** Where it was taken; only with leak detection. */
  readonly capture: Error | undefined
  /** Leak detection's timer, cleared by the pool when the loan ends. */
  leakTimer: NodeJS.Timeout | undefined = undefined
  readonly #host: LoanHost
  readonly #member: Member
  #released = false
  #running = 0
  #text: string | undefined
  #changedAt: number
  #settling: Promise<void> | undefined
  #context: GuardedContext | undefined

  constructor(host: LoanHost, member: Member, facts: LoanFacts, now: number, capture: Error | undefined) {
    this.#host = host
    this.#member = member
    this.connection = member.connection
    this.label = facts.label
    this.owner = facts.owner
    this.#text = facts.text
    this.lentAt = now
    this.#changedAt = now
    this.capture = capture
  }

  /** Statements sent on this loan and not yet ended. */
  get running(): number { return this.#running }

  /**
   * Runs one statement within `limits`. When they are reached the statement is cancelled on the server, and the caller
   * hears how it ended: a result that still arrives is returned; else {@link QueryTimeoutError} or
   * {@link QueryCancelledError}, with `connectionLost: true` when the server did not say (then the outcome is unknown).
   *
   * @throws SluiceError subclasses only; `neverSent` when nothing left this process
   */
  query<Row = Record<string, unknown>>(statement: Statement, limits: Limits): Promise<DriverResult<Row>> {
    const refusal = this.#refusal(statement.text, limits)
    if (refusal) return Promise.reject(refusal)
    this.#text = statement.text
    const unlimited = limits.expiresAt === Infinity && limits.signal === undefined
    if (unlimited && this.#member.doubt === undefined) return this.#plain<Row>(statement)
    return this.#guard(() => this.connection.query<Row>(statement), statement.text, limits)
  }

  /** Whether {@link Loan.batch} exists here. */
  get batches(): boolean { return this.connection.batch !== undefined }

  /**
   * Runs several statements in one round trip within `limits`, which span them all; rejects with the first failure.
   *
   * @param progress - told how many were done, also when this rejects
   */
  batch(statements: readonly Statement[], limits: Limits, progress: BatchProgress = { done: 0, failedAt: undefined }): Promise<DriverResult[]> {
    const first = statements[0]?.text ?? ''
    const refusal = this.#refusal(first, limits)
    if (refusal) return Promise.reject(refusal)
    this.#text = first
    const send = async (): Promise<DriverResult[]> => {
      const answer = await this.connection.batch?.(statements)
      if (!answer) throw new Error('this engine answers one statement at a time')
      progress.done = answer.results.length
      progress.failedAt = answer.failure?.at
      if (answer.failure) throw answer.failure.cause
      return [...answer.results]
    }
    const context: GuardedContext = {
      ...this.#makeContext(),
      explain: (cause, sql, neverSent) => this.#host.explain(cause, statements[progress.failedAt ?? -1]?.text ?? sql, neverSent),
    }
    this.#began()
    return new GuardedCall(context, first, limits, send, this.#member.doubt ? this.#settle() : undefined).promise
  }

  /**
   * Runs one statement and asks a question right behind it, on its way with it where the engine can pipeline. The answer to
   * the question is of a moment after the statement's end (its commit, outside a transaction block); undefined when there
   * is none, which never fails the statement.
   *
   * @throws what {@link Loan.query} throws for the statement; the question's answer is waited for, too
   */
  async queryThen<Row = Record<string, unknown>>(
    statement: Statement, question: Statement, limits: Limits,
  ): Promise<{ readonly result: DriverResult<Row>; readonly answer: DriverResult | undefined }> {
    const refusal = this.#refusal(statement.text, limits)
    if (refusal) throw refusal
    // what comes behind such a statement is taken for its data
    if (statement.data !== undefined) return { result: await this.query<Row>(statement, limits), answer: await this.ask(question) }
    return this.behind(question, () => this.query<Row>(statement, limits))
  }

  /** {@link Loan.queryThen}, behind whatever `send` sends at once. */
  async behind<T>(question: Statement, send: () => Promise<T>): Promise<{ readonly result: T; readonly answer: DriverResult | undefined }> {
    const { connection } = this
    const together = connection.pipeline !== undefined && !connection.server.pooled && this.#member.doubt === undefined
    return together ? askBehind(connection, question, send) : { result: await send(), answer: await this.ask(question) }
  }

  /** The answer to a question of our own; undefined when there is none. Never rejects. */
  async ask(question: Statement): Promise<DriverResult | undefined> {
    return this.#released ? undefined : ask(this.connection, question)
  }

  /**
   * Rows in batches; `limits` span the whole stream. Leaving the loop early closes the cursor. Where the driver cannot
   * stream, the result is read at once and cut into batches.
   */
  async *stream<Row = Record<string, unknown>>(statement: Statement, limits: Limits, batchSize: number): AsyncGenerator<Row[], void, undefined> {
    if (!this.connection.stream) {
      const { rows } = await this.query<Row>(statement, limits)
      for (let start = 0; start < rows.length; start += batchSize) yield rows.slice(start, start + batchSize)
      return
    }
    this.#text = statement.text
    const batches = this.connection.stream<Row>(statement, { batchSize })[Symbol.asyncIterator]()
    let open = false
    try {
      for (;;) {
        const refused = this.#refusal(statement.text, limits, !open)
        if (refused) throw refused
        if (open && this.connection.broken) throw lostBetween(this.#host.name, statement.text)
        open = false // an iterator that rejects has closed its cursor itself
        const next = await this.#guard(() => batches.next(), statement.text, limits)
        if (next.done) return
        open = true
        yield next.value
      }
    } finally {
      if (open) await this.#closeCursor(batches, statement.text)
    }
  }

  /** Back to the state of a new session. Rejects when that is not certain; discard the loan then. */
  async reset(limits: Limits): Promise<void> {
    const refusal = this.#refusal('', limits)
    if (refusal) throw refusal
    const { connection } = this
    if (!connection.reset) throw new QueryError(`${this.#host.name}: this engine cannot reset a session`, undefined, { neverSent: true })
    await this.#guard(() => connection.reset?.() ?? Promise.resolve(), 'reset', limits)
  }

  /** Gives the connection back. A second call changes nothing and is told to the observers as a warning. */
  release(): void {
    this.#endLoan(undefined)
  }

  /** Ends the loan and throws the connection away. */
  discard(reason: string): void {
    this.#endLoan(reason)
  }

  /** The pool closes over this loan: its connection is dropped, statements running on it reject. */
  cutOff(): void {
    this.#host.cutOff(this.#member)
  }

  /** What is known of this loan, for errors, status pages and warnings. */
  holder(now: number): Holder {
    const idle = this.connection.idle === false ? 'idle in transaction' : 'idle'
    return {
      ageMs: now - this.lentAt, label: this.label, text: this.#text, transaction: this.owner !== undefined,
      state: this.#running > 0 ? 'running' : idle, stateMs: now - this.#changedAt, stack: this.capture?.stack,
    }
  }

  #endLoan(discard: string | undefined): void {
    if (this.#released) {
      this.#host.endedTwice(this)
      return
    }
    this.#released = true
    this.#host.returned(this, this.#member, discard)
  }

  /** The hot path: no timer, no listener, no closure. */
  async #plain<Row>(statement: Statement): Promise<DriverResult<Row>> {
    this.#began()
    try {
      return await this.connection.query<Row>(statement)
    } catch (cause) {
      throw this.#host.explain(cause, statement.text, false)
    } finally {
      this.#ended()
    }
  }

  #guard<T>(send: () => Promise<T>, sql: string, limits: Limits): Promise<T> {
    this.#began()
    this.#context ??= this.#makeContext()
    return new GuardedCall(this.#context, sql, limits, send, this.#member.doubt ? this.#settle() : undefined).promise
  }

  #makeContext(): GuardedContext {
    return {
      node: this.#host.name,
      connection: this.connection,
      explain: (cause, sql, neverSent) => this.#host.explain(cause, sql, neverSent),
      doubted: (doubt: Doubt) => { this.#member.doubt = doubt },
      ended: () => { this.#ended() },
    }
  }

  /** A transaction lives on after a cancelled statement; its next one waits until the cancel is spent. */
  #settle(): Promise<void> {
    this.#settling ??= this.#settled().finally(() => { this.#settling = undefined })
    return this.#settling
  }

  async #settled(): Promise<void> {
    const { doubt } = this.#member
    if (!doubt) return
    const found = await settle(this.connection, doubt, (cause) => this.#host.explain(cause, undefined, false))
    if (found === 'dead') this.connection.destroy()
    if (found === 'usable') this.#member.tainted = true
    if (this.#member.doubt === doubt) this.#member.doubt = undefined
  }

  async #closeCursor(batches: AsyncIterator<unknown>, sql: string): Promise<void> {
    try {
      if (this.connection.broken) await batches.return?.()
      else await this.#guard(async () => batches.return?.(), sql, { expiresAt: performance.now() + CURSOR_CLOSE_MS, signal: undefined })
    } catch {
      this.connection.destroy()
    }
  }

  #refusal(sql: string, limits: Limits, fresh = true): SluiceError | undefined {
    const { name } = this.#host
    if (this.#released) {
      return new QueryError(`${name}: a statement was sent on a connection that had been given back`, undefined, {
        node: name, sql, neverSent: true, hint: 'await every statement before the callback that borrowed the connection returns',
      })
    }
    if (limits.signal?.aborted) return limitError('abort', name, sql, limits, { neverSent: fresh, ms: 0 })
    if (limits.expiresAt !== Infinity && limits.expiresAt <= performance.now()) {
      return limitError('timeout', name, sql, limits, { neverSent: fresh, ms: 0 })
    }
    return fresh && this.connection.broken ? lostBefore(name, sql) : undefined
  }

  #began(): void {
    if (this.#running++ === 0) this.#changedAt = performance.now()
  }

  #ended(): void {
    if (--this.#running === 0) this.#changedAt = performance.now()
  }
}

/** Closing a cursor is one round trip; a server that takes longer has lost the connection. */
const CURSOR_CLOSE_MS = 1_000
