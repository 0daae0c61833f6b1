import { types } from 'node:util'
import { QueryError } from '../../core/errors.js'
import type { Statement } from '../../core/statement.js'
import type { SqliteValue } from './build.js'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** SQLite's own limit, which its builds are compiled with. */
const MOST_PARAMS = 32_766

/** A reason that holds no value; anything else thrown meanwhile is the caller's own code. */
class Unbindable extends Error {}

/**
 * Converts parameters before anything runs: `Date` as ISO 8601 text in UTC, booleans as 1 and 0, objects and lists as JSON
 * text, typed arrays as blobs.
 *
 * @throws QueryError naming the parameter's position, never its value
 */
export function bindings({ params, text }: Statement): SqliteValue[] {
  if (text.includes('\0')) {
    throw new QueryError('the statement text contains a NUL character (U+0000)', undefined, { neverSent: true })
  }
  if (params.length > MOST_PARAMS) {
    throw new QueryError(`a statement takes at most ${String(MOST_PARAMS)} parameters, got ${String(params.length)}`, undefined, {
      sql: text, neverSent: true, hint: 'pass a list as one JSON parameter: … in (select value from json_each(?))',
    })
  }
  return params.map((value, index) => {
    try {
      return bindable(value)
    } catch (cause) {
      const reason = cause instanceof Unbindable ? cause.message : 'cannot be converted to text or JSON'
      throw new QueryError(`parameter ${String(index + 1)} ${reason}`, undefined, {
        sql: text, neverSent: true, ...(cause instanceof Unbindable ? {} : { cause }),
      })
    }
  })
}

function bindable(value: unknown): SqliteValue {
  switch (typeof value) {
    case 'string': return withoutNul(value)
    case 'number': return finite(value)
    case 'bigint': return inRange(value)
    case 'boolean': return value ? 1 : 0
    case 'undefined': return null
    case 'object': return value === null ? null : objectValue(value)
    default: throw new Unbindable(`is a ${typeof value}, which has no SQLite form`)
  }
}

function withoutNul(text: string): string {
  if (text.includes('\0')) {
    throw new Unbindable('contains a NUL character (U+0000), which SQL text cannot hold on every engine: use a blob, or remove it')
  }
  return text
}

function finite(value: number): number {
  if (Number.isNaN(value)) throw new Unbindable('is NaN, which SQLite would store as NULL')
  return value
}

function inRange(value: bigint): bigint {
  if (value < INT64_MIN || value > INT64_MAX) throw new Unbindable('is a bigint of more than 64 bits: pass it as text')
  return value
}

function objectValue(value: object): SqliteValue {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (types.isDate(value)) {
    if (Number.isNaN(value.getTime())) throw new Unbindable('is an invalid Date')
    return value.toISOString()
  }
  const text: unknown = JSON.stringify(value)
  return typeof text === 'string' ? withoutNul(text) : null
}
