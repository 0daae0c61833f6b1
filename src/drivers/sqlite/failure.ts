import type { ErrorKind } from '../../core/error-facts.js'

/** What this driver itself finds wrong; everything else is SQLite's own error. */
export class SqliteFailure extends Error {
  readonly kind: ErrorKind

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SqliteFailure'
    this.kind = kind
  }
}

/** The connection was closed or destroyed. */
export function gone(): SqliteFailure {
  return new SqliteFailure('lost', 'the connection is closed')
}

/** The caller's deadline or signal, heard between two rows or while waiting for a lock. */
export function cancelled(): SqliteFailure {
  return new SqliteFailure('cancelled', 'the statement was cancelled')
}

/** Another connection or process kept the file longer than `busyTimeoutMs`. */
export function lockedOut(busyTimeoutMs: number, cause?: unknown): SqliteFailure {
  return new SqliteFailure('lock-timeout', `the database stayed locked for ${String(busyTimeoutMs)} ms`, { cause })
}
