import type { Limits } from '../core/deadline.js'
import type { Connection } from '../core/driver.js'
import type { DriverResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'

/** One exclusive loan of a connection. */
export class Loan {
  readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** Runs one statement within `limits`; rejects with SluiceErrors only. */
  query<Row = Record<string, unknown>>(_statement: Statement, _limits: Limits): Promise<DriverResult<Row>> {
    return Promise.reject(new Error('not yet'))
  }

  /** Rows in batches, within `limits` from the first to the last. */
  stream<Row = Record<string, unknown>>(_statement: Statement, _limits: Limits, _batchSize: number): AsyncIterable<Row[]> {
    throw new Error('not yet')
  }

  /** Gives the connection back. A second call only warns. */
  release(): void { return undefined }

  /** Throws the connection away instead of giving it back. */
  discard(_reason: string): void { return undefined }
}
