import { asError, withTimeout } from '../../core/deadline.js'
import { sameAddress } from '../../core/dial-socket.js'
import type { Connection, HostPort, ServerFacts } from '../../core/driver.js'
import type { DriverResult } from '../../core/result.js'
import type { TypeSettings } from '../../core/settings.js'
import type { Statement } from '../../core/statement.js'
import { answerOf } from './answer.js'
import { TransactionBlock } from './block.js'
import { killQuery } from './cancel.js'
import type { Answer, Answered, Column, OkPacket } from './client.js'
import { readBatches } from './cursor.js'
import { partsOfBegin } from './dialect.js'
import { hangUp } from './dial.js'
import { describeError } from './errors.js'
import { binaryValues, interpolated, wireValues, type SessionModes, type WireValue } from './params.js'
import { verbOf } from './placeholders.js'
import { rememberParams } from './redact.js'
import { Running } from './running.js'
import type { Session, SessionRequest } from './session.js'

const CLOSE_TIMEOUT_MS = 2_000
const DEFAULT_CANCEL_TIMEOUT_MS = 5_000

/** `SERVER_STATUS_NO_BACKSLASH_ESCAPES` of an OK packet. */
const NO_BACKSLASH_ESCAPES = 512

/**
 * One session of a MySQL or MariaDB server.
 *
 * Invariant: a promise of `query` settles only when the server is ready for the next statement (or the connection is
 * broken), so that `idle` is true to the server's state from then on.
 */
export class MysqlConnection implements Connection {
  readonly id: number
  readonly server: ServerFacts
  readonly #session: Session
  readonly #request: SessionRequest
  readonly #address: HostPort
  readonly #bigint: TypeSettings['bigint']
  readonly #block = new TransactionBlock()
  readonly #since = performance.now()
  readonly #gone: Promise<void>
  #resolveGone: () => void = () => undefined
  #modes: SessionModes
  readonly #running = new Set<Running>()
  #streaming = 0
  #failure: Error | undefined

  constructor(session: Session, address: HostPort, request: SessionRequest) {
    const { facts } = session
    this.id = facts.threadId
    this.server = { version: facts.version, versionNumber: facts.versionNumber, address, pooled: facts.pooled }
    this.#session = session
    this.#request = request
    this.#address = address
    this.#bigint = request.settings.types?.bigint ?? 'string'
    this.#modes = { ...modesOf(facts.sqlMode), timezone: request.options.timezone }
    this.#gone = new Promise((resolve) => { this.#resolveGone = resolve })
    this.#watch()
  }

  get broken(): boolean { return this.#failure !== undefined }
  get inFlight(): number { return this.#running.size + this.#streaming }
  get idle(): boolean { return this.#block.idle }

  async query<Row = Record<string, unknown>>(statement: Statement): Promise<DriverResult<Row>> {
    const values = wireValues(statement, this.#modes.timezone)
    this.#block.admit(statement.text)
    try {
      const parts = values.length === 0 ? partsOfBegin(statement.text) : undefined
      if (parts) await this.#text(parts[0])
      const result = await this.#run<Row>(parts ? { ...statement, text: parts[1] } : statement, values)
      return this.#block.ended(statement.text) ? { ...result, command: 'ROLLBACK' } : result
    } catch (error) {
      rememberParams(error, statement.text, values)
      await this.#afterError(error)
      throw error
    }
  }

  async #run<Row>(statement: Statement, values: readonly WireValue[]): Promise<DriverResult<Row>> {
    const sql = interpolated(statement, values, this.#modes)
    if (!statement.prepare || this.#request.settings.maxPreparedStatements === 0 || this.server.pooled) return this.#text<Row>(sql, statement.text)
    const binary = binaryValues(values, this.#request.library.module)
    try {
      return await this.#send<Row>(statement.text, (done) => { this.#client.execute({ sql: statement.text, values: binary }, done) })
    } catch (error) {
      const { serverCode } = describeError(error)
      if (serverCode === undefined || !CANNOT_PREPARE.has(serverCode) || this.broken) throw error
      this.#client.unprepare(statement.text)
      return this.#text<Row>(sql, statement.text)
    }
  }

  /** @param text - the statement as the caller gave it */
  #text<Row>(sql: string, text = sql): Promise<DriverResult<Row>> {
    return this.#send<Row>(text, (done) => { this.#client.query({ sql }, done) })
  }

  get #client(): Session['client'] { return this.#session.client }

  #send<Row>(text: string, start: (done: Answered) => void): Promise<DriverResult<Row>> {
    if (this.#failure) return Promise.reject(this.#unusable(this.#failure))
    return new Promise((resolve, reject) => {
      const running = new Running(text, reject)
      this.#running.add(running)
      start((error, answer, columns) => {
        if (!this.#running.delete(running)) return
        try {
          if (error) throw error
          resolve(this.#read<Row>(running, answer, columns))
        } catch (thrown) {
          reject(asError(thrown))
        }
      })
    })
  }

  #read<Row>(running: Running, answer: Answer | undefined, columns: Parameters<Answered>[2]): DriverResult<Row> {
    const result = answerOf<Row>(answer, columns, verbOf(running.text), this.#bigint, (ok) => { this.#told(ok) })
    running.refuseInterrupted()
    return result
  }

  /** What the server says of the session with every answer that has no rows. */
  #told({ serverStatus, stateChanges }: OkPacket): void {
    this.#block.told(serverStatus)
    const backslashes = (serverStatus & NO_BACKSLASH_ESCAPES) === 0
    const sqlMode = stateChanges?.systemVariables['sql_mode']
    if (backslashes === this.#modes.backslashes && sqlMode === undefined) return
    this.#modes = { ...this.#modes, ...(sqlMode === undefined ? {} : modesOf(sqlMode)), backslashes }
  }

  /** After some errors the transaction is gone without a word: the status of the next answer tells. */
  async #afterError(error: unknown): Promise<void> {
    const { kind, connectionLost } = describeError(error)
    // a server that ends a session says so before it hangs up
    if (connectionLost) this.destroy()
    if (!this.#block.open || this.broken || OF_THE_STATEMENT.has(kind)) return
    try {
      await this.#text('do 0')
    } catch {
      return // a late cancel, which says nothing; or the connection is lost, which says all
    }
    if (!this.#block.open) this.#block.undone(error)
  }

  async *stream<Row = Record<string, unknown>>(
    statement: Statement, options: { readonly batchSize: number },
  ): AsyncGenerator<Row[], void, undefined> {
    const values = wireValues(statement, this.#modes.timezone)
    this.#block.admit(statement.text)
    const sql = interpolated(statement, values, this.#modes)
    if (this.#failure) throw this.#unusable(this.#failure)
    this.#streaming++
    const host = {
      client: this.#client, gone: this.#gone, stop: () => this.cancel(), destroy: () => { this.destroy() },
      failure: () => this.#failure && this.#unusable(this.#failure), told: (ok: OkPacket) => { this.#told(ok) },
    }
    try {
      const convert = (rows: unknown[], columns: readonly Column[]): void => { answerOf(rows, columns, '', this.#bigint) }
      yield* readBatches(host, sql, options.batchSize, convert) as AsyncGenerator<Row[], void, undefined>
    } catch (error) {
      rememberParams(error, statement.text, values)
      await this.#afterError(error)
      throw error
    } finally {
      this.#streaming--
    }
  }

  async cancel(): Promise<void> {
    for (const running of this.#running) running.interrupting = true
    const { library, settings, options, password } = this.#request
    const { target } = settings
    const source = target.password
    await killQuery({
      library, target, tls: this.#session.tls, threadId: this.id, identity: this.#session.facts.identity, since: this.#since,
      address: sameAddress(this.#session.socket, this.#address.host),
      config: async () => ({
        ...options.client, user: target.user, password: typeof source === 'function' ? await source() : source ?? password ?? '',
      }),
    }, settings.connectTimeoutMs || DEFAULT_CANCEL_TIMEOUT_MS)
  }

  /** The server forgets everything of the session, open transaction and prepared statements included. */
  async reset(): Promise<void> {
    await this.#command((done) => { this.#client.reset(done) })
    this.#block.clear()
    for (const text of [this.#session.facts.setNames, ...this.#session.setUp]) await this.#text(text)
    this.#modes = { ...modesOf(this.#session.facts.sqlMode), timezone: this.#modes.timezone }
  }

  async ping(): Promise<void> {
    await this.#command((done) => { this.#client.ping(done) })
  }

  async #command(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    await this.#send('', (done) => { start((error) => { done(error ?? null) }) })
  }

  async close(): Promise<void> {
    if (this.broken) return
    const { socket } = this.#session
    const closed = new Promise<void>((resolve) => { socket.once('close', () => { resolve() }) })
    this.#client.end()
    this.#fail(new Error('the connection was closed'))
    try {
      await withTimeout(closed, CLOSE_TIMEOUT_MS, () => new Error('the server did not close the connection'))
    } catch {
      // the goodbye is a courtesy
    } finally {
      hangUp(this.#client, socket)
    }
  }

  destroy(): void {
    this.#fail(new Error('the connection was destroyed'))
    hangUp(this.#client, this.#session.socket)
  }

  #watch(): void {
    this.#client.on('error', (error: Error) => { this.#fail(error) })
    this.#session.socket.once('close', () => { this.#fail(new Error('Connection lost: The server closed the connection.')) })
  }

  #fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    this.#resolveGone()
    const lost = [...this.#running]
    this.#running.clear()
    for (const running of lost) running.reject(this.#unusable(error))
  }

  #unusable(cause: Error): Error {
    return Object.assign(new Error(`the connection is no longer usable: ${cause.message}`, { cause }), { code: 'ECONNRESET' })
  }
}

/** Not preparable (ER_UNSUPPORTED_PS), or no room for another one on the server (ER_MAX_PREPARED_STMT_COUNT_REACHED). */
const CANNOT_PREPARE: ReadonlySet<string> = new Set(['1295', '1461', '1243', '1615'])

/** Errors that undo their statement and nothing else. */
const OF_THE_STATEMENT: ReadonlySet<string> = new Set([
  'unique', 'foreign-key', 'not-null', 'check', 'syntax', 'unknown-object', 'duplicate-object', 'permission', 'data', 'aborted-transaction',
])

function modesOf(sqlMode: string): Pick<SessionModes, 'backslashes' | 'ansiQuotes'> {
  const modes = sqlMode.split(',')
  return { backslashes: !modes.includes('NO_BACKSLASH_ESCAPES'), ansiQuotes: modes.includes('ANSI_QUOTES') }
}
