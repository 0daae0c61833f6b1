import type { OpenFile } from './open-file.js'

/** The running statement as its canceller sees it. */
export interface Job {
  /** Asked to stop; heard between two rows and while waiting. */
  cancelled: boolean
  /** Called when it is asked to stop while it waits. */
  wake: (() => void) | undefined
}

/** Where a connection's database comes from: a handle of its own, or one that it shares. */
export interface Source {
  /** Whether this connection is inside a transaction. */
  readonly inTransaction: boolean
  /**
   * The database, for this connection alone until `leave`.
   *
   * @throws SqliteFailure the wait was too long, or cancelled
   */
  enter(job: Job): Promise<OpenFile>
  /** Ends the use; a connection inside a transaction keeps it. */
  leave(): void
  /** Something of this connection's session was changed, which must outlive the use. */
  touched(): void
  /** The session as new: no transaction, no temporary tables, no attached files, settings as at the start. */
  reset(): Promise<void>
  /** Gives everything back. Never throws. */
  close(): void
}
