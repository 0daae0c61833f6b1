import type { ErrorFacts, ErrorKind } from '../../core/error-facts.js'
import { ConnectionError, SluiceError, TransactionRolledBackError } from '../../core/errors.js'
import { kindOfNumber, SHORT_OF_RESOURCES } from './errno.js'
import { nodeKind } from './node-errors.js'
import { redacted } from './redact.js'

/** The fields of a `mysql2` error that are read; every one may be missing. */
interface ServerError {
  readonly code?: unknown
  readonly errno?: unknown
  readonly sqlState?: unknown
  readonly message?: unknown
  readonly tlsCode?: unknown
}

/** Errors of a login: some numbers mean something else there. */
const LOGINS = new WeakSet()

/** Remembers that an error came while logging in. */
export function markLogin(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) LOGINS.add(error)
  return error
}

/** {@link Dialect.describeError} of MySQL: explains a `mysql2` error, a Node socket error, or anything thrown. */
export function describeError(cause: unknown): ErrorFacts {
  try {
    return describe(cause)
  } catch {
    // a getter or a proxy that throws
    return { kind: 'other', serverCode: undefined, message: 'an error that cannot be read', connectionLost: false, transient: false }
  }
}

function describe(cause: unknown): ErrorFacts {
  if (cause instanceof SluiceError) return ownFacts(cause)
  const error = typeof cause === 'object' && cause !== null ? cause as ServerError : { message: String(cause) }
  const { errno, sqlState } = error
  // an error packet has a state; without one the number is Node's
  if (typeof errno === 'number' && errno > 0 && typeof sqlState === 'string') return serverFacts(error, errno, sqlState, cause)
  return clientFacts(error, cause)
}

const TRANSIENT: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'deadlock', 'serialization', 'lock-timeout', 'read-only', 'refused', 'connect-timeout', 'lost', 'starting',
  'shutting-down', 'too-many-connections', 'host-unknown', 'stale-plan', 'unknown-statement',
])

const GONE: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'refused', 'connect-timeout', 'lost', 'starting', 'shutting-down', 'authentication', 'unknown-database',
  'too-many-connections', 'tls', 'host-unknown',
])

const INTEGRITY: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['unique', 'foreign-key', 'not-null', 'check', 'exclusion'])

function serverFacts(error: ServerError, errno: number, sqlState: string, cause: unknown): ErrorFacts {
  const text = messageOf(error)
  const login = typeof cause === 'object' && cause !== null && LOGINS.has(cause)
  const kind = kindOfNumber(errno, sqlState, text, login)
  const facts: ErrorFacts = {
    kind,
    serverCode: String(errno),
    message: redacted(text, errno, cause),
    connectionLost: GONE.has(kind),
    transient: TRANSIENT.has(kind) || SHORT_OF_RESOURCES.has(errno),
  }
  return INTEGRITY.has(kind) ? { ...facts, ...brokenRule(kind, text) } : facts
}

/** What the message, of MySQL or MariaDB in any of its forms, says about the rule that was broken. */
function brokenRule(kind: ErrorKind, message: string): Pick<ErrorFacts, 'constraint' | 'table' | 'columns'> {
  switch (kind) {
    case 'unique': return brokenKey(message)
    case 'foreign-key': return brokenReference(message)
    case 'not-null': {
      const column = /'([^']*)'/.exec(message)?.[1]
      return column === undefined ? {} : { columns: [column] }
    }
    default: {
      const constraint = /constraint [`']([^`']*)[`']/i.exec(message)?.[1]
      const table = /for `[^`]*`\.`([^`]*)`/.exec(message)?.[1]
      return { constraint, table }
    }
  }
}

/** `… for key 'email'` (MariaDB), `… for key 'person.email'` (MySQL). */
function brokenKey(message: string): Pick<ErrorFacts, 'constraint' | 'table'> {
  const name = /'([^']*)'\s*$/.exec(message)?.[1]
  if (name === undefined) return {}
  const point = name.indexOf('.')
  return point === -1 ? { constraint: name } : { table: name.slice(0, point), constraint: name.slice(point + 1) }
}

/** `… fails (`shop`.`order`, CONSTRAINT `owner` FOREIGN KEY (`person`) REFERENCES …)`. */
function brokenReference(message: string): Pick<ErrorFacts, 'constraint' | 'table' | 'columns'> {
  const table = /\(`[^`]*`\.`([^`]*)`/.exec(message)?.[1]
  const constraint = /CONSTRAINT `([^`]*)`/i.exec(message)?.[1]
  const list = /FOREIGN KEY \(([^)]*)\)/i.exec(message)?.[1]
  const columns = list === undefined ? undefined : [...list.matchAll(/`([^`]*)`/g)].map((match) => match[1] ?? '')
  return { table, constraint, columns }
}

function clientFacts(error: ServerError, cause: unknown): ErrorFacts {
  const code = [error.tlsCode, error.code].find((each) => typeof each === 'string')
  const kind = nodeKind(cause, code, messageOf(error))
  return {
    kind,
    serverCode: code,
    message: redacted(messageOf(error), undefined, cause),
    connectionLost: GONE.has(kind),
    transient: TRANSIENT.has(kind),
  }
}

function ownFacts(error: SluiceError): ErrorFacts {
  const kind = kindOfOwn(error)
  const { message, connectionLost, transient } = error
  return { kind, serverCode: undefined, message, connectionLost: connectionLost || GONE.has(kind), transient }
}

function kindOfOwn(error: SluiceError): ErrorKind {
  if (error instanceof TransactionRolledBackError) return 'aborted-transaction'
  if (!(error instanceof ConnectionError)) return 'other'
  return error.reason === 'timeout' ? 'connect-timeout' : error.reason
}

/** The message; of an AggregateError without one (several addresses tried), the messages of its parts. */
function messageOf(error: ServerError): string {
  if (error instanceof AggregateError && error.message === '') {
    return [...new Set(error.errors.map((each: unknown) => messageOf(each as ServerError)))].join('; ')
  }
  return typeof error.message === 'string' && error.message !== '' ? error.message : 'unknown error'
}
