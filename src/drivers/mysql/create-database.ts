import type { CreateDatabaseOptions } from '../../core/dialect.js'
import { ConfigError } from '../../core/errors.js'

/** CREATE DATABASE. A database has no owner here and no limit of its own: both are matters of accounts. */
export function createDatabaseText(quotedName: string, { owner, encoding, collation, connectionLimit }: CreateDatabaseOptions): string {
  for (const [option, value] of Object.entries({ owner, connectionLimit })) {
    if (value === undefined) continue
    throw new ConfigError(`${option}: databases of this engine have none`, {
      option, hint: option === 'owner' ? 'GRANT ALL ON database.* TO the account' : 'limit the account: ALTER USER … WITH MAX_USER_CONNECTIONS',
    })
  }
  const clauses = [
    ...encoding === undefined ? [] : [`character set ${word('encoding', encoding)}`],
    ...collation === undefined ? [] : [`collate ${word('collation', collation)}`],
  ]
  return [`create database ${quotedName}`, ...clauses].join(' ')
}

function word(option: string, value: string): string {
  if (/^\w+$/.test(value)) return value
  throw new ConfigError(`${option}: expected a name such as ${option === 'encoding' ? 'utf8mb4' : 'utf8mb4_bin'}, got a text with other characters`, { option })
}
