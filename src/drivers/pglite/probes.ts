import type { Probes } from '../../core/dialect.js'
import { statement } from '../../core/statement.js'

/** Answered by the connection itself: it must not wait for a transaction that is under way. */
export const NODE_QUESTION = 'select pg_is_in_recovery() as in_recovery'

/** PGlite's questions. There is one node, and a COMMIT happens in this process, so its answer cannot be lost. */
export const pgliteProbes: Probes = {
  node: {
    statement: statement(NODE_QUESTION),
    read: () => ({ role: 'primary', position: '0', lagMs: 0, timeline: undefined, systemId: undefined }),
  },
  distance: () => 0,
  transactionId: undefined,
  transactionFate: undefined,
}
