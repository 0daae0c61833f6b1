import { createHash } from 'node:crypto'
import { NoRowsError, SchemaError, TooManyRowsError } from '../core/row-errors.js'
import type { RowSchema, SchemaResult } from '../core/queryable.js'
import type { Field } from '../core/result.js'

/** The only row. @throws {@link NoRowsError} @throws {@link TooManyRowsError} */
export function oneRow<Row>(rows: readonly Row[], sql: string): Row {
  if (rows.length > 1) {
    throw new TooManyRowsError(`expected one row, got ${String(rows.length)}`, { sql, hint: 'add LIMIT 1 or a stricter WHERE, or use many()' })
  }
  if (rows.length === 0) throw new NoRowsError('expected one row, got none', { sql, hint: 'use maybeOne() when the row may be missing' })
  return rows[0] as Row
}

/** First column of a row, by the result's own column order. */
export function firstColumn(row: unknown, fields: readonly Field[]): unknown {
  if (Array.isArray(row)) return row[0]
  const name = fields[0]?.name
  return name === undefined ? Object.values(row as object)[0] : (row as Record<string, unknown>)[name]
}

/**
 * Runs every row through a Standard Schema; the converted rows are returned.
 *
 * @param firstIndex - index of `rows[0]` in the whole result, for the error
 * @throws {@link SchemaError} names row, path and statement, never a value (a schema's own message may quote one, so
 * only its path is used)
 */
export async function checkRows<Row>(rows: readonly unknown[], schema: RowSchema<Row>, sql: string, firstIndex: number): Promise<Row[]> {
  const checked: Row[] = []
  for (const [index, row] of rows.entries()) {
    const result = await validated(row, schema, sql, firstIndex + index)
    if (result.issues) throw schemaError(result, schema['~standard'].vendor, sql, firstIndex + index)
    checked.push(result.value)
  }
  return checked
}

/** A schema that throws instead of answering is the caller's mistake; its message may quote the value. */
async function validated<Row>(row: unknown, schema: RowSchema<Row>, sql: string, index: number): Promise<SchemaResult<Row>> {
  const { validate, vendor } = schema['~standard']
  try {
    return await validate(row)
  } catch (cause) {
    throw new SchemaError(`row ${String(index)}: the ${vendor} schema threw instead of answering`, {
      cause, sql, row: index, path: '', fingerprint: fingerprintOf(sql), hint: 'validate() must return { value } or { issues }',
    })
  }
}

function schemaError(result: SchemaResult<unknown> & { issues: readonly unknown[] }, vendor: string, sql: string, row: number): SchemaError {
  const paths = result.issues.map((issue) => pathOf((issue as { path?: readonly unknown[] }).path))
  const path = paths[0] ?? ''
  const more = paths.length > 1 ? ` (and ${String(paths.length - 1)} more)` : ''
  return new SchemaError(`row ${String(row)} does not fit the ${vendor} schema at '${path}'${more}`, {
    sql, row, path, fingerprint: fingerprintOf(sql), hint: 'compare the column with the schema; numeric and bigint columns arrive as strings',
  })
}

/** A short stable name of a statement's text, for logs. */
export function fingerprintOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex').slice(0, 16)
}

function pathOf(path: readonly unknown[] | undefined): string {
  return (path ?? []).map((part) => String(typeof part === 'object' && part !== null ? (part as { key: PropertyKey }).key : part)).join('.')
}
