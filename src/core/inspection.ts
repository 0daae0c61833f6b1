import type { SessionFacts } from './maintenance.js'
import type { Probe } from './probe.js'

/** How many connections a server takes. */
export interface ServerCapacity {
  /** For ordinary users. */
  readonly max: number
  readonly used: number
}

/** One session of a server, and who it waits for. */
export interface ServerSession extends SessionFacts {
  /** Ids of the sessions whose locks it waits for. */
  readonly blockedBy: readonly number[]
}

/** How a server is set up, as far as it matters to whoever uses it. */
export interface ServerSetup {
  /** Of this very connection; undefined where the engine does not say. */
  readonly encrypted: boolean | undefined
  /** Milliseconds since the epoch. */
  readonly clock: number | undefined
  /** Milliseconds; 0 = no limit. */
  readonly statementTimeoutMs: number | undefined
  /** Milliseconds; 0 = no limit. */
  readonly idleInTransactionTimeoutMs: number | undefined
}

/** What an engine's server tells operators about itself, as data. */
export interface InspectionFacts {
  readonly capacity: Probe<ServerCapacity>
  /** Those of this database, the oldest transaction first, this one left out. */
  readonly sessions: Probe<readonly ServerSession[]>
  readonly setup: Probe<ServerSetup>
}
