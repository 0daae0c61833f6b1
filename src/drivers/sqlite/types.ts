import { QueryError } from '../../core/errors.js'
import type { TypeSettings } from '../../core/settings.js'
import type { SqliteRow, SqliteValue } from './build.js'

/** Makes a row as callers get it, in place where nothing has to change. */
export type RowReader = (row: SqliteRow) => Record<string, unknown>

/**
 * The library's one type policy on SQLite, whose columns have no fixed type: integers that a number holds exactly are
 * numbers, longer ones what `types.bigint` says; blobs are Buffers.
 */
export function rowReader(bigint: TypeSettings['bigint']): RowReader {
  return (row) => {
    const read: Record<string, unknown> = row
    for (const name in row) {
      const value = row[name]
      if (typeof value === 'object' ? value !== null : typeof value === 'bigint') read[name] = readValue(value as SqliteValue, bigint)
    }
    return read
  }
}

/** One value: see {@link rowReader}. */
export function readValue(value: SqliteValue, bigint: TypeSettings['bigint']): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : LONG_INTEGERS[bigint](value)
  }
  if (!(value instanceof Uint8Array)) return value
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

const LONG_INTEGERS: Readonly<Record<TypeSettings['bigint'], (value: bigint) => unknown>> = {
  string: String,
  bigint: (value) => value,
  number: () => {
    throw new QueryError('an integer does not fit into a JavaScript number', undefined, {
      hint: 'leave types.bigint at \'string\', or set it to \'bigint\'',
    })
  },
}
