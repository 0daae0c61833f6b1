import pg, { type Connection } from 'pg'
import type { BatchResult } from '../../core/driver.js'
import type { ColumnDescription } from './row-shape.js'
import { SYNC, type Exchange, type WireHost, type WireQuery } from './wire-query.js'

/**
 * Several statements under one Sync: one round trip. The first failure ends the rest unrun, up to the Sync.
 * Source: PostgreSQL, "Frontend/Backend Protocol", 55.2.4 (Pipelining).
 */
export class WireBatch implements Exchange {
  readonly text: string
  readonly parts: readonly WireQuery[]
  /** Others may count on what was done before the failure: a transaction block. */
  readonly repeatable = false
  readonly #host: WireHost
  readonly #resolve: (result: BatchResult) => void
  readonly #reject: (error: Error) => void
  /** The part that is being answered: those before it are done. */
  #at = 0
  #refusal: Error | undefined

  constructor(host: WireHost, parts: readonly WireQuery[], resolve: (result: BatchResult) => void, reject: (error: Error) => void) {
    this.#host = host
    this.parts = parts
    this.#resolve = resolve
    this.#reject = reject
    this.text = parts[0]?.text ?? ''
  }

  succeed(): void {
    const done = this.parts.slice(0, this.#at)
    const unread = done.findIndex(({ failure }) => failure)
    const failure = unread >= 0
      ? { at: unread, cause: done[unread]?.failure }
      : this.#answered ? undefined : this.#refusal && { at: this.#at, cause: this.#refusal }
    this.#resolve({ results: done.map(({ result }) => result), failure })
  }

  /** A refusal of the server says what was done; the end of the connection does not, unless all answers had come before it. */
  fail(error: Error): void {
    const refused = error === this.#refusal && 'severity' in error && error.severity === 'ERROR'
    if (refused || this.#answered) this.succeed()
    else this.#reject(error)
  }

  get #answered(): boolean { return this.#at >= this.parts.length }

  submit(connection: Connection): null {
    const { stream } = connection
    if (!stream.writable) return null
    stream.cork()
    for (const part of this.parts) part.writeUnsynced(connection)
    stream.write(SYNC)
    stream.uncork()
    return null
  }

  handleRowDescription(message: { fields: readonly ColumnDescription[] }): void { this.parts[this.#at]?.handleRowDescription(message) }

  handleDataRow(message: { fields: readonly (string | null)[] }): void { this.parts[this.#at]?.handleDataRow(message) }

  handleCommandComplete(message: { text: string }): void { this.parts[this.#at++]?.handleCommandComplete(message) }

  handleEmptyQuery(): void { this.#at++ }

  handleReadyForQuery(): void {
    for (const part of this.parts) part.confirm()
    this.#host.succeeded(this)
  }

  handleError(error: Error): void {
    this.#refusal = error
    for (const part of this.parts.slice(0, this.#at)) part.confirm()
    this.#host.failed(this, error)
  }

  handlePortalSuspended(): void {
    // all rows were asked for
  }

  /** Not to be reached: COPY has no place here, and the server would go on waiting for its data. */
  handleCopyInResponse(connection: Connection): void { connection.stream.destroy() }

  handleCopyData(): void {
    // COPY … TO STDOUT as a plain statement: its data has no reader
  }
}

// As a WireQuery: in pipeline mode `pg` takes only what it knows for a query of its own.
Object.setPrototypeOf(WireBatch.prototype, pg.Query.prototype as object)
