import type { ErrorFacts, ErrorKind } from '../../core/error-facts.js'
import { ConnectionError, SluiceError } from '../../core/errors.js'
import { redacted } from './redact.js'
import { nodeKind } from './node-errors.js'
import { kindOfSqlState } from './sqlstate.js'

/** The fields of a `pg` DatabaseError that are read; every one may be missing. */
interface ServerError {
  readonly code?: unknown
  readonly message?: unknown
  readonly severity?: unknown
  readonly routine?: unknown
  readonly constraint?: unknown
  readonly table?: unknown
  readonly column?: unknown
  readonly detail?: unknown
}

/** {@link Dialect.describeError} of PostgreSQL: explains a `pg` error, a Node socket error, or anything thrown. */
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
  const code = typeof error.code === 'string' ? error.code : undefined
  if (code !== undefined && isSqlState(code, error)) return serverFacts(error, code, cause)
  return clientFacts(error, code, cause)
}

/** Five characters, and not one of Node's codes that happen to have five (`EPIPE`). */
function isSqlState(code: string, error: ServerError): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && (error.severity !== undefined || /^[0-9PXH]/.test(code))
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

/**
 * `undone`: "terminating connection due to administrator command" is only ever said while the server waits for a statement
 * or before it commits one: between the commit and the end of its answer no interrupt is looked at (src/backend/tcop/postgres.c:
 * exec_simple_query, exec_sync). A session whose commit waits for a synchronous standby gets a warning and no such error. A
 * crash (57P02) may be told at any moment and proves nothing.
 */
function serverFacts(error: ServerError, code: string, cause: unknown): ErrorFacts {
  const text = messageOf(error)
  const kind = kindOfSqlState(code, text, stringOf(error.routine))
  const facts: ErrorFacts = {
    kind,
    serverCode: code,
    message: redacted(text, code, cause),
    connectionLost: GONE.has(kind) || error.severity === 'FATAL' || error.severity === 'PANIC',
    // class 53: resources are short for the moment
    transient: TRANSIENT.has(kind) || code.startsWith('53'),
    undone: code === '57P01' && error.severity === 'FATAL',
  }
  return INTEGRITY.has(kind) ? { ...facts, ...brokenRule(error) } : facts
}

function brokenRule(error: ServerError): Pick<ErrorFacts, 'constraint' | 'table' | 'columns'> {
  const column = stringOf(error.column)
  return {
    constraint: stringOf(error.constraint),
    table: stringOf(error.table),
    columns: column === undefined ? keyColumns(stringOf(error.detail)) : [column],
  }
}

/**
 * Column names out of `Key (a, "B c")=(1, 2) already exists.`, in whatever language the words around are. The values
 * behind `=` are not looked at.
 */
export function keyColumns(detail: string | undefined): readonly string[] | undefined {
  const list = detail === undefined ? undefined : /\(([\s\S]*?)\)=\(/.exec(detail)?.[1]
  if (list === undefined) return undefined
  const columns: string[] = []
  let depth = 0
  let quoted = false
  let current = ''
  for (const character of list) {
    if (character === '"') quoted = !quoted
    if (!quoted && character === '(') depth++
    if (!quoted && character === ')') depth--
    if (character === ',' && depth === 0 && !quoted) {
      columns.push(current)
      current = ''
    } else current += character
  }
  return [...columns, current].map(unquoted)
}

function unquoted(name: string): string {
  const bare = name.trim()
  return /^"[\s\S]*"$/.test(bare) ? bare.slice(1, -1).replaceAll('""', '"') : bare
}

function clientFacts(error: ServerError, code: string | undefined, cause: unknown): ErrorFacts {
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
  const kind = error instanceof ConnectionError ? OWN_KINDS[error.reason] : 'other'
  const { message, connectionLost, transient } = error
  return { kind, serverCode: undefined, message, connectionLost: connectionLost || GONE.has(kind), transient }
}

const OWN_KINDS: Readonly<Record<ConnectionError['reason'], ErrorKind>> = {
  'refused': 'refused', 'timeout': 'connect-timeout', 'lost': 'lost', 'host-unknown': 'host-unknown', 'starting': 'starting',
  'shutting-down': 'shutting-down', 'authentication': 'authentication', 'unknown-database': 'unknown-database',
  'too-many-connections': 'too-many-connections', 'tls': 'tls', 'other': 'other',
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The message; of an AggregateError without one (several addresses tried), the messages of its parts. */
function messageOf(error: ServerError): string {
  if (error instanceof AggregateError && error.message === '') {
    return [...new Set(error.errors.map((each: unknown) => messageOf(each as ServerError)))].join('; ')
  }
  return typeof error.message === 'string' && error.message !== '' ? error.message : 'unknown error'
}

/** A prepared statement whose result type has changed since (after DDL): prepare it anew. */
export function isStalePlan(error: unknown): boolean {
  return describeError(error).kind === 'stale-plan'
}

/** A prepared statement the server does not know (any more). */
export function isUnknownStatement(error: unknown): boolean {
  return describeError(error).kind === 'unknown-statement'
}
