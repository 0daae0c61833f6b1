import {
  ConnectionError, PoolClosedError, PoolDeadlockError, PoolQueueFullError, PoolTimeoutError, QueryCancelledError, QueryTimeoutError,
  type SluiceError,
} from '../core/errors.js'
import { advise, describe, type Evidence } from './evidence.js'
import type { AcquireRequest } from './waiting.js'

/** A wait is over: the error that tells the true reason, judged by what the pool knows. */
export function waitOver(name: string, waitedMs: number, evidence: Evidence, failure: SluiceError | undefined): SluiceError {
  const { stats, limit } = evidence
  if (failure && stats.openConnections < limit) return connectFailure(name, waitedMs, failure, evidence)
  if (stats.openConnections === 0 && stats.connecting > 0) return connectSilence(name, waitedMs, evidence)
  return poolTimeout(name, waitedMs, evidence)
}

function poolTimeout(name: string, waitedMs: number, evidence: Evidence): PoolTimeoutError {
  const hint = advise(evidence)
  const message = `no connection from pool "${name}" within ${waitedMs} ms\n${describe(evidence)}\n  hint: ${hint}\n  see docs/errors.md#sluice_pool_timeout`
  return new PoolTimeoutError(message, { node: name, hint })
}

const WRONG_SERVER = 'is this the right server, and reachable from here? its own log may say more'

function connectFailure(name: string, waitedMs: number, failure: SluiceError, evidence: Evidence): ConnectionError {
  const reason = failure instanceof ConnectionError ? failure.reason : 'other'
  const attempts = `${evidence.stats.connectFailures} failed attempts so far`
  const message = `no connection to ${name} within ${waitedMs} ms, ${attempts}; the last: ${failure.message}\n${describe(evidence)}`
  return new ConnectionError(reason, message, { node: name, cause: failure.cause ?? failure, hint: failure.hint ?? WRONG_SERVER, neverSent: true })
}

function connectSilence(name: string, waitedMs: number, evidence: Evidence): ConnectionError {
  const message = `no connection to ${name} within ${waitedMs} ms: the server has not answered\n${describe(evidence)}`
  return new ConnectionError('timeout', message, { node: name, neverSent: true, hint: 'is the server reachable, and are host and port right?' })
}

/** The request's own time was over while it waited; `why` is the error it would have got from the pool. */
export function timedOutWaiting(name: string, waitedMs: number, request: AcquireRequest, why: SluiceError | undefined): QueryTimeoutError {
  const reason = why ? `: ${why.message}` : ''
  return new QueryTimeoutError(`${name}: the time was over after ${waitedMs} ms of waiting for a connection; nothing was sent${reason}`, {
    node: name, sql: request.text, neverSent: true, transient: true, cause: why, hint: why?.hint,
  })
}

/** The request's signal aborted while it waited. */
export function cancelledWaiting(name: string, request: AcquireRequest): QueryCancelledError {
  return new QueryCancelledError(`${name}: the caller's signal aborted while waiting for a connection; nothing was sent`, {
    node: name, sql: request.text, neverSent: true, cause: request.limits.signal?.reason,
  })
}

/** Too many are waiting already. */
export function queueFull(name: string, maxWaiting: number, evidence: Evidence): PoolQueueFullError {
  const hint = 'shed load earlier, or raise pool.max (and pool.maxWaiting)'
  const message = `pool "${name}" has ${maxWaiting} callers waiting already, as many as pool.maxWaiting allows\n${describe(evidence)}\n  hint: ${hint}`
  return new PoolQueueFullError(message, { node: name, hint })
}

/** The wait could only end when the waiting transactions end. */
export function deadlock(name: string, evidence: Evidence): PoolDeadlockError {
  const hint = 'pass `tx` to nested calls (or drop `{ ambient: false }`), or raise pool.max'
  const message = `all ${evidence.holders.length} connections of pool "${name}" are held by transactions that wait for another one,`
    + ` this request's included: waiting could never end\n${describe(evidence)}\n  hint: ${hint}`
  return new PoolDeadlockError(message, { node: name, hint })
}

/** Nothing is lent any more. */
export function poolClosed(name: string): PoolClosedError {
  return new PoolClosedError(`pool "${name}" is closed`, { node: name, hint: 'the database was closed: stop taking work before db.close()' })
}
