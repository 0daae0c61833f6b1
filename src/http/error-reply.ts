import {
  ConnectionError, ConstraintError, DeadlockError, LockTimeoutError, NoPrimaryError, NoReplicaError, PoolClosedError, PoolDeadlockError,
  PoolQueueFullError, PoolTimeoutError, QueryCancelledError, QueryTimeoutError, SerializationError, SluiceError, TransactionClosedError,
} from '../core/errors.js'
import { NoRowsError } from '../core/row-errors.js'
import { jsonReply, type HttpReply } from './reply.js'

/** How {@link errorReply} answers. */
export interface ErrorReplyOptions {
  /** Value of `Retry-After` where trying again makes sense, seconds; default 1. */
  readonly retryAfterSeconds?: number | undefined
}

const RETRY_AFTER_SECONDS = 1

/** nginx's word for "the client has gone": nobody reads it, logs do. */
const CLIENT_CLOSED_REQUEST = 499

/** Capacity or servers are missing for now: the same request may succeed in a moment. */
const FOR_NOW = [
  PoolTimeoutError, PoolQueueFullError, PoolDeadlockError, PoolClosedError, QueryTimeoutError, LockTimeoutError, NoPrimaryError, NoReplicaError,
  ConnectionError, DeadlockError, SerializationError,
]

/** What a client may be told; a message could name tables, hosts and statements. */
const WORDS: Readonly<Record<number, string>> = {
  404: 'not found',
  409: 'conflicts with what is stored',
  [CLIENT_CLOSED_REQUEST]: 'the request was cancelled',
  503: 'the database cannot do this now; try again',
}

/**
 * The HTTP status for an error of this library: 404 no row, 409 a constraint, 499 cancelled, 503 pools, timeouts, lost
 * or missing servers and conflicts, 500 everything else (an unknown outcome too: a client must not repeat it blindly).
 * `undefined` for an error that is not this library's.
 */
export function errorStatus(error: unknown): number | undefined {
  if (!(error instanceof SluiceError)) return undefined
  if (error instanceof NoRowsError) return 404
  if (error instanceof ConstraintError) return 409
  if (error instanceof QueryCancelledError) return CLIENT_CLOSED_REQUEST
  if (error instanceof TransactionClosedError) return 500
  return FOR_NOW.some((kind) => error instanceof kind) ? 503 : 500
}

/**
 * A reply for an error of this library that gives nothing away: a status ({@link errorStatus}), the stable code, and
 * for a constraint its kind; never a message, statement, host or value. `undefined` for other errors.
 *
 * @example
 * ```ts
 * const reply = errorReply(error)
 * if (reply) response.writeHead(reply.status, reply.headers).end(reply.body)
 * ```
 */
export function errorReply(error: unknown, options: ErrorReplyOptions = {}): HttpReply | undefined {
  const status = errorStatus(error)
  if (status === undefined || !(error instanceof SluiceError)) return undefined
  const message = WORDS[status] ?? 'the request failed'
  const kind = error instanceof ConstraintError ? { kind: error.kind } : {}
  const headers = status === 503 ? { 'retry-after': String(options.retryAfterSeconds ?? RETRY_AFTER_SECONDS) } : {}
  return jsonReply(status, { error: { code: error.code, message, ...kind } }, headers)
}
