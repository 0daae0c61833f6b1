import type { Driver } from '../../core/driver.js'
import { sqliteDialect } from './dialect.js'
import { keepMemory } from './kept.js'
import { inMemory, readOptions } from './options.js'

/**
 * SQLite in this process: Node's own where it has one (22.13), else `better-sqlite3` where it is installed, else
 * `node-sqlite3-wasm`. Loaded at the first connection.
 *
 * @example
 * registerDriver('sqlite', sqlite)
 */
export const sqlite: Driver = {
  dialect: sqliteDialect,
  check: (settings) => { readOptions(settings) },
  readers: (target) => !inMemory(target),
  keep: (target) => inMemory(target) ? keepMemory(target) : () => undefined,
  connect: async (settings, signal) => (await import('./connect.js')).connect(settings, signal),
}
