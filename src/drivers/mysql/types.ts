import { QueryError } from '../../core/errors.js'
import type { Field } from '../../core/result.js'
import type { TypeSettings } from '../../core/settings.js'
import type { Column } from './client.js'

/** Type codes of the protocol (`field_types.h`). */
const LONGLONG = 8
const JSON_TYPE = 245
const WITH_FRACTION: ReadonlySet<number> = new Set([7, 11, 12]) // TIMESTAMP, TIME, DATETIME

/** How `BIGINT` values arrive. `number` refuses values beyond 2^53 with an error instead of rounding them. */
type BigintForm = TypeSettings['bigint']

type Convert = (text: string, column: string) => unknown

/**
 * Gives the values of a result the form the library's type policy wants where `mysql2`'s own differs: JSON parsed, 64-bit
 * integers as configured. Rows are changed in place; a value that cannot be read is an error that names its column.
 */
export function applyTypes(rows: readonly unknown[], columns: readonly Column[], bigint: BigintForm): void {
  for (const column of columns) {
    const convert = conversionOf(column, bigint)
    if (!convert) continue
    for (const row of rows as Record<string, unknown>[]) {
      const value = row[column.name]
      if (typeof value === 'string') row[column.name] = convert(value, column.name)
    }
  }
}

function conversionOf({ columnType, extendedFormat, decimals }: Column, bigint: BigintForm): Convert | undefined {
  if (WITH_FRACTION.has(columnType) && decimals > 0 && decimals <= 6) return (text) => withFraction(text, decimals)
  if (columnType === JSON_TYPE || extendedFormat === 'json') return parseJson
  if (columnType !== LONGLONG || bigint === 'string') return undefined
  return bigint === 'bigint' ? BigInt : safeNumber
}

/** The binary protocol leaves out a fraction of zero, the text protocol writes it. */
function withFraction(text: string, decimals: number): string {
  return text.includes('.') ? text : `${text}.${'0'.repeat(decimals)}`
}

function parseJson(text: string, column: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // V8's message quotes the text
    throw new QueryError(`column '${column}' holds what JSON.parse cannot read`, undefined, {
      cause: cause instanceof Error ? new SyntaxError('unreadable JSON') : undefined, hint: 'cast the column to text: cast(column as char)',
    })
  }
}

function safeNumber(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  throw new QueryError('a BIGINT value does not fit into a JavaScript number', undefined, {
    hint: 'leave types.bigint at \'string\', or set it to \'bigint\'',
  })
}

/** What a caller gets to know of the columns. */
export function fieldsOf(columns: readonly Column[]): Field[] {
  return columns.map(({ name, columnType }) => ({ name, dataType: columnType }))
}

/** A generated key: a number while it is exact, else as `BIGINT` values are; undefined when none was generated. */
export function insertIdOf(value: number | string, bigint: BigintForm): string | number | bigint | undefined {
  if (value === 0 || value === '0') return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  return bigint === 'bigint' ? BigInt(value) : String(value)
}
