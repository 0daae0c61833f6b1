import type { Probes } from '../../core/dialect.js'
import { statement } from '../../core/statement.js'

/** Touches no file and takes no lock: it must answer while a writer is at work. */
export const NODE_QUESTION = 'select query_only from pragma_query_only'

/**
 * SQLite's questions. Readers open the writer's own file, so they have every position at once; a COMMIT happens in this
 * process, so its answer cannot be lost.
 */
export const sqliteProbes: Probes = {
  node: {
    statement: statement(NODE_QUESTION),
    read: ([row]) => ({
      role: Number(row?.['query_only']) === 1 ? 'replica' : 'primary', position: '0', lagMs: 0, timeline: undefined, systemId: undefined,
    }),
  },
  distance: () => 0,
  transactionId: undefined,
  transactionFate: undefined,
}
