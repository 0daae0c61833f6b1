import { asError } from '../../core/deadline.js'
import type { DriverResult } from '../../core/result.js'
import { tagOf } from '../postgres/command-tag.js'
import { NO_ROWS, RowShape, type ColumnDescription, type ParserOf } from '../postgres/row-shape.js'

/** A message of the PostgreSQL protocol. */
export interface BackendMessage {
  readonly name: string
}

interface RowDescription extends BackendMessage { readonly fields: readonly ColumnDescription[] }
interface DataRow extends BackendMessage { readonly fields: readonly (string | null)[] }
interface CommandComplete extends BackendMessage { readonly text: string }

/** What a server answered, read. */
export interface Answer extends DriverResult {
  /** The portal has more rows. */
  readonly suspended: boolean
}

/** @throws the server's error, where there is one among the messages */
export function throwFirst(answer: readonly BackendMessage[]): void {
  for (const message of answer) if (message.name === 'error') throw asError(message)
}

/**
 * Reads an answer. Of several statements in one text the last one's result counts, as for a face of one statement.
 *
 * @param shape - of the rows, where their columns were told earlier
 * @throws the server's error, or what a type parser throws
 */
export function readAnswer(answer: readonly BackendMessage[], parserOf: ParserOf, shape?: RowShape): Answer & { shape: RowShape } {
  throwFirst(answer)
  let [current, rows, suspended] = [shape, [] as Record<string, unknown>[], false]
  let tag: ReturnType<typeof tagOf> | undefined
  const begin = (): void => {
    if (tag === undefined) return
    tag = current = undefined
    rows = []
  }
  for (const message of answer) {
    switch (message.name) {
      case 'rowDescription':
        begin()
        current = new RowShape((message as RowDescription).fields, parserOf)
        break
      case 'dataRow':
        rows.push((current ?? NO_ROWS).row((message as DataRow).fields))
        break
      case 'commandComplete':
        begin()
        tag = tagOf((message as CommandComplete).text)
        break
      case 'portalSuspended':
        suspended = true
        break
    }
  }
  const read = current ?? NO_ROWS
  return { rows, rowCount: tag?.rows ?? rows.length, fields: read.fields, command: tag?.command ?? '', suspended, shape: read }
}
