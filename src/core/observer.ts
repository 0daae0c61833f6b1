import type { SluiceError } from './errors.js'
import type { SessionFacts } from './maintenance.js'
import type { Route } from './result.js'

/** Role of a node at this moment. */
export type Role = 'primary' | 'replica'

/** One attempt to run one statement has ended. `error` is undefined when it succeeded. */
export interface QueryEvent {
  /** SQL text with placeholders; parameter values are never part of an event. */
  readonly text: string
  readonly name: string | undefined
  readonly label: string | undefined
  readonly node: string
  readonly role: Role
  readonly route: Route
  readonly command: string | undefined
  readonly rowCount: number
  /** Milliseconds, waiting for a connection included. */
  readonly durationMs: number
  /** 1 for the first attempt. */
  readonly attempt: number
  readonly error: SluiceError | undefined
}

/** A connection was lent, or a wait for one ended in an error. */
export interface AcquireEvent {
  readonly node: string
  readonly waitMs: number
  readonly error: Error | undefined
}

/** A loan of a connection has ended. */
export interface ReleaseEvent {
  readonly node: string
  /** Milliseconds it lasted. */
  readonly heldMs: number
}

/** A connection was opened or closed, or an attempt to open one failed. */
export interface ConnectEvent {
  readonly node: string
  readonly action: 'opened' | 'closed' | 'failed'
  /** Milliseconds it took to open; 0 for `closed`. */
  readonly durationMs: number
  /** Why it was closed: `idle`, `lifetime`, `uses`, `broken`, `reset`, `shutdown`, … */
  readonly reason: string | undefined
  readonly error: Error | undefined
}

/** A call was answered by the query cache, without a server. */
export interface CacheEvent {
  readonly text: string
  /** `hit`: fresh rows; `stale`: rows past their time that are being refreshed; `coalesced`: those of a load somebody else had begun. */
  readonly outcome: 'hit' | 'stale' | 'coalesced'
}

/** A transaction ended. */
export interface TransactionEvent {
  readonly name: string | undefined
  readonly node: string
  readonly outcome: 'committed' | 'rolled-back' | 'unknown'
  /** Re-runs after the first attempt. */
  readonly retries: number
  readonly durationMs: number
}

/** A node changed its state as seen by this process. */
export interface NodeEvent {
  readonly node: string
  readonly role: Role
  readonly from: string
  readonly to: string
  readonly reason: string
}

/**
 * A step of a failover as seen by this process.
 *
 * - `lost`: there is no primary that could be used; work for it waits.
 * - `found`: work goes to `node` (also when the primary that was lost came back).
 * - `fenced`, `released`: `node` must not be used, and may be used again.
 * - `split`: several nodes take writes and nobody can tell which one is right; writes are refused. `found` ends it.
 */
export interface FailoverEvent {
  readonly step: 'lost' | 'found' | 'fenced' | 'released' | 'split'
  readonly node: string
  /** The primary before this one, where it was another node. */
  readonly previous: string | undefined
  /** What orders primaries of one cluster (PostgreSQL's timeline); undefined where the engine has nothing of the kind. */
  readonly epoch: number | undefined
  /** `found`: milliseconds without a primary; 0 otherwise. */
  readonly gapMs: number
  /** A sentence for people, without secrets. */
  readonly reason: string
}

/** A job of the backups has ended. */
export interface BackupEvent {
  readonly job: 'backup' | 'restore' | 'verify' | 'cleanup'
  /** Of the backup; undefined when the job ended before it had one. */
  readonly id: string | undefined
  readonly database: string
  readonly durationMs: number
  /** Bytes stored (backup) or read (restore, verify). */
  readonly bytes: number
  readonly error: SluiceError | undefined
}

/** A leaked loan, a failed background job, a misrouted statement: things an operator wants to read. */
export interface WarningEvent {
  readonly code: string
  readonly node: string | undefined
  readonly message: string
  readonly error: Error | undefined
}

/**
 * Something happened while migrations run.
 *
 * - `waiting`: another session holds the lock; `blockers` are its holders
 * - `interrupted`: an earlier run ended in the middle of this migration and left nothing behind; it is run again
 * - `applying`, `applied`, `reverting`, `reverted`, `failed`: of one migration
 * - `statement`: one statement of a migration that runs statement by statement has ended
 * - `blocked`: a statement did not get its table lock in time; `blockers` hold it, and it is tried again
 * - `ahead`: the database is newer than the files of this process
 */
export interface MigrationEvent {
  readonly phase:
    | 'waiting' | 'interrupted' | 'applying' | 'applied' | 'reverting' | 'reverted' | 'failed' | 'statement' | 'blocked' | 'ahead'
  readonly service: string | undefined
  readonly version: number | undefined
  readonly name: string | undefined
  readonly node: string
  /** Milliseconds: of the migration, of the statement, of the wait. */
  readonly durationMs: number
  /** The statement it is about, from 1, and how many there are. */
  readonly statement: { readonly number: number; readonly of: number } | undefined
  /** Number of the migration in this run, from 1, and how many there are. */
  readonly position: { readonly number: number; readonly of: number } | undefined
  readonly blockers: readonly SessionFacts[]
  readonly error: Error | undefined
}

/**
 * Watches and never steers: a throwing observer is ignored (and reported once as a warning event). Every method is
 * optional; where nobody listens no event object is made.
 */
export interface Observer {
  query?(event: QueryEvent): void
  acquire?(event: AcquireEvent): void
  release?(event: ReleaseEvent): void
  connect?(event: ConnectEvent): void
  transaction?(event: TransactionEvent): void
  cache?(event: CacheEvent): void
  node?(event: NodeEvent): void
  migration?(event: MigrationEvent): void
  failover?(event: FailoverEvent): void
  backup?(event: BackupEvent): void
  warning?(event: WarningEvent): void
}
