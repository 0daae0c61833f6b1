import type { Driver } from '../../core/driver.js'
import { postgresDialect } from './dialect.js'
import { readOptions } from './options.js'

/**
 * PostgreSQL 12 and later, through the npm package `pg`, which is loaded at the first connection.
 *
 * @example
 * registerDriver('postgres', postgres)
 */
export const postgres: Driver = {
  dialect: postgresDialect,
  check: (settings) => { readOptions(settings) },
  connect: async (settings, signal) => (await import('./hosts.js')).connect(settings, signal),
  dump: async () => (await import('./dump.js')).postgresDump,
}
