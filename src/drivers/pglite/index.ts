import type { Driver } from '../../core/driver.js'
import { pgliteDialect } from './dialect.js'
import { readOptions } from './options.js'

/**
 * PostgreSQL in this process: the npm package `@electric-sql/pglite`, an optional peer, loaded at the first connection. One
 * session, whose statements run one after the other on the caller's thread.
 *
 * @example
 * registerDriver('pglite', pglite)
 */
export const pglite: Driver = {
  dialect: pgliteDialect,
  check: (settings) => { readOptions(settings) },
  keep: (target) => {
    const kept = import('./engines.js').then(({ engineSlot }) => engineSlot(target).keep())
    return async () => (await kept)()
  },
  start: async (settings) => (await import('./connect.js')).start(settings),
  connect: async (settings, signal) => (await import('./connect.js')).connect(settings, signal),
}
