import pg, { type Connection } from 'pg'
import type { DriverResult } from '../../core/result.js'
import { tagOf } from './command-tag.js'
import type { WireValue } from './params.js'
import type { PreparedStatement } from './prepared.js'
import { NO_ROWS, RowShape, type ColumnDescription, type ParserOf } from './row-shape.js'

/** What an exchange tells the connection that sent it. */
export interface WireHost {
  readonly parserOf: ParserOf
  /** The server has answered and is ready for the next one. */
  succeeded(exchange: Exchange): void
  /** It failed; a server's error comes before the server is ready again. */
  failed(exchange: Exchange, error: Error): void
}

/** What goes to the server under one Sync. */
export interface Exchange {
  readonly parts: readonly WireQuery[]
  /** Sent outside a transaction block, and for the first time: when only its plan was stale it is sent once more. */
  readonly repeatable: boolean
  succeed(): void
  fail(error: Error): void
}

/** Whose promise a query settles. */
export interface Settle {
  resolve(query: WireQuery): void
  reject(error: Error): void
}

/** Execute (the unnamed portal, all rows) and Sync, and the same with Describe in front: always the same bytes. */
const EXECUTE = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0])
const DESCRIBE = Buffer.from([0x44, 0, 0, 0, 6, 0x50, 0])
/** Ends what is sent under it, and asks for ReadyForQuery. */
export const SYNC = Buffer.from([0x53, 0, 0, 0, 4])
const EXECUTE_SYNC = Buffer.concat([EXECUTE, SYNC])
const DESCRIBE_EXECUTE_SYNC = Buffer.concat([DESCRIBE, EXECUTE, SYNC])
const DESCRIBE_EXECUTE = Buffer.concat([DESCRIBE, EXECUTE])

/**
 * One statement in the form `pg`'s client drives (its own `Query` is an EventEmitter, asks for the columns each time and
 * writes four times). The `handle…` methods are called by `pg` as the answer arrives.
 *
 * With a prepared statement whose columns are known nothing is described: for what the server plans it refuses to run a
 * statement whose columns have changed ("cached plan must not change result type").
 */
export class WireQuery implements Exchange {
  readonly text: string
  readonly values: WireValue[]
  readonly prepared: PreparedStatement | undefined
  readonly settle: Settle
  readonly repeatable: boolean
  readonly #host: WireHost
  #shape: RowShape | undefined
  #answer: Record<string, unknown>[] = []
  #affected: number | undefined
  #command: string | undefined
  #failure: Error | undefined

  constructor(
    host: WireHost, text: string, values: WireValue[], prepared: PreparedStatement | undefined, settle: Settle, repeatable: boolean,
  ) {
    this.#host = host
    this.text = text
    this.values = values
    this.prepared = prepared
    this.settle = settle
    this.repeatable = repeatable
    this.#shape = prepared?.shape
  }

  /** Where a text holds several statements, the last one's result is the answer, as a face of one statement. */
  get result(): DriverResult {
    return {
      rows: this.#answer, rowCount: this.#affected ?? this.#answer.length,
      fields: this.#shape?.fields ?? NO_ROWS.fields, command: this.#command ?? '',
    }
  }

  get parts(): readonly WireQuery[] { return [this] }

  succeed(): void { this.settle.resolve(this) }

  fail(error: Error): void { this.settle.reject(error) }

  /** A row that could not be read. */
  get failure(): Error | undefined { return this.#failure }

  submit(connection: Connection): null {
    // without values it may hold several statements, which only the simple protocol takes
    if (this.values.length === 0 && !this.prepared && this.text !== '') {
      connection.query(this.text)
      return null
    }
    const { stream } = connection
    if (!stream.writable) return null
    stream.cork()
    this.#writeHead(connection)
    stream.write(this.#shape ? EXECUTE_SYNC : DESCRIBE_EXECUTE_SYNC)
    stream.uncork()
    return null
  }

  /** As {@link submit}, always in the extended protocol and without the Sync. */
  writeUnsynced(connection: Connection): void {
    this.#writeHead(connection)
    connection.stream.write(this.#shape ? EXECUTE : DESCRIBE_EXECUTE)
  }

  #writeHead(connection: Connection): void {
    const { prepared, text, values } = this
    const name = prepared?.name ?? ''
    if (!prepared?.sent) connection.parse({ name, text, types: NO_TYPES }, true)
    if (prepared) prepared.sent = true
    connection.bind({ statement: name, values }, true)
  }

  handleRowDescription({ fields }: { fields: readonly ColumnDescription[] }): void {
    this.#beginNext()
    this.#shape = new RowShape(fields, this.#host.parserOf)
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    if (this.#failure) return
    try {
      this.#answer.push((this.#shape ?? NO_ROWS).row(fields))
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#beginNext()
    const tag = tagOf(text)
    this.#command = tag.command
    this.#affected = tag.rows
  }

  handleEmptyQuery(): void {
    // no rows, no command: what it is from the start
  }

  handleReadyForQuery(): void {
    this.confirm()
    if (this.#failure) this.#host.failed(this, this.#failure)
    else this.#host.succeeded(this)
  }

  handleError(error: Error): void {
    this.#host.failed(this, this.#failure ?? error)
  }

  handlePortalSuspended(): void {
    // all rows were asked for
  }

  handleCopyInResponse(connection: Connection): void {
    (connection as unknown as { sendCopyFail(reason: string): void }).sendCopyFail('No source stream defined')
  }

  handleCopyData(): void {
    // COPY … TO STDOUT as a plain statement: its data has no reader
  }

  /** The server has it under its name now. */
  confirm(): void {
    const { prepared } = this
    if (!prepared || prepared.confirmed) return
    prepared.confirmed = true
    if (prepared.fixed) prepared.shape = this.#shape ?? NO_ROWS
  }

  /** A further statement of the same text begins. */
  #beginNext(): void {
    if (this.#command === undefined) return
    this.#command = undefined
    this.#affected = undefined
    this.#answer = []
    this.#shape = undefined
  }
}

// In pipeline mode `pg` takes only what it knows for a query of its own; its constructor is what is to be saved.
Object.setPrototypeOf(WireQuery.prototype, pg.Query.prototype as object)

const NO_TYPES: string[] = []
