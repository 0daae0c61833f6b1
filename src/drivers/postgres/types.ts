import type { CustomTypesConfig } from 'pg'
import { QueryError } from '../../core/errors.js'
import type { TypeSettings } from '../../core/settings.js'

/** How `int8` values arrive. `number` refuses values beyond 2^53 with an error instead of rounding them. */
type BigintForm = TypeSettings['bigint']

/** `pg.types`, as far as it is needed. */
export interface TypeParsers {
  getTypeParser(oid: number, format?: 'text' | 'binary'): unknown
}

/** A text parser of one PostgreSQL type. */
type Parse = (text: string) => unknown

const INT8 = 20
const DATE = 1082
const TIMESTAMP = 1114
const TEXT_ARRAY = 1009
const INT8_ARRAY = 1016
const TIMESTAMP_ARRAY = 1115
const DATE_ARRAY = 1182
const NUMERIC_ARRAY = 1231

/**
 * The library's one type policy on top of `pg`'s parsers: `int8` and `numeric` never lose digits, `date` and
 * `timestamp` (without zone) never become a local point in time. Arrays follow their elements.
 *
 * @param base - `pg.types`, for everything the policy does not name
 */
export function typePolicy(base: TypeParsers, bigint: BigintForm): CustomTypesConfig {
  const textArray = base.getTypeParser(TEXT_ARRAY, 'text') as (text: string) => unknown[]
  const int8 = INT8_PARSERS[bigint]
  const parsers = new Map<number, Parse>([
    [INT8, int8],
    [INT8_ARRAY, bigint === 'string' ? textArray : (text) => mapElements(textArray(text), int8)],
    [DATE, asText], [DATE_ARRAY, textArray],
    [TIMESTAMP, asText], [TIMESTAMP_ARRAY, textArray],
    [NUMERIC_ARRAY, textArray],
  ])
  return {
    getTypeParser: (oid: number, format?: 'text' | 'binary'): unknown =>
      (format === 'binary' ? undefined : parsers.get(oid)) ?? base.getTypeParser(oid, format),
  }
}

const INT8_PARSERS: Readonly<Record<BigintForm, Parse>> = { string: asText, bigint: BigInt, number: safeNumber }

function asText(text: string): string {
  return text
}

function safeNumber(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  throw new QueryError('an int8 value does not fit into a JavaScript number', undefined, {
    hint: 'leave types.bigint at \'string\', or set it to \'bigint\'',
  })
}

/** Maps the leaves of a nested array, keeping NULLs. */
function mapElements(items: readonly unknown[], parse: Parse): unknown[] {
  return items.map((item) => {
    if (Array.isArray(item)) return mapElements(item, parse)
    return typeof item === 'string' ? parse(item) : item
  })
}
