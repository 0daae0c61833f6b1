import { UNLIMITED, type Limits } from '../core/deadline.js'
import { DeadlockError, SerializationError, SluiceError, TransactionClosedError } from '../core/errors.js'
import type { QueryOptions, StreamOptions } from '../core/queryable.js'
import type { DriverResult, QueryResult, Route } from '../core/result.js'
import { statement as makeStatement, type Statement } from '../core/statement.js'
import { limitError } from '../pool/guarded.js'
import type { Loan } from '../pool/loan.js'
import type { Node } from '../router/node.js'
import type { Classification } from '../sql/classifier.js'
import { asking, askingAll } from './asking.js'
import type { Question } from './causal.js'
import type { Call, Execute } from './execute.js'
import { dirties, giveBack } from './give-back.js'
import { History } from './history.js'
import { Identity } from './identity.js'
import { observed, observedBatch, observedStream, type ObservedParts } from './observed.js'
import { DEFAULT_BATCH_SIZE, OpenStream } from './open-stream.js'
import { mayRide, Opening, type Admitted } from './opening.js'
import { answer, judge } from './outcome.js'
import { OwnerLimits } from './owner-limits.js'
import { besideStream, cutShort } from './pinned-errors.js'
import type { PinnedParts } from './pinned-parts.js'
import { Turns, type LateError } from './turns.js'
import { Changes } from './writes.js'

/**
 * One borrowed connection used by one owner: statements run strictly one after another in the order they were asked for
 * (so `Promise.all` is safe), and the owner's limits bound each of them, its wait in line included.
 */
export class PinnedSession {
  readonly parts: PinnedParts
  readonly node: Node
  readonly loan: Loan
  readonly #route: Route
  readonly #observed: ObservedParts
  readonly #execute: Execute
  readonly #turns = new Turns()
  readonly #limits: OwnerLimits
  #closed: SluiceError | undefined
  #stream: OpenStream | undefined
  #opening: Opening | undefined
  #cutting = false
  #ended = false
  readonly #errors = new WeakSet<Error>()
  readonly #changes = new Changes()
  /** A statement may have changed the session's state: it is reset before anyone else gets the connection. */
  dirty = false
  /** The server was told to refuse writes: nothing that is sent can change anything. */
  readOnly = false
  /** Something that is no proven read was sent, and not refused. */
  wrote = false
  readonly history: History
  readonly identity: Identity
  /** The server undid the transaction because of a conflict with another one. */
  conflict: SluiceError | undefined
  lost: SluiceError | undefined

  constructor(parts: PinnedParts, node: Node, loan: Loan, route: Route) {
    this.parts = parts
    this.node = node
    this.loan = loan
    this.#route = route
    this.history = new History(parts.causal, node, loan.connection)
    this.identity = new Identity(route === 'transaction' ? parts.transactionId : undefined)
    this.#limits = new OwnerLimits(parts.statementTimeoutMs)
    this.#observed = { ...parts, roleOf: () => node.role }
    this.#execute = observed((statement, call) => this.#send(statement, call), this.#observed)
  }

  /** A transaction is to begin here: with its first statement where they can travel together, else now. */
  async open(begin: string, limits: Limits, now: boolean): Promise<void> {
    if (now || !this.loan.batches) await this.control(begin, limits)
    else this.#opening = new Opening(this.loan, begin)
  }

  /** A transaction that has not begun: there is nothing to end. */
  get unopened(): boolean { return this.#opening?.pending === true }

  /** The connection was lost when the transaction was to begin. */
  get lostAtOpening(): boolean { return this.#opening?.lost === true }

  /** Every later statement ends by then at the latest. */
  limit(limits: Limits): void { this.#limits.set(limits) }

  /** From now on every statement is refused with `reason`. */
  close(reason: SluiceError): void { this.#closed ??= reason }

  /** Also ends what is running or waiting now. */
  abort(reason: SluiceError): void {
    this.close(reason)
    this.#limits.abort(reason)
  }

  /** Runs one of the caller's statements, after those already asked for. */
  async run<Row>(statement: Statement, options: QueryOptions, classification: Classification): Promise<QueryResult<Row>> {
    this.refuseBesideStream(statement.text)
    this.#note({ statement, classification })
    const call: Call = { options, classification, limits: this.#limits.of(options), startedAt: performance.now(), attempt: 1 }
    return this.#inTurn(statement.text, call.limits, () => {
      this.#refuseWhenClosed(statement.text)
      this.history.sending(statement, classification)
      return this.#execute<Row>(statement, call)
    })
  }

  /**
   * Runs several of the caller's statements in one round trip, with `ending` behind them; undefined where they have to go
   * one by one. Rejects with the first failure; what that leaves open stays open.
   */
  batch(entries: readonly Admitted[], options: QueryOptions, ending?: string): Promise<QueryResult[]> | undefined {
    return this.loan.batches && entries.every(mayRide) ? this.#batch(entries, options, ending) : undefined
  }

  async #batch(entries: readonly Admitted[], options: QueryOptions, ending: string | undefined): Promise<QueryResult[]> {
    const [first] = entries
    if (!first) return []
    const { statement: { text }, classification } = first
    const statements = entries.map(({ statement }) => statement)
    this.refuseBesideStream(text)
    for (const entry of entries) this.#note(entry)
    const call: Call = { options, classification, limits: this.#limits.of(options, entries.length), startedAt: performance.now(), attempt: 1 }
    const sent = ending === undefined ? statements : [...statements, makeStatement(ending)]
    return this.#inTurn(text, call.limits, () => {
      this.#refuseWhenClosed(text)
      for (const entry of entries) this.history.sending(entry.statement, entry.classification)
      return observedBatch(async () => {
        const results = await this.#tracked(() => this.#sendAll(sent, call.limits, ending !== undefined))
        return results.slice(0, statements.length).map((result) => answer(result, this.node, this.#route, call.startedAt))
      }, statements, call, this.#observed)
    })
  }

  /** Several at once; where the transaction ends with them, its place in the history is asked behind them. */
  async #sendAll(sent: readonly Statement[], limits: Limits, ends: boolean): Promise<DriverResult[]> {
    const opening = this.#opening?.pending ? this.#opening : undefined
    const send = (): Promise<DriverResult[]> => opening?.send(sent, limits, ends) ?? this.loan.batch(sent, limits)
    const question = ends ? this.history.behindCommit(this.wrote) : this.wrote ? this.identity.question() : undefined
    return question ? askingAll(this.loan, send, question) : send()
  }

  /** Streams one of the caller's statements; later statements wait until the stream has ended. */
  async *stream<Row>(statement: Statement, options: StreamOptions<Row>, classification: Classification): AsyncGenerator<Row[]> {
    this.refuseBesideStream(statement.text)
    this.#note({ statement, classification })
    const limits = this.#limits.ofStream(options)
    const call: Call = { options, classification, limits, startedAt: performance.now(), attempt: 1 }
    const leave = await this.#turns.enter(limits, this.#late(statement.text, limits))
    let open: OpenStream | undefined
    try {
      if (this.#cutting) throw cutShort(this.node.name, statement.text)
      this.#refuseWhenClosed(statement.text)
      if (this.#opening?.pending) await this.#tracked(async () => this.#opening?.send([], limits))
      this.history.sending(statement, classification)
      const batches = this.loan.stream<Row>(statement, limits, options.batchSize ?? DEFAULT_BATCH_SIZE)
      this.#stream = open = new OpenStream(batches, leave, () => cutShort(this.node.name, statement.text))
      yield* observedStream<Row>(open.read<Row>(), statement, call, this.node, this.#route, this.#observed)
    } catch (error) {
      this.#blame(error)
      throw error
    } finally {
      if (this.#stream === open) this.#stream = undefined
      leave()
    }
  }

  /** Runs one of our own statements (BEGIN, COMMIT, SAVEPOINT, …), in turn, whether the session is closed or not. */
  async control(text: string, limits: Limits = this.#limits.ofControl(), question?: Question): Promise<DriverResult> {
    return this.#inTurn(text, limits, () => this.#query(makeStatement(text), limits, true, question))
  }

  /**
   * Refuses a statement while a stream of this connection waits for its consumer: most likely it is the consumer who
   * asks, and then neither would ever go on.
   */
  refuseBesideStream(sql: string | undefined): void {
    if (this.#stream?.suspended === true) throw besideStream(this.node.name, sql)
  }

  /** Waits for the statements already asked for; streams that were not read to the end are cut. */
  async settled(): Promise<void> {
    this.#cutting = true
    try {
      await this.#stream?.cut()
      ;(await this.#turns.enter(UNLIMITED, () => new Error('never')))()
    } finally {
      this.#cutting = false
    }
  }

  /** What its statements have changed stands, or may stand. */
  announce(): Promise<void> | undefined { return this.parts.writes.committed(this.#changes.take()) }

  /** What its statements have changed was undone. */
  forget(): void { this.#changes.take() }

  /** Gives the connection back, reset where its state may have changed, discarded where it is not certain. Idempotent. */
  async end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#limits.end()
    await giveBack(this.loan, this)
  }

  async #inTurn<T>(sql: string, limits: Limits, work: () => Promise<T>): Promise<T> {
    const leave = await this.#turns.enter(limits, this.#late(sql, limits))
    try {
      return await work()
    } finally {
      leave()
    }
  }

  async #send<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    const question = this.#questionBehind(call.classification)
    try {
      const result = await this.#query<Row>(statement, call.limits, mayRide({ statement, classification: call.classification }), question)
      return answer(result, this.node, this.#route, call.startedAt)
    } catch (error) {
      question?.answered(undefined)
      throw error
    }
  }

  /**
   * What to ask behind a statement of a lent connection, whose writes are committed one by one, or by the caller's own
   * COMMIT. A transaction is asked for its name here, and for its place in the history at its end.
   */
  #questionBehind({ class: kind }: Classification): Question | undefined {
    if (kind === 'read') return undefined
    if (this.#route !== 'connection') return this.readOnly ? undefined : this.identity.question()
    return kind === 'transaction-control' || this.loan.connection.idle !== false ? this.history.behindStatement() : undefined
  }

  /** Asks how far the history has come with what was done here: the connection is about to be given back. */
  async tellHistory(): Promise<void> {
    const question = this.history.behindStatement()
    if (question) question.answered(await this.loan.ask(question.statement))
  }

  async #query<Row>(statement: Statement, limits: Limits, rides = true, question?: Question): Promise<DriverResult<Row>> {
    return this.#tracked(async () => {
      if (this.#opening?.pending && !rides) await this.#opening.send([], limits)
      const opening = this.#opening?.pending ? this.#opening : undefined
      if (!opening) return question ? asking<Row>(this.loan, statement, question, limits) : this.loan.query<Row>(statement, limits)
      const send = (): Promise<DriverResult[]> => opening.send([statement], limits)
      const [result] = await (question ? askingAll(this.loan, send, question) : send())
      return result as DriverResult<Row>
    })
  }

  async #tracked<T>(send: () => Promise<T>): Promise<T> {
    const sentAt = performance.now()
    this.node.inFlight++
    try {
      const result = await send()
      this.node.answered(performance.now() - sentAt)
      return result
    } catch (error) {
      judge(this.node, error, performance.now() - sentAt)
      this.#blame(error)
      throw error
    } finally {
      this.node.inFlight--
    }
  }

  /** Marks an error as this session's own. */
  own<E extends Error>(error: E): E {
    this.#errors.add(error)
    return error
  }

  /** Whether this is an error of the session's own statements, or of its end. */
  caused(error: unknown): boolean { return error instanceof Error && this.#errors.has(error) }

  /** Remembers what an error means for the transaction. */
  #blame(error: unknown): void {
    if (error instanceof Error) this.own(error)
    if (error instanceof DeadlockError || error instanceof SerializationError) this.conflict ??= error
    if (error instanceof SluiceError && (error.connectionLost || this.loan.connection.broken)) this.lost ??= error
    // without its BEGIN nothing may run here, and nothing can be committed
    if (error instanceof SluiceError && this.#opening?.refusal) this.close(this.lost ??= error)
  }

  #note(entry: Admitted): void {
    const { classification } = entry
    if (classification.class !== 'read' && !this.readOnly) {
      this.wrote = true
      this.#changes.add(classification)
    }
    if (dirties(entry)) this.dirty = true
  }

  #late(sql: string, limits: Limits): LateError { return (reason, ms) => limitError(reason, this.node.name, sql, limits, { neverSent: true, ms }) }

  #refuseWhenClosed(sql: string | undefined): void {
    const closed = this.#closed
    if (closed) throw new TransactionClosedError(closed.message, { cause: closed.cause, sql, node: this.node.name, hint: closed.hint })
  }
}
