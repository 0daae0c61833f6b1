import type { Client } from 'pg'
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
  // A cursor reports an error after sending Sync and before the answer to it: the one moment to start waiting for that.
  let recovered: Promise<void> | undefined
  cursor.on('error', () => { recovered = host.ready() })
  host.client.query(cursor)
  let complete = false
  try {
    while (!complete) {
      const rows = await cursor.read(batchSize)
      // The server stops a portal at the limit; fewer rows mean that it has ended and that the server is ready.
      complete = rows.length < batchSize
      if (rows.length > 0) yield rows
    }
  } finally {
    if (recovered) await recovered
    else if (!complete) await Promise.race([cursor.close(), host.gone])
  }
}
