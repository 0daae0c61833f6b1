import { asError } from '../../core/deadline.js'
import { ConfigError } from '../../core/errors.js'
import type { Client, Column, OkPacket } from './client.js'

/** The connection a stream runs on. */
export interface StreamHost {
  readonly client: Client
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>
  /** Asks the server to stop what it sends. */
  stop(): Promise<void>
  /** The connection cannot be brought back into order. */
  destroy(): void
  told(ok: OkPacket): void
  /** Why the connection is gone. */
  failure(): Error | undefined
}

/** Rows a stream that was left early may still bring before the server is asked to stop. */
const DRAINED_ROWS = 1_000

/** How long a stream that was left early may take to end after the server was asked to stop. */
const STOP_MS = 800

/**
 * Reads a statement's rows as they arrive, `batchSize` at a time. The socket is read only while the consumer waits, so a
 * slow consumer holds the server back instead of filling memory. However the loop ends (all rows, an early stop, a
 * failure), the server is ready for the next statement, or the connection is gone.
 */
export async function* readBatches(
  host: StreamHost, sql: string, batchSize: number, convert: (rows: unknown[], columns: readonly Column[]) => void,
): AsyncGenerator<unknown[], void, undefined> {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ConfigError(`batchSize: expected a whole number above 0, got ${String(batchSize)}`, { option: 'batchSize' })
  }
  const rows = new RowQueue(host, sql, batchSize)
  try {
    for (;;) {
      const batch = await rows.next()
      if (batch.length > 0) {
        convert(batch, rows.columns)
        yield batch
      }
      if (rows.done) return
    }
  } finally {
    await rows.close()
  }
}

/** Rows between the socket and the consumer. */
class RowQueue {
  readonly #host: StreamHost
  readonly #batchSize: number
  readonly #ended: Promise<void>
  #rows: unknown[] = []
  #wake: (() => void) | undefined
  #failure: Error | undefined
  #paused = false
  #discarding = false
  #discarded = 0
  #over = false
  columns: readonly Column[] = []

  constructor(host: StreamHost, sql: string, batchSize: number) {
    this.#host = host
    this.#batchSize = batchSize
    const query = host.client.query({ sql })
    this.#ended = new Promise<void>((resolve) => {
      query.on('end', () => { resolve() })
      void host.gone.then(resolve)
    }).then(() => { this.#end() })
    query.on('fields', (columns) => { this.columns = columns ?? [] })
    query.on('error', (error) => { this.#failure ??= asError(error) })
    query.on('result', (row) => { this.#take(row) })
  }

  /** All rows have been given out, and nothing is left to be told. */
  get done(): boolean { return this.#over && this.#rows.length === 0 && this.#failure === undefined }

  async next(): Promise<unknown[]> {
    if (this.#rows.length < this.#batchSize && !this.#over) {
      const woken = new Promise<void>((resolve) => { this.#wake = resolve })
      this.#resume()
      await woken
    }
    // rows of a batch that will never be full are not the answer to anything
    if (this.#failure && this.#rows.length < this.#batchSize) throw this.#failure
    return this.#rows.splice(0, this.#batchSize)
  }

  /** Reads the rest away; a long rest is ended on the server. */
  async close(): Promise<void> {
    if (this.#over) return
    this.#discarding = true
    this.#rows = []
    this.#resume()
    const soon = new Promise<void>((resolve) => { this.#wake = resolve })
    await Promise.race([this.#ended, soon, pause(SOON_MS)])
    if (this.#over) return
    try {
      await Promise.race([this.#host.stop(), this.#ended])
      await Promise.race([this.#ended, pause(STOP_MS)])
    } catch {
      // the control connection could not be had
    }
    if (!this.#over) this.#host.destroy()
  }

  #take(row: Record<string, unknown> | OkPacket): void {
    if (isOk(row)) {
      this.#host.told(row)
      return
    }
    if (this.#discarding) {
      if (++this.#discarded === DRAINED_ROWS) this.#wake?.()
      return
    }
    this.#rows.push(row)
    if (this.#rows.length < this.#batchSize) return
    this.#paused = true
    this.#host.client.pause()
    this.#wake?.()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#host.client.resume()
  }

  #end(): void {
    this.#over = true
    this.#failure ??= this.#host.failure()
    this.#wake?.()
  }
}

/** A short rest is read away without bothering the server. */
const SOON_MS = 20

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, ms).unref() })
}

/** An OK packet is an object of its own class; rows are plain. */
function isOk(row: Record<string, unknown> | OkPacket): row is OkPacket {
  return row.constructor !== Object && 'serverStatus' in row
}
