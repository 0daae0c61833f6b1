import { describeGot, oneProblem, shownName } from '../config/problem.js'
import type { ConfigError } from '../core/errors.js'
import type { InsertRow } from '../core/queryable.js'
import { statement, type SqlRenderer, type Statement } from '../core/statement.js'

/** Rows of one INSERT: more hardly saves anything, and the text grows with them. */
const MAX_ROWS = 500
/** Values of one statement that every engine takes (SQLite's limit; PostgreSQL and MySQL take 65,535). */
const MAX_VALUES = 32_766

/**
 * The INSERTs that store these rows, each of many rows. All but the last have the same text.
 *
 * @throws {@link ConfigError} naming what is wrong: no list of objects, or a row whose columns are not those of the first one
 */
export function insertStatements(table: string, rows: readonly InsertRow[], renderer: SqlRenderer, name: string | undefined): Statement[] {
  if (typeof table !== 'string' || table === '') throw oneProblem('the first argument of insertMany', "a table's name", describeGot(table, false), EXAMPLE)
  if (!Array.isArray(rows)) throw oneProblem('the second argument of insertMany', 'a list of rows', describeGot(rows, false), EXAMPLE)
  if (rows.length === 0) return []
  const columns = columnsOf(rows[0])
  const most = Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_VALUES / columns.length)))
  const head = `insert into ${table.split('.').map((part) => renderer.quoteIdentifier(part)).join('.')} (${columns.map((column) => renderer.quoteIdentifier(column)).join(', ')}) values `
  let full: string | undefined
  const statements: Statement[] = []
  for (let start = 0; start < rows.length; start += most) {
    const count = Math.min(most, rows.length - start)
    const text = count === most ? full ??= head + tuples(columns.length, count, renderer) : head + tuples(columns.length, count, renderer)
    const values: unknown[] = []
    for (let index = start; index < start + count; index++) addValues(values, rows[index] as unknown, columns, index)
    statements.push(statement(text, values, undefined, name))
  }
  return statements
}

const EXAMPLE = "db.insertMany('app.users', [{ id: 1, email: 'a@example.com' }])"

function columnsOf(row: unknown): string[] {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) throw notRow(row, 0)
  const columns = Object.keys(row)
  if (columns.length === 0 || columns.length > MAX_VALUES) throw oneProblem('row 0 of insertMany', `1 to ${String(MAX_VALUES)} columns`, String(columns.length), EXAMPLE)
  return columns
}

function addValues(values: unknown[], row: unknown, columns: readonly string[], index: number): void {
  if (typeof row !== 'object' || row === null) throw notRow(row, index)
  for (const column of columns) {
    const value = (row as InsertRow)[column]
    // undefined would be stored as NULL where a default was meant
    if (value === undefined) throw oneProblem(`row ${String(index)} of insertMany`, `a value for ${shownName(column)}`, 'none', 'give every row the columns of the first one, null where there is no value')
    values.push(value)
  }
  const surplus = Object.keys(row).find((column) => !columns.includes(column))
  if (surplus !== undefined) throw oneProblem(`row ${String(index)} of insertMany`, 'the columns of the first row', `${shownName(surplus)} beside them`, 'give every row the same columns')
}

function notRow(row: unknown, index: number): ConfigError {
  return oneProblem(`row ${String(index)} of insertMany`, 'an object of columns and values', describeGot(row, false), EXAMPLE)
}

/** `($1, $2), ($3, $4)` */
function tuples(columns: number, rows: number, renderer: SqlRenderer): string {
  const made: string[] = []
  for (let row = 0; row < rows; row++) {
    const places: string[] = []
    for (let column = 1; column <= columns; column++) places.push(renderer.placeholder(row * columns + column))
    made.push(`(${places.join(', ')})`)
  }
  return made.join(', ')
}
