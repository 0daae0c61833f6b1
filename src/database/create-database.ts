import type { ResolvedOptions } from '../config/resolved.js'
import type { CreateDatabaseOptions } from '../core/dialect.js'
import type { Driver } from '../core/driver.js'
import { asError } from '../core/deadline.js'
import { ConfigError } from '../core/errors.js'
import { errorFromFacts } from '../core/explain.js'
import { statement } from '../core/statement.js'
import { connectSettings } from './connect-settings.js'

/**
 * Creates the primary's database, logged in to the one that is always there. Harmless when someone else is quicker.
 *
 * @returns whether it was made now; false when it is there
 * @throws {@link ConfigError} the engine has no such thing or not this option, or the URL names no database
 * @throws {@link QueryError} the user may not create databases
 */
export async function createDatabase(driver: Driver, options: ResolvedOptions, how: CreateDatabaseOptions = {}): Promise<boolean> {
  const { databases, engine } = driver.dialect
  const { primary } = options
  const name = primary.target.database
  if (!databases || name === undefined) {
    throw new ConfigError(`create a database: ${databases ? 'the URL names no database' : `${engine} has no CREATE DATABASE`}`, { option: 'createIfMissing' })
  }
  const settings = connectSettings(primary, 'primary', { ...options, readOnly: false })
  const text = databases.create(driver.dialect.quoteIdentifier(name), how)
  try {
    const connection = await driver.connect({ ...settings, target: { ...settings.target, database: databases.maintenance } })
    try {
      await connection.query(statement(text))
      return true
    } finally {
      await connection.close()
    }
  } catch (cause) {
    const facts = driver.dialect.describeError(cause)
    if (facts.kind === 'duplicate-object' || facts.kind === 'unique') return false
    throw errorFromFacts(facts, asError(cause), { node: primary.name, sql: text })
  }
}
