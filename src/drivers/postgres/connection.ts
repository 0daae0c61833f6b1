import type { Client, Query } from 'pg'
import type { BatchResult, Connection, ConnectSettings, HostPort, Notification, ServerFacts } from '../../core/driver.js'
import { withTimeout } from '../../core/deadline.js'
import { sameAddress } from '../../core/dial-socket.js'
import type { DriverResult } from '../../core/result.js'
import { statement as makeStatement, type Statement } from '../../core/statement.js'
import { sendCancel, type CancelTarget } from './cancel.js'
import { readBatches } from './cursor.js'
import { hangUp } from './dial.js'
import { isStalePlan, isUnknownStatement } from './errors.js'
import { wireValues } from './params.js'
import { PreparedStatements, type PreparedStatement } from './prepared.js'
import { rememberParams } from './redact.js'
import type { ParserOf } from './row-shape.js'
import type { Session } from './session.js'
import { mayShadow, type TextUses } from './text-uses.js'
import { WireBatch } from './wire-batch.js'
import { WireCopyIn, WireCopyOut } from './wire-copy.js'
import { WireQuery, type Exchange, type Settle, type WireHost } from './wire-query.js'

const CLOSE_TIMEOUT_MS = 2_000
const DEFAULT_CANCEL_TIMEOUT_MS = 5_000

/**
 * One session of a PostgreSQL server.
 *
 * Invariant: a promise of `query` settles only when the server is ready for the next statement (or the connection is
 * broken), so that `idle` is true to the server's state from then on.
 */
export class PostgresConnection implements Connection, WireHost {
  readonly id: number
  readonly server: ServerFacts
  readonly parserOf: ParserOf
  readonly #session: Session
  readonly #client: Client
  readonly #prepared: PreparedStatements | undefined
  readonly #uses: TextUses
  readonly #cancelTarget: CancelTarget
  readonly #cancelTimeoutMs: number
  readonly #gone: Promise<void>
  #resolveGone: () => void = () => undefined
  #failure: Error | undefined
  #inFlight = 0
  #pipelined = false
  #corked = false
  #afterReady: (() => void)[] = []
  /**
   * What names mean may have changed in this session: until it is reset nothing is prepared unasked. (The server looks again
   * when the search path changes, not when something appears on it.)
   */
  #unsettled = false
  /** The last one: it may be over. */
  #copying: WireCopyIn | undefined

  constructor(session: Session, address: HostPort, settings: ConnectSettings, uses: TextUses) {
    const { facts, client } = session
    this.id = facts.processId
    this.server = { version: facts.version, versionNumber: facts.versionNumber, address, pooled: facts.pooled }
    const types: { getTypeParser(oid: number, format: 'text'): unknown } = client
    this.parserOf = (oid, format) => types.getTypeParser(oid, format) as (text: string) => unknown
    this.#session = session
    this.#client = client
    this.#uses = uses
    this.#prepared = settings.maxPreparedStatements > 0 && !facts.pooled
      ? new PreparedStatements(settings.maxPreparedStatements) : undefined
    this.#cancelTarget = cancelTarget(session, address)
    this.#cancelTimeoutMs = settings.connectTimeoutMs || DEFAULT_CANCEL_TIMEOUT_MS
    this.#gone = new Promise((resolve) => { this.#resolveGone = resolve })
    this.#watch()
  }

  get broken(): boolean { return this.#failure !== undefined }
  get inFlight(): number { return this.#inFlight }
  get idle(): boolean { return this.#client.getTransactionStatus() === 'I' }

  query<Row = Record<string, unknown>>(statement: Statement): Promise<DriverResult<Row>> {
    this.#closeEvicted()
    const { text, data } = statement
    return new Promise((resolve, reject) => {
      if (typeof data === 'object') {
        this.#copying = new WireCopyIn(this, text, data, resolve as (result: DriverResult) => void, reject)
        this.#send(this.#copying)
        return
      }
      const settle: Settle = { resolve: (query) => { resolve(query.result as DriverResult<Row>) }, reject }
      this.#send(this.#queryOf(statement, settle, this.idle))
    })
  }

  batch(statements: readonly Statement[]): Promise<BatchResult> {
    this.#closeEvicted()
    return new Promise((resolve, reject) => {
      this.#send(new WireBatch(this, statements.map((each) => this.#queryOf(each, NOBODY, false)), resolve, reject))
    })
  }

  /** Throws what a parameter's conversion throws: before anything is sent. */
  #queryOf(statement: Statement, settle: Settle, repeatable: boolean): WireQuery {
    return new WireQuery(this, statement.text, wireValues(statement), this.#preparedFor(statement), settle, repeatable)
  }

  /** What the caller asked for holds; else the library decides, by how often the text is used. */
  #preparedFor({ text, prepare }: Statement): PreparedStatement | undefined {
    if (!this.#prepared || prepare === false || (!prepare && this.#unsettled)) return undefined
    const known = this.#prepared.find(text)
    if (!known && mayShadow(text)) this.#unsettled = true
    // its Parse is on the way and may yet fail: who travels behind it does without the name
    if (known) return known.confirmed || !this.#pipelined ? known : undefined
    return prepare || this.#uses.enough(text) ? this.#prepared.add(text) : undefined
  }

  #send(exchange: Exchange): void {
    if (this.#failure) {
      exchange.fail(this.#unusable(this.#failure))
      return
    }
    this.#inFlight++
    if (this.#pipelined) this.#cork()
    this.#client.query(exchange as unknown as Query)
  }

  /** All statements of one turn of the event loop leave with one system call. */
  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    const { stream } = this.#client.connection
    stream.cork()
    process.nextTick(() => {
      this.#corked = false
      stream.uncork()
    })
  }

  /** @internal */
  succeeded(exchange: Exchange): void {
    this.#inFlight--
    exchange.succeed()
  }

  /** @internal `pg` reports a server's error before ReadyForQuery: wait for that, or for the end of the connection. */
  failed(exchange: Exchange, error: Error): void {
    if ('severity' in error && !this.broken) this.#afterReady.push(() => { this.#settleFailed(exchange, error) })
    else this.#settleFailed(exchange, error)
  }

  #settleFailed(exchange: Exchange, error: Error): void {
    this.#inFlight--
    const stale = isStalePlan(error) || isUnknownStatement(error)
    for (const { prepared } of exchange.parts) if (prepared && (stale || !prepared.confirmed)) this.#prepared?.forget(prepared)
    // Inside a transaction block the error has already aborted it; outside nothing was done.
    if (stale && exchange instanceof WireQuery && exchange.repeatable && !this.broken) {
      const { text, values, settle } = exchange
      this.#send(new WireQuery(this, text, values, this.#pipelined ? undefined : this.#prepared?.add(text), settle, false))
      return
    }
    rememberParams(error, exchange.parts.flatMap(({ values }) => values))
    exchange.fail(error)
  }

  /**
   * Close messages ride in front of the next statement, under its Sync: no round trip of their own. What that statement
   * itself puts out waits for the one after it: a batch may still use it.
   */
  #closeEvicted(): void {
    if (this.#failure) return
    for (const name of this.#prepared?.takeClosing() ?? []) this.#client.connection.close({ type: 'S', name }, true)
  }

  async *stream<Row = Record<string, unknown>>(
    statement: Statement, options: { readonly batchSize: number },
  ): AsyncGenerator<Row[], void, undefined> {
    if (statement.data === 'out') {
      const copy = new WireCopyOut(this, statement.text)
      const cancel = this.idle ? () => this.cancel() : undefined
      this.#send(copy)
      return yield* copy.read<Row>(cancel)
    }
    const values = wireValues(statement)
    if (this.#failure) throw this.#unusable(this.#failure)
    this.#inFlight++
    try {
      yield* readBatches<Row>(
        { client: this.#client, gone: this.#gone, ready: () => this.#ready() }, statement.text, values, options.batchSize,
      )
    } catch (error) {
      rememberParams(error, values)
      throw error
    } finally {
      this.#inFlight--
    }
  }

  /** Resolves at the next ReadyForQuery, or when the connection is gone. */
  #ready(): Promise<void> {
    if (this.broken) return Promise.resolve()
    return new Promise((resolve) => { this.#afterReady.push(resolve) })
  }

  async cancel(): Promise<void> {
    if (!this.#copying?.abort()) await sendCancel(this.#cancelTarget, this.#cancelTimeoutMs)
  }

  subscribe(listener: (notification: Notification) => void): () => void {
    const onNotification = ({ channel, payload }: { channel: string; payload?: string | undefined }): void => {
      listener({ channel, payload: payload ?? '' })
    }
    this.#client.on('notification', onNotification)
    return () => { this.#client.off('notification', onNotification) }
  }

  /** pg reads its switch anew for every statement; cursors are refused while it is on. */
  pipeline(on: boolean): void {
    const client: { pipeline?: boolean } = this.#client
    client.pipeline = on
    this.#pipelined = on
  }

  /**
   * ROLLBACK where a transaction is open, then DISCARD ALL. Behind a pooler only the former: the server session is not
   * ours to clear.
   */
  async reset(): Promise<void> {
    if (!this.idle) await this.#plain('rollback')
    if (this.server.pooled) return
    this.#prepared?.clear()
    await this.#plain('discard all')
    this.#unsettled = false
    if (this.#session.setUp !== undefined) await this.#plain(this.#session.setUp)
    if (!this.idle) throw new Error('the session is still inside a transaction after ROLLBACK')
  }

  async ping(): Promise<void> {
    await this.#plain('')
  }

  #plain(text: string): Promise<DriverResult> {
    return this.query(makeStatement(text, undefined, false))
  }

  async close(): Promise<void> {
    if (this.broken) return
    const ended = this.#client.end()
    this.#fail(new Error('the connection was closed'))
    try {
      await withTimeout(ended, CLOSE_TIMEOUT_MS, () => new Error('the server did not close the connection'))
    } catch {
      // the goodbye is a courtesy
    } finally {
      hangUp(this.#client, this.#session.socket)
    }
  }

  destroy(): void {
    this.#fail(new Error('the connection was destroyed'))
    hangUp(this.#client, this.#session.socket)
  }

  #watch(): void {
    const client = this.#client
    client.on('error', (error) => { this.#fail(error) })
    client.connection.once('end', () => { this.#fail(new Error('Connection terminated unexpectedly')) })
    // After pg's own listener, which has taken over the new transaction status by then.
    client.connection.on('readyForQuery', () => { this.#flushReady() })
    // the server may have ended it in the same breath in which it was ready
    const { failure } = this.#session.fate
    if (failure) this.#fail(failure)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#resolveGone()
    this.#flushReady()
  }

  #flushReady(): void {
    if (this.#afterReady.length === 0) return
    const waiting = this.#afterReady
    this.#afterReady = []
    for (const settle of waiting) settle()
  }

  #unusable(cause: Error): Error {
    return Object.assign(new Error(`the connection is no longer usable: ${cause.message}`, { cause }), { code: 'ECONNRESET' })
  }
}

/** Parts of a batch are settled together. */
const NOBODY: Settle = Object.freeze({ resolve: () => undefined, reject: () => undefined })

function cancelTarget(session: Session, address: HostPort): CancelTarget {
  const { socket, key, tls } = session
  return {
    address: sameAddress(socket, `${address.host}/.s.PGSQL.${String(address.port)}`),
    tls, processId: key.processId, secretKey: key.secretKey, direct: session.direct,
  }
}
