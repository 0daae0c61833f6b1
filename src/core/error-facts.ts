/** What kind of thing went wrong, in words every engine shares. */
export type ErrorKind =
  | 'unique' | 'foreign-key' | 'not-null' | 'check' | 'exclusion'
  | 'deadlock' | 'serialization' | 'lock-timeout'
  | 'cancelled' | 'read-only' | 'aborted-transaction'
  | 'syntax' | 'unknown-object' | 'duplicate-object' | 'permission' | 'data'
  | 'refused' | 'connect-timeout' | 'lost' | 'starting' | 'shutting-down'
  | 'authentication' | 'unknown-database' | 'too-many-connections' | 'tls' | 'host-unknown'
  | 'stale-plan' | 'unknown-statement' | 'other'

/** An engine's error, explained. Made by `Dialect.describeError`. */
export interface ErrorFacts {
  readonly kind: ErrorKind
  /** The engine's own code: a SQLSTATE, a MySQL error number, a Node error code. */
  readonly serverCode: string | undefined
  /** First line of the server's message, without parameter values. */
  readonly message: string
  /** The connection cannot be used again. */
  readonly connectionLost: boolean
  /** The server ended the session and undid what was under way in it: nothing of it is stored. */
  readonly undone?: boolean | undefined
  /** Trying again (elsewhere, or later) may succeed without a change by the caller. */
  readonly transient: boolean
  readonly constraint?: string | undefined
  readonly table?: string | undefined
  readonly columns?: readonly string[] | undefined
}
