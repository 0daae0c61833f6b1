import type { ErrorFacts, ErrorKind } from '../../core/error-facts.js'
import { SluiceError } from '../../core/errors.js'
import { SqliteFailure } from './failure.js'

/** What the builds' errors have, each its own: a name (`SQLITE_BUSY_SNAPSHOT`), a number, or the message alone. */
interface SqliteError {
  readonly message?: unknown
  readonly code?: unknown
  readonly errcode?: unknown
}

const BUSY_SNAPSHOT = 517

/** Messages of SQLite's own, the same in every build. The first that fits decides. */
const MESSAGES: readonly (readonly [RegExp, ErrorKind, code: string])[] = [
  [/^UNIQUE constraint failed/, 'unique', 'SQLITE_CONSTRAINT_UNIQUE'],
  [/^NOT NULL constraint failed/, 'not-null', 'SQLITE_CONSTRAINT_NOTNULL'],
  [/^CHECK constraint failed/, 'check', 'SQLITE_CONSTRAINT_CHECK'],
  [/^FOREIGN KEY constraint failed/, 'foreign-key', 'SQLITE_CONSTRAINT_FOREIGNKEY'],
  [/^database (table|schema) is locked/, 'lock-timeout', 'SQLITE_LOCKED'],
  [/^database is locked/, 'lock-timeout', 'SQLITE_BUSY'],
  [/^attempt to write a readonly database/, 'read-only', 'SQLITE_READONLY'],
  [/syntax error$|^incomplete input|^unrecognized token|^near "/, 'syntax', 'SQLITE_ERROR'],
  [/^no such (table|column|function|index|view|trigger|module|collation|database)|^unknown database|has no column named/, 'unknown-object', 'SQLITE_ERROR'],
  [/already exists$|^duplicate column name|already another table or index/, 'duplicate-object', 'SQLITE_ERROR'],
  [/^malformed JSON|^datatype mismatch|^integer overflow|^cannot store |^JSON path|^string or blob too big/, 'data', 'SQLITE_ERROR'],
  [/^unable to open database file|^[Cc]ould not open the database|^Cannot open database because the directory/, 'unknown-database', 'SQLITE_CANTOPEN'],
  [/^cannot (commit|rollback) - no transaction/, 'aborted-transaction', 'SQLITE_ERROR'],
  [/^interrupted/, 'cancelled', 'SQLITE_INTERRUPT'],
  [/^not authorized/, 'permission', 'SQLITE_AUTH'],
  [/^file is not a database/, 'other', 'SQLITE_NOTADB'],
  [/disk image is malformed/, 'other', 'SQLITE_CORRUPT'],
  [/is full$/, 'other', 'SQLITE_FULL'],
]

/** {@link Dialect.describeError} of SQLite: explains an error of any build, or anything thrown. */
export function describeError(cause: unknown): ErrorFacts {
  try {
    return describe(cause)
  } catch {
    // a getter or a proxy that throws
    return { kind: 'other', serverCode: undefined, message: 'an error that cannot be read', connectionLost: false, transient: false }
  }
}

/** Another connection or process has the lock: the statement did nothing and may be tried again. */
export function isBusy(error: unknown): boolean {
  return !(error instanceof SqliteFailure) && describeError(error).kind === 'lock-timeout'
}

function describe(cause: unknown): ErrorFacts {
  if (cause instanceof SluiceError) {
    return { kind: 'other', serverCode: undefined, message: cause.message, connectionLost: cause.connectionLost, transient: cause.transient }
  }
  if (cause instanceof SqliteFailure) return factsOf(cause.kind, OWN_CODES[cause.kind], cause.message)
  const { message, code, errcode } = (typeof cause === 'object' && cause !== null ? cause : { message: String(cause) }) as SqliteError
  const text = typeof message === 'string' && message !== '' ? message.split('\n', 1)[0] ?? message : 'unknown error'
  if (code === 'SQLITE_BUSY_SNAPSHOT' || errcode === BUSY_SNAPSHOT) {
    return factsOf('serialization', 'SQLITE_BUSY_SNAPSHOT', 'another connection has written since this transaction began to read')
  }
  const found = MESSAGES.find(([pattern]) => pattern.test(text))
  const serverCode = typeof code === 'string' && code.startsWith('SQLITE_') ? code : found?.[2] ?? (isSqlite(cause) ? 'SQLITE_ERROR' : undefined)
  return { ...factsOf(found?.[1] ?? 'other', serverCode, text), ...brokenRule(text) }
}

const OWN_CODES: Partial<Record<ErrorKind, string>> = { 'lock-timeout': 'SQLITE_BUSY', 'cancelled': 'SQLITE_INTERRUPT', 'unknown-database': 'SQLITE_CANTOPEN' }

const TRANSIENT: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['lock-timeout', 'serialization', 'read-only', 'lost'])

function factsOf(kind: ErrorKind, serverCode: string | undefined, message: string): ErrorFacts {
  return { kind, serverCode, message, connectionLost: kind === 'lost' || kind === 'unknown-database', transient: TRANSIENT.has(kind) }
}

function isSqlite(cause: unknown): boolean {
  return cause instanceof Error && (cause.name === 'SQLite3Error' || cause.name === 'SqliteError' || 'errcode' in cause)
}

/** `UNIQUE constraint failed: person.name, person.email`; an index over expressions is told by its name. */
function brokenRule(message: string): Pick<ErrorFacts, 'constraint' | 'table' | 'columns'> {
  const what = /^(?:UNIQUE|NOT NULL) constraint failed: (.+)$/.exec(message)?.[1]
  if (what === undefined) {
    const check = /^CHECK constraint failed: ([\w$]+)$/.exec(message)?.[1]
    return check === undefined ? {} : { constraint: check }
  }
  const index = /^index '(.*)'$/.exec(what)?.[1]
  if (index !== undefined) return { constraint: index }
  const columns = what.split(', ').map((name) => name.split('.'))
  return { table: columns[0]?.[0], columns: columns.map((name) => name.slice(1).join('.')) }
}
