import type { CreateDatabaseOptions } from '../../core/dialect.js'
import { ConfigError } from '../../core/errors.js'

/** Names of encodings and locales: nothing in them needs quoting. */
const WORD = /^[\w.@-]+$/

/** CREATE DATABASE. Another encoding or collation than the server's own needs the empty template. */
export function createDatabaseText(quotedName: string, options: CreateDatabaseOptions, quoteIdentifier: (name: string) => string): string {
  const { owner, encoding, collation, connectionLimit } = options
  const clauses = [
    ...owner === undefined ? [] : [`owner ${quoteIdentifier(owner)}`],
    ...encoding === undefined && collation === undefined ? [] : ['template template0'],
    ...encoding === undefined ? [] : [`encoding '${word('encoding', encoding)}'`],
    ...collation === undefined ? [] : [`lc_collate '${word('collation', collation)}' lc_ctype '${collation}'`],
    ...connectionLimit === undefined ? [] : [`connection limit ${String(limit(connectionLimit))}`],
  ]
  return [`create database ${quotedName}`, ...clauses].join(' ')
}

function word(option: string, value: string): string {
  if (WORD.test(value)) return value
  throw new ConfigError(`${option}: expected a name such as ${option === 'encoding' ? 'UTF8' : 'de_DE.UTF-8'}, got a text with other characters`, { option })
}

function limit(value: number): number {
  if (Number.isInteger(value) && value >= -1) return value
  throw new ConfigError(`connectionLimit: expected a whole number, -1 for none, got ${String(value)}`, { option: 'connectionLimit' })
}
