import { QueryCancelledError, QueryTimeoutError, SluiceError } from '../core/errors.js'
import type { Classification } from '../sql/classifier.js'
import { isUndoneWhole } from './atomic.js'

/** Tables that were changed, lower case; undefined: nobody can say which, so take it to be any. */
export type ChangedTables = readonly string[] | undefined

/** Told of every change that stands; what it returns is waited for before the writer hears of its success. Never rejects. */
export type WriteListener = (tables: ChangedTables) => Promise<void> | undefined

/**
 * Tells who wants to know which tables were changed: once the change stands (committed, or its outcome is unknown), never
 * before, and never for what was rolled back.
 */
export class Writes {
  readonly #listeners: WriteListener[] = []

  listen(listener: WriteListener): void { this.#listeners.push(listener) }

  /** A change of these tables stands, or may stand. */
  committed(tables: ChangedTables): Promise<void> | undefined {
    if (tables?.length === 0) return undefined
    let waits: Promise<void> | undefined
    for (const listener of this.#listeners) {
      const wait = listener(tables)
      if (wait) waits = waits ? Promise.all([waits, wait]).then(() => undefined) : wait
    }
    return waits
  }
}

/** What a unit of work has changed so far, until it is known whether it stands. */
export class Changes {
  readonly #tables = new Set<string>()
  #any = false

  add({ tables, verb }: Classification): void {
    // what was prepared before may be anything
    if (!tables || verb === 'EXECUTE') this.#any = true
    else for (const table of tables) this.#tables.add(table)
  }

  /** What was gathered; from then on it is empty again. */
  take(): ChangedTables {
    const tables = this.#any ? undefined : [...this.#tables]
    this.#any = false
    this.#tables.clear()
    return tables
  }
}

/** Whether a statement that ended in this error may nevertheless have changed something for good. */
export function mayStand(error: unknown, classification: Classification): boolean {
  if (!(error instanceof SluiceError)) return true
  if (error.neverSent) return false
  const unanswered = error.connectionLost || error instanceof QueryTimeoutError || error instanceof QueryCancelledError
  return unanswered || !isUndoneWhole(classification)
}
