import pg, { type Connection } from 'pg'
import { QueryError } from '../../core/errors.js'
import type { DriverResult } from '../../core/result.js'
import type { DataSource } from '../../core/statement.js'
import type { Exchange, WireHost } from './wire-query.js'

/** What `pg` calls on a connection during COPY. Its types know nothing of it. */
interface CopyConnection {
  readonly stream: NodeJS.WritableStream & { readonly writableNeedDrain?: boolean, pause(): void, resume(): void }
  query(text: string): void
  sendCopyFromChunk(chunk: Uint8Array): void
  endCopyFrom(): void
  sendCopyFail(message: string): void
}

/** Bytes that may wait for the consumer before the socket is told to stop. */
const HIGH_WATER_BYTES = 256 * 1_024
/** Bytes sent in one turn of the event loop. */
const TURN_BYTES = 64 * 1_024
const COPIED = /^COPY (\d+)/

/**
 * One COPY as `pg`'s client drives it. The `handle…` methods are called from the socket's event: none may be missing, whatever
 * the text turns out to be, and none may throw. Source of the protocol: PostgreSQL, "Frontend/Backend Protocol", COPY Operations.
 */
abstract class WireCopy implements Exchange {
  readonly parts = []
  /** What was read or handed out is gone. */
  readonly repeatable = false
  readonly text: string
  readonly #host: WireHost
  protected connection: CopyConnection | undefined
  /** The server has said that it is such a COPY. */
  protected recognised = false
  protected rowCount = 0
  /** A further COPY wanted data: it was ended, which the server takes for a cancel. */
  protected misfit = false

  constructor(host: WireHost, text: string) {
    this.#host = host
    this.text = text
  }

  abstract succeed(): void
  abstract fail(error: Error): void

  submit(connection: Connection): null {
    this.connection = connection as unknown as CopyConnection
    connection.query(this.text)
    return null
  }

  handleCommandComplete({ text }: { text: string }): void { this.rowCount = Number(COPIED.exec(text)?.[1] ?? 0) }
  handleReadyForQuery(): void { this.#host.succeeded(this) }
  handleError(error: Error): void { this.#host.failed(this, error) }
  handleCopyInResponse(connection: CopyConnection): void {
    this.misfit = true
    connection.sendCopyFail('this statement was not expected to read data')
  }

  handleCopyData(_message: { chunk: Buffer }): void { /* nobody asked for it */ }
  handleRowDescription(): void { /* no COPY */ }
  handleDataRow(): void { /* no COPY */ }
  handleEmptyQuery(): void { /* no COPY */ }
  handlePortalSuspended(): void { /* no COPY */ }

  protected other(expected: string): QueryError {
    return new QueryError(`expected one statement \`${expected}\``, undefined, { sql: this.text })
  }
}

// As a WireQuery: `pg` takes its settings (timeouts, binary) from what it knows for a query of its own.
Object.setPrototypeOf(WireCopy.prototype, pg.Query.prototype as object)

/** `COPY … FROM STDIN`, its data from a source, at the pace of the server. */
export class WireCopyIn extends WireCopy {
  readonly #source: DataSource
  readonly #resolve: (result: DriverResult) => void
  readonly #reject: (error: Error) => void
  #thrown: { readonly error: unknown } | undefined
  /** No more data may be sent: all of it was, or the statement is over. */
  #closed = false
  #wake: () => void = () => undefined

  constructor(host: WireHost, text: string, source: DataSource, resolve: (result: DriverResult) => void, reject: (error: Error) => void) {
    super(host, text)
    this.#source = source
    this.#resolve = resolve
    this.#reject = reject
  }

  /**
   * Ends the data as failed, which undoes the statement; false: there is nothing to end. A cancel does not reach a server
   * that waits for data.
   */
  abort(): boolean {
    if (!this.recognised || this.#closed) return false
    this.#close()
    this.connection?.sendCopyFail('the statement was cancelled')
    return true
  }

  succeed(): void {
    this.#close()
    if (this.recognised) this.#resolve({ rows: [], rowCount: this.rowCount, fields: [], command: 'COPY' })
    else this.#reject(this.other('copy … from stdin'))
  }

  fail(error: Error): void {
    this.#close()
    const thrown = this.#thrown
    if (thrown) this.#reject(new QueryError('the source of the data has failed: nothing was stored', undefined, { cause: thrown.error, sql: this.text }))
    else this.#reject(this.misfit ? this.other('copy … from stdin') : error)
  }

  override handleError(error: Error): void {
    this.#close()
    super.handleError(error)
  }

  override handleCopyInResponse(connection: CopyConnection): void {
    if (this.recognised) {
      super.handleCopyInResponse(connection)
      return
    }
    this.recognised = true
    void this.#pour(connection)
  }

  #close(): void {
    this.#closed = true
    this.#wake()
  }

  /** undefined: the statement was over first. (A race against one long-lived promise would keep every chunk in memory.) */
  #unlessOver<T>(awaited: T | Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#wake = () => { resolve(undefined) }
      Promise.resolve(awaited).then(resolve, reject)
    })
  }

  async #pour(connection: CopyConnection): Promise<void> {
    let chunks: ReturnType<typeof iteratorOf> | undefined
    let unpaused = 0
    try {
      chunks = iteratorOf(this.#source)
      for (;;) {
        const next = await this.#unlessOver(chunks.next())
        if (this.#closed || !next) break
        if (next.done) {
          this.#closed = true
          connection.endCopyFrom()
          return
        }
        const bytes = bytesOf(next.value)
        connection.sendCopyFromChunk(bytes)
        unpaused += bytes.length
        if (connection.stream.writableNeedDrain) await this.#unlessOver(drained(connection.stream))
        else if (unpaused < TURN_BYTES) continue
        // a fast server never makes one wait: what it has to say is heard all the same, and others get their turn
        else await new Promise(setImmediate)
        unpaused = 0
      }
    } catch (error) {
      if (!this.#closed) {
        this.#thrown = { error }
        this.#close()
        // what is wrong there is the caller's affair, not the server log's
        connection.sendCopyFail('the source of the data has failed')
      }
    }
    // one that never ends its turn cannot be waited for
    void letGo(chunks)
  }
}

/** `COPY … TO STDOUT`, its data as it comes, at the pace of the consumer. */
export class WireCopyOut extends WireCopy {
  #chunks: Buffer[] = []
  #bytes = 0
  #paused = false
  #discarding = false
  #end: { readonly error: Error | undefined } | undefined
  #wake: () => void = () => undefined

  succeed(): void { this.#settle(this.recognised ? undefined : this.other('copy … to stdout')) }

  fail(error: Error): void { this.#settle(this.misfit ? this.other('copy … to stdout') : error) }

  /**
   * The data. Left early, the statement is ended by `cancel`; without one (it would end a transaction, too) the rest is read
   * and thrown away.
   */
  async *read<Row>(cancel: (() => Promise<void>) | undefined): AsyncGenerator<Row[], void, undefined> {
    try {
      for (;;) {
        if (this.#chunks.length > 0) yield this.#take() as Row[]
        else if (!this.#end) await this.#news()
        else if (this.#end.error) throw this.#end.error
        else return
      }
    } finally {
      this.#discarding = true
      this.#take()
      if (!this.#end) await cancel?.().catch(() => undefined)
      while (!this.#end) await this.#news()
    }
  }

  #news(): Promise<void> { return new Promise((resolve) => { this.#wake = resolve }) }

  override handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.recognised = true
    if (this.#discarding) return
    // a view of the parser's buffer, which is used again
    this.#chunks.push(Buffer.from(chunk))
    this.#bytes += chunk.length
    if (this.#bytes > HIGH_WATER_BYTES && !this.#paused) {
      this.#paused = true
      this.connection?.stream.pause()
    }
    this.#wake()
  }

  /** A table without rows sends none. */
  override handleCommandComplete(message: { text: string }): void {
    super.handleCommandComplete(message)
    this.recognised ||= COPIED.test(message.text)
  }

  #take(): Buffer[] {
    const chunks = this.#chunks
    this.#chunks = []
    this.#bytes = 0
    if (this.#paused) this.connection?.stream.resume()
    this.#paused = false
    return chunks
  }

  #settle(error: Error | undefined): void {
    this.#end = { error }
    this.#wake()
  }
}

function iteratorOf(source: DataSource): AsyncIterator<Uint8Array | string> | Iterator<Uint8Array | string> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
}

/** The source's own trouble at the end is nobody's any more. */
async function letGo(chunks: ReturnType<typeof iteratorOf> | undefined): Promise<void> {
  try {
    await chunks?.return?.()
  } catch {
    // the statement is over, and has said how
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk)
  if (chunk instanceof Uint8Array) return chunk
  throw new TypeError(`expected chunks of text or bytes from the source, got ${chunk === null ? 'null' : typeof chunk}`)
}

function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => { stream.once('drain', resolve) })
}
