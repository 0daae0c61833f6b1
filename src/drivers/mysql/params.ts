import { types } from 'node:util'
import type mysql2 from 'mysql2'
import { QueryError } from '../../core/errors.js'
import type { Statement } from '../../core/statement.js'
import { placeholdersOf, type SqlModes } from './placeholders.js'

/** A parameter after conversion: what both the text and the binary protocol are written from. */
export type WireValue = string | number | bigint | boolean | Buffer | null

/** The protocol counts them in 16 bits. */
const MOST_PARAMS = 65_535

/** How the session reads what it is sent. */
export interface SessionModes extends SqlModes {
  /** The session's time zone, `+05:30`: Dates are written in it. */
  readonly timezone: string
}

/**
 * Converts a statement's parameters before anything is sent: dates become text in the session's time zone, objects and
 * lists become JSON, typed arrays bytes.
 *
 * @throws QueryError naming the parameter's position, never its value: a NUL character, an invalid date, a value without
 * a form in SQL, or JSON that cannot be written
 */
export function wireValues({ params, text }: Statement, timezone: string): WireValue[] {
  if (text.includes('\0')) {
    throw new QueryError('the statement text contains a NUL character (U+0000)', undefined, { neverSent: true })
  }
  if (params.length > MOST_PARAMS) {
    throw new QueryError(`a statement takes at most ${String(MOST_PARAMS)} parameters, got ${String(params.length)}`, undefined, {
      sql: text, neverSent: true, hint: 'split the statement, or pass a list as one JSON parameter and read it with JSON_TABLE',
    })
  }
  const values = new Array<WireValue>(params.length)
  for (let index = 0; index < params.length; index++) {
    try {
      values[index] = toWire(params[index], timezone)
    } catch (cause) {
      throw refused(index, text, cause)
    }
  }
  return values
}

/** A reason that holds no value; anything else thrown meanwhile is the caller's own code. */
class Unsendable extends Error {}

function refused(index: number, sql: string, cause: unknown): QueryError {
  const reason = cause instanceof Unsendable ? cause.message : 'cannot be converted to text or JSON'
  return new QueryError(`parameter ${String(index + 1)} ${reason}`, undefined, {
    sql, neverSent: true, ...(cause instanceof Unsendable ? {} : { cause }),
  })
}

function toWire(value: unknown, timezone: string): WireValue {
  switch (typeof value) {
    case 'string': return withoutNul(value)
    case 'number':
      if (Number.isFinite(value)) return value
      throw new Unsendable(`is ${String(value)}, which MySQL has no number for`)
    case 'bigint': case 'boolean': return value
    case 'undefined': return null
    case 'object': return value === null ? null : objectToWire(value, timezone)
    default: throw new Unsendable(`is a ${typeof value}, which has no form in SQL`)
  }
}

function withoutNul(text: string): string {
  if (text.includes('\0')) {
    throw new Unsendable('contains a NUL character (U+0000), which no text holds on every engine: use a BLOB (a Buffer), or remove it')
  }
  return text
}

function objectToWire(value: object, timezone: string): WireValue {
  if (Buffer.isBuffer(value)) return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (types.isDate(value)) return dateText(value, timezone)
  const text: unknown = JSON.stringify(value)
  return typeof text === 'string' ? text : null
}

/** `2026-11-20 10:00:00.000` in the session's time zone. */
function dateText(date: Date, timezone: string): string {
  const ms = date.getTime()
  if (Number.isNaN(ms)) throw new Unsendable('is an invalid Date')
  const shifted = new Date(ms + offsetMinutes(timezone) * 60_000)
  const year = shifted.getUTCFullYear()
  if (year < 0 || year > 9999) throw new Unsendable('is a Date outside the years 0 to 9999')
  return shifted.toISOString().replace('T', ' ').replace('Z', '')
}

function offsetMinutes(timezone: string): number {
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d\d):(\d\d)$/.exec(timezone) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

/**
 * The statement with its parameters written into it. Safe in every SQL mode: quotes are doubled, never escaped, and where
 * a backslash would need the mode to be known for certain the text is written in hexadecimal.
 *
 * @throws QueryError when the number of parameters does not fit, or a list stands where one value belongs
 */
export function interpolated(statement: Statement, values: readonly WireValue[], modes: SqlModes): string {
  const { text, params } = statement
  if (values.length === 0) return text
  const places = placeholdersOf(text, modes)
  if (places.length !== values.length) throw countsDiffer(text, places.length, values.length)
  let sent = ''
  let from = 0
  for (const [index, place] of places.entries()) {
    if (Array.isArray(params[index]) && IN_LIST.test(text.slice(Math.max(0, place - 40), place))) throw listInPlaceOfOne(text, index)
    sent += text.slice(from, place) + literal(values[index] ?? null, modes)
    from = place + 1
  }
  return sent + text.slice(from)
}

const IN_LIST = /\bin\s*\(\s*$/i

function countsDiffer(sql: string, places: number, values: number): QueryError {
  return new QueryError(`the statement has ${String(places)} placeholders and got ${String(values)} parameters`, undefined, {
    sql, neverSent: true, hint: 'placeholders are question marks: select * from users where id = ?',
  })
}

function listInPlaceOfOne(sql: string, index: number): QueryError {
  return new QueryError(`parameter ${String(index + 1)} is a list, and stands for one value inside IN (…)`, undefined, {
    sql, neverSent: true, hint: 'write one placeholder per value: sql`… in (${sql.join(list)})`',
  })
}

function literal(value: WireValue, modes: SqlModes): string {
  switch (typeof value) {
    case 'string': return textLiteral(value, modes)
    case 'number': case 'bigint': case 'boolean': return String(value)
    default: return value === null ? 'NULL' : `X'${value.toString('hex')}'`
  }
}

function textLiteral(text: string, modes: SqlModes): string {
  if (text.includes('\\')) {
    if (!modes.backslashes) return `_utf8mb4 X'${Buffer.from(text, 'utf8').toString('hex')}'`
    return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  }
  return text.includes("'") ? `'${text.replaceAll("'", "''")}'` : `'${text}'`
}

/** The ranges of 64-bit integers. */
const [LEAST, MOST, MOST_UNSIGNED] = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 64n - 1n]

/** The same values for the binary protocol: whole numbers as integers, which `mysql2` would send as floating point. */
export function binaryValues(values: readonly WireValue[], module: typeof mysql2): unknown[] {
  const { BIGINT } = module.TypedParameter
  return values.map((value) => {
    if (typeof value === 'number') return Number.isSafeInteger(value) ? BIGINT(value) : value
    if (typeof value !== 'bigint') return value
    if (value > MOST && value <= MOST_UNSIGNED) return BIGINT.unsigned(value)
    return value >= LEAST && value <= MOST ? BIGINT(value) : String(value)
  })
}
