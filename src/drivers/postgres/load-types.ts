import { load } from '../../core/load.js'
import type { TypeSettings } from '../../core/settings.js'
import type { ParserOf } from './row-shape.js'
import { typePolicy } from './types.js'

/** The type policy on top of `pg`'s parsers, for a family member that speaks the protocol without `pg`'s client. */
export async function loadParsers(types: TypeSettings | undefined): Promise<ParserOf> {
  const { default: pg } = await load('pg', () => import('pg'), "PostgreSQL's types")
  const policy: { getTypeParser(oid: number, format: 'text'): unknown } = typePolicy(pg.types, types?.bigint ?? 'string')
  return (oid, format) => policy.getTypeParser(oid, format) as (text: string) => unknown
}
