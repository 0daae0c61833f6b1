import type { Client } from 'pg'
import { asError } from '../../core/deadline.js'
import { ConfigError } from '../../core/errors.js'
import { load } from '../../core/load.js'
import type { WireValue } from './params.js'

/** The connection a cursor runs on. */
export interface CursorHost {
  readonly client: Client
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>
  /** Resolves at the next ReadyForQuery, or when the connection is gone. */
  ready(): Promise<void>
}

/**
 * Reads a statement through a portal, `batchSize` rows per round trip; the next batch is asked for when the consumer
 * comes back. However the loop ends (all rows, an early stop, a failure), the server is ready for the next statement,
 * or the connection is gone.
 */
export async function* readBatches<Row>(
  host: CursorHost, text: string, values: WireValue[], batchSize: number,
): AsyncGenerator<Row[], void, undefined> {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ConfigError(`batchSize: expected a whole number above 0, got ${String(batchSize)}`, { option: 'batchSize' })
  }
  const { default: Cursor } = await load('pg-cursor', () => import('pg-cursor'), 'streaming from postgres')
  const cursor = new Cursor<Row>(text, values)
  const parsing = completeHandlers(cursor)
  // A cursor reports an error after sending Sync and before the answer to it: the one moment to start waiting for that.
  let recovered: Promise<void> | undefined
  cursor.on('error', () => { recovered = host.ready() })
  host.client.query(cursor)
  let complete = false
  try {
    while (!complete) {
      const rows = await cursor.read(batchSize)
      if (parsing.failure !== undefined) throw asError(parsing.failure)
      // The server stops a portal at the limit; fewer rows mean that it has ended and that the server is ready.
      complete = rows.length < batchSize
      if (rows.length > 0) yield rows
    }
  } finally {
    if (recovered) await recovered
    else if (!complete) await Promise.race([cursor.close(), host.gone])
  }
}

/** What `pg` calls on the query that is running, as far as a cursor does it too trustingly or not at all. */
interface Handlers {
  handleDataRow(message: unknown): void
  handleCopyData(): void
  handleCopyInResponse(connection: { sendCopyFail(message: string): void }): void
}

/**
 * Makes a cursor fit for every answer a server gives: what it throws, or does not have, would end the process, because
 * `pg` calls it from the socket's event. A type parser may refuse a value (its error is kept for the reader, and the
 * other rows are passed over), and a COPY may be streamed.
 */
function completeHandlers(cursor: object): { failure: unknown } {
  const handlers = cursor as Handlers
  const parsing: { failure: unknown } = { failure: undefined }
  const parseRow = handlers.handleDataRow.bind(cursor)
  handlers.handleDataRow = (message) => {
    if (parsing.failure !== undefined) return
    try {
      parseRow(message)
    } catch (error) {
      parsing.failure = error
    }
  }
  handlers.handleCopyData = () => undefined
  handlers.handleCopyInResponse = (connection) => { connection.sendCopyFail('COPY FROM STDIN cannot be streamed') }
  return parsing
}
