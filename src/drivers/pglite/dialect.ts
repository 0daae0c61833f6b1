import type { Dialect } from '../../core/dialect.js'
import { postgresDialect } from '../postgres/dialect.js'
import { pgliteProbes } from './probes.js'

/**
 * PGlite's facts: PostgreSQL's language and types, one session. Locks of the server mean nothing between users of one
 * session, so there is nothing to ask about sessions, and maintenance is locked inside the process.
 */
export const pgliteDialect: Dialect = {
  ...postgresDialect,
  engine: 'pglite',
  features: {
    ...postgresDialect.features,
    pipelining: false,
    copyIn: false,
    copyOut: false,
    cancel: false,
    preparedStatements: false,
    concurrentConnections: false,
    rowLocks: false,
    updateConflicts: false,
    notifications: false,
    embedded: true,
  },
  probes: pgliteProbes,
  maintenance: undefined,
  inspection: undefined,
  notifications: undefined,
  positions: undefined,
  databases: undefined,
  defaultPort: undefined,
}
