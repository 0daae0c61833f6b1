import pg, { type Client, type Query, type QueryConfig, type QueryResult } from 'pg'
import type { Connection, ConnectSettings, HostPort, Notification, ServerFacts } from '../../core/driver.js'
import { withTimeout } from '../../core/deadline.js'
import { sameAddress } from '../../core/dial-socket.js'
import type { DriverResult, Field } from '../../core/result.js'
import type { Statement } from '../../core/statement.js'
import { sendCancel, type CancelTarget } from './cancel.js'
import { readBatches } from './cursor.js'
import { hangUp } from './dial.js'
import { isStalePlan, isUnknownStatement } from './errors.js'
import { wireValues, type WireValue } from './params.js'
import { PreparedNames } from './prepared.js'
import { rememberParams } from './redact.js'
import type { Session } from './session.js'

const CLOSE_TIMEOUT_MS = 2_000
const DEFAULT_CANCEL_TIMEOUT_MS = 5_000

/** A statement as `pg` takes it. */
type Sent = QueryConfig<WireValue[]>

/**
 * One session of a PostgreSQL server.
 *
 * Invariant: a promise of `query` settles only when the server is ready for the next statement (or the connection is
 * broken), so that `idle` is true to the server's state from then on.
 */
export class PostgresConnection implements Connection {
  readonly id: number
  readonly server: ServerFacts
  readonly #session: Session
  readonly #client: Client
  readonly #prepared: PreparedNames | undefined
  readonly #cancelTarget: CancelTarget
  readonly #cancelTimeoutMs: number
  readonly #gone: Promise<void>
  #resolveGone: () => void = () => undefined
  #failure: Error | undefined
  #inFlight = 0
  #afterReady: (() => void)[] = []

  constructor(session: Session, address: HostPort, settings: ConnectSettings) {
    const { facts, client } = session
    this.id = facts.processId
    this.server = { version: facts.version, versionNumber: facts.versionNumber, address, pooled: facts.pooled }
    this.#session = session
    this.#client = client
    this.#prepared = settings.maxPreparedStatements > 0 && !facts.pooled
      ? new PreparedNames(settings.maxPreparedStatements) : undefined
    this.#cancelTarget = cancelTarget(session, address)
    this.#cancelTimeoutMs = settings.connectTimeoutMs || DEFAULT_CANCEL_TIMEOUT_MS
    this.#gone = new Promise((resolve) => { this.#resolveGone = resolve })
    this.#watch()
  }

  get broken(): boolean { return this.#failure !== undefined }
  get inFlight(): number { return this.#inFlight }
  get idle(): boolean { return this.#client.getTransactionStatus() === 'I' }

  async query<Row = Record<string, unknown>>(statement: Statement): Promise<DriverResult<Row>> {
    const values = wireValues(statement)
    try {
      return toResult<Row>(await this.#run(statement, values))
    } catch (error) {
      rememberParams(error, values)
      throw error
    }
  }

  async #run(statement: Statement, values: WireValue[]): Promise<QueryResult> {
    const prepared = statement.prepare ? this.#prepared : undefined
    if (!prepared) return this.#send({ text: statement.text, values })
    const outside = this.idle
    try {
      return await this.#send({ text: statement.text, values, name: prepared.nameOf(statement.text) })
    } catch (error) {
      if (!isStalePlan(error) && !isUnknownStatement(error)) throw error
      prepared.forget(statement.text)
      // Inside a transaction block the error has already aborted it; outside nothing was done.
      if (!outside || this.broken) throw error
      return this.#send({ text: statement.text, values, name: prepared.nameOf(statement.text) })
    }
  }

  #send(sent: Sent): Promise<QueryResult> {
    if (this.#failure) return Promise.reject(this.#unusable(this.#failure))
    return new Promise((resolve, reject) => {
      const done = (error: Error | undefined, result: QueryResult): void => {
        if (error) { this.#settleFailed(error, reject); return }
        this.#inFlight--
        resolve(result)
      }
      if (sent.name !== undefined) this.#closeEvicted()
      this.#inFlight++
      this.#client.query(submittable(sent, done))
    })
  }

  /** `pg` reports a server's error before ReadyForQuery: wait for that, or for the end of the connection. */
  #settleFailed(error: Error, reject: (error: Error) => void): void {
    const settle = (): void => {
      this.#inFlight--
      reject(error)
    }
    if ('severity' in error && !this.broken) this.#afterReady.push(settle)
    else settle()
  }

  /** Close messages ride in front of the next statement, under its Sync: no round trip of their own. */
  #closeEvicted(): void {
    const closing = this.#prepared?.takeClosing() ?? []
    for (const name of closing) this.#client.connection.close({ type: 'S', name }, true)
    forgetNames(this.#client, closing)
  }

  async *stream<Row = Record<string, unknown>>(
    statement: Statement, options: { readonly batchSize: number },
  ): AsyncGenerator<Row[], void, undefined> {
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
    await sendCancel(this.#cancelTarget, this.#cancelTimeoutMs)
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
  }

  /**
   * ROLLBACK where a transaction is open, then DISCARD ALL. Behind a pooler only the former: the server session is not
   * ours to clear.
   */
  async reset(): Promise<void> {
    if (!this.idle) await this.#send({ text: 'rollback' })
    if (this.server.pooled) return
    const names = this.#prepared?.clear() ?? []
    await this.#send({ text: 'discard all' })
    forgetNames(this.#client, names)
    if (this.#session.setUp !== undefined) await this.#send({ text: this.#session.setUp })
    if (!this.idle) throw new Error('the session is still inside a transaction after ROLLBACK')
  }

  async ping(): Promise<void> {
    await this.#send({ text: '' })
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

/**
 * `pg` copies a config object property by property with its descriptors, which costs more than the rest of its work for a
 * short statement; a text is taken as it is.
 */
function submittable({ text, values, name }: Sent, done: (error: Error | undefined, result: QueryResult) => void): Query {
  const query: Query & { name?: string } = new pg.Query(text, values, done)
  if (name !== undefined) query.name = name
  return query
}

/** Where a statement text holds several statements, the last one's result is the answer, as a face of one statement. */
function toResult<Row>(answer: QueryResult | QueryResult[]): DriverResult<Row> {
  const result = Array.isArray(answer) ? answer[answer.length - 1] : answer
  if (!result) return { rows: [], rowCount: 0, fields: [], command: '' }
  const rows = result.rows as Row[]
  const fields = result.fields.map((field): Field => ({ name: field.name, dataType: field.dataTypeID }))
  return { rows, rowCount: result.rowCount ?? rows.length, fields, command: verb(result.command) }
}

function verb(command: string | null | undefined): string {
  return command ?? ''
}

/** `pg`'s own book of prepared names, public on its connection but not in its types. */
interface NamedStatements {
  readonly parsedStatements: Record<string, string>
}

function forgetNames(client: Client, names: readonly string[]): void {
  if (names.length === 0) return
  const { parsedStatements } = client.connection as unknown as NamedStatements
  for (const name of names) Reflect.deleteProperty(parsedStatements, name)
}

function cancelTarget(session: Session, address: HostPort): CancelTarget {
  const { socket, key, tls } = session
  return {
    address: sameAddress(socket, `${address.host}/.s.PGSQL.${String(address.port)}`),
    tls, processId: key.processId, secretKey: key.secretKey, direct: session.direct,
  }
}
