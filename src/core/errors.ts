/** Facts a {@link SluiceError} may carry beside its message. */
export interface SluiceErrorOptions {
  readonly cause?: unknown
  readonly node?: string | undefined
  readonly sql?: string | undefined
  readonly hint?: string | undefined
  readonly transient?: boolean | undefined
  readonly neverSent?: boolean | undefined
  readonly connectionLost?: boolean | undefined
}

/**
 * Base of every error this library throws.
 *
 * `code` is stable and never reused (see docs/errors.md). Messages, `sql` and `hint` never hold a parameter value or a
 * password; the npm client's own error, which may, is only reachable as `cause`.
 */
export class SluiceError extends Error {
  readonly code: string
  /** Server it happened on. */
  readonly node: string | undefined
  /** Statement text with placeholders. */
  readonly sql: string | undefined
  /** What the reader can do. */
  readonly hint: string | undefined
  /** The same call may succeed later or elsewhere. */
  readonly transient: boolean
  /** The statement certainly never reached a server: repeating it is safe. */
  readonly neverSent: boolean
  /** The connection was lost while the work was under way. */
  readonly connectionLost: boolean

  constructor(code: string, message: string, options: SluiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.node = options.node
    this.sql = options.sql
    this.hint = options.hint
    this.transient = options.transient ?? false
    this.neverSent = options.neverSent ?? false
    this.connectionLost = options.connectionLost ?? false
  }
}

/** Where in the options, what was expected, what came. */
export interface ConfigErrorOptions extends SluiceErrorOptions {
  /** Path of the option, `pool.max`. */
  readonly option?: string | undefined
}

/** An option, URL, file or environment variable is wrong. The message names it, what was expected and what came. */
export class ConfigError extends SluiceError {
  readonly option: string | undefined
  constructor(message: string, options: ConfigErrorOptions = {}) {
    super('SLUICE_CONFIG', message, { neverSent: true, ...options })
    this.option = options.option
  }
}

/** A URL's scheme belongs to no registered driver. */
export class UnknownEngineError extends SluiceError {
  readonly scheme: string
  readonly known: readonly string[]
  constructor(scheme: string, known: readonly string[]) {
    super('SLUICE_UNKNOWN_ENGINE', `unknown engine '${scheme}:'; known: ${known.map((name) => `${name}:`).join(' ')}`, {
      neverSent: true, hint: 'check the URL, or add a driver with registerDriver(scheme, driver)',
    })
    this.scheme = scheme
    this.known = known
  }
}

/** Why a connection could not be made or was lost. */
export type ConnectionFailure =
  | 'refused' | 'timeout' | 'lost' | 'host-unknown' | 'starting' | 'shutting-down'
  | 'authentication' | 'unknown-database' | 'too-many-connections' | 'tls' | 'other'

const CONNECTION_CODES: Readonly<Record<ConnectionFailure, string>> = {
  'refused': 'SLUICE_CONNECTION_REFUSED',
  'timeout': 'SLUICE_CONNECT_TIMEOUT',
  'lost': 'SLUICE_CONNECTION_LOST',
  'host-unknown': 'SLUICE_HOST_UNKNOWN',
  'starting': 'SLUICE_SERVER_STARTING',
  'shutting-down': 'SLUICE_SERVER_SHUTTING_DOWN',
  'authentication': 'SLUICE_AUTHENTICATION',
  'unknown-database': 'SLUICE_UNKNOWN_DATABASE',
  'too-many-connections': 'SLUICE_TOO_MANY_CONNECTIONS',
  'tls': 'SLUICE_TLS',
  'other': 'SLUICE_CONNECTION',
}

/** Failures that waiting does not mend: the server answered, and refused. */
const PERMANENT: ReadonlySet<ConnectionFailure> = new Set<ConnectionFailure>(['authentication', 'unknown-database', 'tls'])

/** Options of a {@link ConnectionError}. */
export interface ConnectionErrorOptions extends SluiceErrorOptions {
  readonly undone?: boolean | undefined
}

/** A server cannot be reached, refuses the login, or went away. */
export class ConnectionError extends SluiceError {
  readonly reason: ConnectionFailure
  /** Waiting will not help: password, database name or TLS are wrong. */
  readonly permanent: boolean
  /** The server said itself that it ended the session, and with it undid what was under way: repeating it is safe. */
  readonly undone: boolean
  constructor(reason: ConnectionFailure, message: string, options: ConnectionErrorOptions = {}) {
    super(CONNECTION_CODES[reason], message, { transient: !PERMANENT.has(reason), ...options })
    this.reason = reason
    this.permanent = PERMANENT.has(reason)
    this.undone = options.undone ?? false
  }
}

/** No connection became free in time. The message says who holds what. */
export class PoolTimeoutError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) {
    super('SLUICE_POOL_TIMEOUT', message, { transient: true, neverSent: true, ...options })
  }
}

/** `pool.maxWaiting` callers are already waiting. */
export class PoolQueueFullError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) {
    super('SLUICE_POOL_QUEUE_FULL', message, { transient: true, neverSent: true, ...options })
  }
}

/** The wait could only end when the transactions that wait themselves end: it is refused at once. */
export class PoolDeadlockError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) {
    super('SLUICE_POOL_DEADLOCK', message, { neverSent: true, ...options })
  }
}

/** The database (or this node's pool) was closed. */
export class PoolClosedError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) {
    super('SLUICE_POOL_CLOSED', message, { neverSent: true, ...options })
  }
}

/** `timeoutMs` or `statementTimeoutMs` passed; the statement was cancelled on the server. */
export class QueryTimeoutError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_QUERY_TIMEOUT', message, options) }
}

/** The caller's AbortSignal fired (or an administrator cancelled the statement). */
export class QueryCancelledError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_QUERY_CANCELLED', message, options) }
}

/** No writable primary is known, and none came within `failoverTimeoutMs`. The message says what is known of each node. */
export class NoPrimaryError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}, code = 'SLUICE_NO_PRIMARY') {
    super(code, message, { transient: true, neverSent: true, ...options })
  }
}

/** Several servers take writes and nothing tells which one is right: no write is sent to any of them. */
export class SplitBrainError extends NoPrimaryError {
  /** Names of the servers that take writes. */
  readonly nodes: readonly string[]
  constructor(message: string, nodes: readonly string[], options: SluiceErrorOptions = {}) {
    super(message, { transient: false, ...options }, 'SLUICE_SPLIT_BRAIN')
    this.nodes = nodes
  }
}

/** No replica qualified and the primary may not stand in. The message says which node failed which test. */
export class NoReplicaError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) {
    super('SLUICE_NO_REPLICA', message, { transient: true, neverSent: true, ...options })
  }
}

/** A write met a read-only server, or a database opened with `readOnly: true`. Nothing was done. */
export class ReadOnlyNodeError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_READ_ONLY_NODE', message, options) }
}

/** Which rule a row broke. */
export type ConstraintKind = 'unique' | 'foreignKey' | 'notNull' | 'check' | 'exclusion'

/** Options of a {@link ConstraintError}. */
export interface ConstraintErrorOptions extends SluiceErrorOptions {
  readonly kind: ConstraintKind
  readonly constraint?: string | undefined
  readonly table?: string | undefined
  readonly columns?: readonly string[] | undefined
}

/** A constraint refused the row. */
export class ConstraintError extends SluiceError {
  readonly kind: ConstraintKind
  readonly constraint: string | undefined
  readonly table: string | undefined
  readonly columns: readonly string[]
  constructor(message: string, options: ConstraintErrorOptions) {
    super('SLUICE_CONSTRAINT', message, options)
    this.kind = options.kind
    this.constraint = options.constraint
    this.table = options.table
    this.columns = options.columns ?? []
  }
}

/** The server chose this transaction as a deadlock's victim. */
export class DeadlockError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_DEADLOCK', message, { transient: true, ...options }) }
}

/** Concurrent transactions could not be serialised; the transaction may be run again. */
export class SerializationError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_SERIALIZATION', message, { transient: true, ...options }) }
}

/** A lock was not granted in time (`lock_timeout`, `NOWAIT`). */
export class LockTimeoutError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_LOCK_TIMEOUT', message, { transient: true, ...options }) }
}

/** Any other error of a server about a statement: syntax, unknown table, permission, bad data. */
export class QueryError extends SluiceError {
  /** The engine's own code: a SQLSTATE or MySQL error number. */
  readonly serverCode: string | undefined
  constructor(message: string, serverCode: string | undefined, options: SluiceErrorOptions = {}) {
    super('SLUICE_QUERY', message, options)
    this.serverCode = serverCode
  }
}

/** The answer was lost after the work was sent, and the server could not say whether it was done. Never repeated blindly. */
export class TransactionOutcomeUnknownError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) {
    super('SLUICE_OUTCOME_UNKNOWN', message, {
      connectionLost: true, hint: 'ask the database whether the change is there before you repeat it', ...options,
    })
  }
}

/** COMMIT was answered with ROLLBACK: an earlier error had aborted the transaction, nothing was stored. */
export class TransactionRolledBackError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_TRANSACTION_ROLLED_BACK', message, options) }
}

/** A transaction was used after it had been committed or rolled back. */
export class TransactionClosedError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) {
    super('SLUICE_TRANSACTION_CLOSED', message, { neverSent: true, ...options })
  }
}

/** An idempotency key stands for other work already, or what its transaction returned cannot be stored. Nothing was done. */
export class IdempotencyKeyError extends SluiceError {
  constructor(message: string, options: SluiceErrorOptions = {}) { super('SLUICE_IDEMPOTENCY_KEY', message, options) }
}

/** An answer was sent piece by piece while its request's transaction was open: success could be read before it is true. */
export class StreamedReplyError extends SluiceError {
  constructor(options: SluiceErrorOptions = {}) {
    super('SLUICE_STREAMED_REPLY', 'an answer in pieces cannot wait for its transaction: it was rolled back', {
      hint: "answer in one piece, or set streams: 'commit-first' to end the transaction before the first piece leaves", ...options,
    })
  }
}

/** A statement that a pooled connection must not run: it is bound to a session, or it controls a transaction. */
export class StatementNotAllowedError extends SluiceError {
  constructor(kind: 'session' | 'transaction-control' | 'not-read', message: string, options: SluiceErrorOptions = {}) {
    super(STATEMENT_CODES[kind], message, { neverSent: true, ...options })
  }
}

const STATEMENT_CODES = {
  'session': 'SLUICE_SESSION_STATEMENT',
  'transaction-control': 'SLUICE_TRANSACTION_STATEMENT',
  'not-read': 'SLUICE_NOT_A_READ',
} as const
