import type { Driver } from '../../core/driver.js'
import { mysqlDialect } from './dialect.js'
import { readOptions } from './options.js'

/**
 * MySQL 8 and later, through the npm package `mysql2`, which is loaded at the first connection.
 *
 * @example
 * registerDriver('mysql', mysql)
 */
export const mysql: Driver = {
  dialect: mysqlDialect,
  check: (settings) => { readOptions(settings) },
  connect: async (settings, signal) => (await import('./hosts.js')).connect(settings, signal),
}
