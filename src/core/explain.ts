import type { ErrorFacts, ErrorKind } from './error-facts.js'
import {
  ConnectionError, ConstraintError, DeadlockError, LockTimeoutError, QueryCancelledError, QueryError, ReadOnlyNodeError,
  SerializationError, SluiceError, TransactionRolledBackError,
  type ConnectionFailure, type ConstraintKind, type SluiceErrorOptions,
} from './errors.js'

const CONSTRAINTS: Partial<Record<ErrorKind, ConstraintKind>> = {
  'unique': 'unique', 'foreign-key': 'foreignKey', 'not-null': 'notNull', 'check': 'check', 'exclusion': 'exclusion',
}

const CONNECTIONS: Partial<Record<ErrorKind, ConnectionFailure>> = {
  'refused': 'refused', 'connect-timeout': 'timeout', 'lost': 'lost', 'host-unknown': 'host-unknown', 'starting': 'starting',
  'shutting-down': 'shutting-down', 'authentication': 'authentication', 'unknown-database': 'unknown-database',
  'too-many-connections': 'too-many-connections', 'tls': 'tls',
}

const HINTS: Partial<Record<ErrorKind, string>> = {
  'refused': 'is the server running, and are host and port right?',
  'host-unknown': 'check the host name in the URL',
  'authentication': 'check user and password, and the server\'s access rules (pg_hba.conf)',
  'unknown-database': 'check the database name, or open with createIfMissing: true',
  'too-many-connections': 'lower pool.max, or raise the server\'s connection limit: pools x instances must fit into it',
  'tls': 'compare sslmode and sslrootcert with what the server offers (docs/guides/security.md)',
  'connect-timeout': 'is the server reachable, and are host and port right? connectTimeoutMs bounds one attempt',
  'starting': 'the server is starting or recovering: try again in a moment',
  'shutting-down': 'the server is being stopped or restarted: try again in a moment',
  'read-only': 'writes belong on the primary: drop target: \'replica\' (db.replica), or readOnly of the transaction',
  'lock-timeout': 'another transaction holds the lock: look for long transactions',
}

/** Where an error happened. */
export type ErrorContext = Pick<SluiceErrorOptions, 'node' | 'sql' | 'neverSent'>

/** Turns an engine's error, explained by its dialect, into this library's class for it. The original is the `cause`. */
export function errorFromFacts(facts: ErrorFacts, cause: unknown, context: ErrorContext = {}): SluiceError {
  if (cause instanceof ConnectionError && cause.node === undefined) return located(cause, context)
  if (cause instanceof SluiceError) return cause
  const options: SluiceErrorOptions = {
    ...context, cause, transient: facts.transient, connectionLost: facts.connectionLost, hint: HINTS[facts.kind],
  }
  const message = context.node === undefined ? facts.message : `${context.node}: ${facts.message}`
  const constraint = CONSTRAINTS[facts.kind]
  if (constraint) {
    const { table, columns } = facts
    return new ConstraintError(message, { ...options, kind: constraint, constraint: facts.constraint, table, columns })
  }
  const connection = CONNECTIONS[facts.kind]
  if (connection) return new ConnectionError(connection, message, { ...options, undone: facts.undone })
  switch (facts.kind) {
    case 'deadlock': return new DeadlockError(message, options)
    case 'serialization': return new SerializationError(message, options)
    case 'lock-timeout': return new LockTimeoutError(message, options)
    case 'cancelled': return new QueryCancelledError(message, options)
    case 'read-only': return new ReadOnlyNodeError(message, options)
    case 'aborted-transaction': return new TransactionRolledBackError(message, options)
    default: return new QueryError(message, facts.serverCode, options)
  }
}

/** A driver's own error says what went wrong; where, it cannot know. */
function located(error: ConnectionError, context: ErrorContext): ConnectionError {
  const { reason, message, cause, hint, transient, connectionLost, neverSent, undone } = error
  const options = { hint, transient, connectionLost, undone, ...context, cause, neverSent: neverSent || context.neverSent === true }
  return new ConnectionError(reason, context.node === undefined ? message : `${context.node}: ${message}`, options)
}
