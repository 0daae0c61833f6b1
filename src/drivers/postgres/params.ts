import { types } from 'node:util'
import { QueryError } from '../../core/errors.js'
import type { Statement } from '../../core/statement.js'

/** A parameter as it travels: text, bytes (sent in binary format) or NULL. */
export type WireValue = string | Buffer | null

/** The protocol counts them in 16 bits, and `pg` lets the count overflow. */
const MOST_PARAMS = 65_535

/** An object that knows its own form as a parameter, as `pg` has it. */
interface ToPostgres {
  toPostgres(prepare: (value: unknown) => WireValue): unknown
}

/**
 * Converts a statement's parameters before anything is sent, with the meaning `pg` gives them: objects as JSON, arrays
 * as PostgreSQL array literals, dates as local time with offset. Done first, and completely, because a value that throws
 * half-way through a Bind message would poison the prepared statement's name.
 *
 * @throws QueryError naming the parameter's position, never its value: a NUL character, an invalid date, a value
 * without a text form, or JSON that cannot be written
 */
export function wireValues(statement: Statement): WireValue[] {
  const { params, text } = statement
  if (text.includes('\0')) {
    throw new QueryError('the statement text contains a NUL character (U+0000)', undefined, { neverSent: true })
  }
  if (params.length > MOST_PARAMS) {
    throw new QueryError(`a statement takes at most ${String(MOST_PARAMS)} parameters, got ${String(params.length)}`, undefined, {
      sql: text, neverSent: true, hint: 'pass a list as one parameter: … = any($1), or insert … select from unnest($1::int[], $2::text[])',
    })
  }
  const values = new Array<WireValue>(params.length)
  for (let index = 0; index < params.length; index++) {
    try {
      values[index] = toWire(params[index])
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
  return new QueryError(`parameter $${String(index + 1)} ${reason}`, undefined, {
    sql, neverSent: true, ...(cause instanceof Unsendable ? {} : { cause }),
  })
}

function toWire(value: unknown): WireValue {
  switch (typeof value) {
    case 'string': return withoutNul(value)
    case 'number': case 'bigint': case 'boolean': return String(value)
    case 'undefined': return null
    case 'object': return value === null ? null : objectToWire(value, [])
    default: throw new Unsendable(`is a ${typeof value}, which has no PostgreSQL form`)
  }
}

function withoutNul(text: string): string {
  if (text.includes('\0')) {
    throw new Unsendable('contains a NUL character (U+0000), which PostgreSQL text cannot hold: use bytea, or remove it')
  }
  return text
}

function objectToWire(value: object, seen: readonly object[]): WireValue {
  if (Buffer.isBuffer(value)) return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (types.isDate(value)) return dateText(value)
  if (Array.isArray(value)) return arrayLiteral(value)
  if (!hasToPostgres(value)) return jsonText(value)
  if (seen.includes(value)) throw new Unsendable('refers to itself in toPostgres()')
  const own = value.toPostgres(toWire)
  return typeof own === 'object' && own !== null ? objectToWire(own, [...seen, value]) : toWire(own)
}

function hasToPostgres(value: object): value is ToPostgres {
  return 'toPostgres' in value && typeof value.toPostgres === 'function'
}

function jsonText(value: object): string | null {
  const text: unknown = JSON.stringify(value)
  return typeof text === 'string' ? text : null
}

/** An array literal: elements quoted, NULL bare, nested arrays nested. */
function arrayLiteral(items: readonly unknown[]): string {
  let literal = '{'
  for (let index = 0; index < items.length; index++) {
    if (index > 0) literal += ','
    literal += arrayElement(items[index])
  }
  return `${literal}}`
}

function arrayElement(item: unknown): string {
  if (item === null || item === undefined) return 'NULL'
  if (Array.isArray(item)) return arrayLiteral(item)
  const value = toWire(item)
  if (value === null) return 'NULL'
  if (typeof value !== 'string') return `\\\\x${value.toString('hex')}`
  return `"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`
}

/**
 * Local wall-clock time with its offset to the second: exact for `timestamptz`, and what `pg` stores in a `timestamp`
 * or `date` column. Years before 1 are written in PostgreSQL's BC form.
 */
function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new Unsendable('is an invalid Date')
  const year = date.getFullYear()
  const day = `${pad(year < 1 ? 1 - year : year, 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`
  return `${day}T${time}${offsetText(offsetSeconds(date))}${year < 1 ? ' BC' : ''}`
}

/** Local time minus UTC. `getTimezoneOffset` knows minutes only, and old local mean times have seconds. */
function offsetSeconds(date: Date): number {
  const local = new Date(0)
  local.setUTCFullYear(date.getFullYear(), date.getMonth(), date.getDate())
  local.setUTCHours(date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds())
  return Math.round((local.getTime() - date.getTime()) / 1000)
}

/** `+05:30`, and `+05:53:28` for the local mean times of old dates. */
function offsetText(offset: number): string {
  const seconds = Math.abs(offset)
  const rest = seconds % 60
  const minutes = Math.floor(seconds / 60)
  const tail = rest === 0 ? '' : `:${pad(rest)}`
  return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}${tail}`
}

function pad(value: number, length = 2): string {
  return String(value).padStart(length, '0')
}
