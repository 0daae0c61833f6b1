import { limitsFrom, UNLIMITED } from '../core/deadline.js'
import { ConnectionError, NoPrimaryError, QueryCancelledError, QueryTimeoutError, type SluiceError } from '../core/errors.js'
import type { Notifier } from '../core/notify.js'
import type { Role } from '../core/observer.js'
import type { CallCacheOptions, QueryOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Ask, CacheOutcome, Loaded, QueryCache } from '../cache/query-cache.js'
import type { Classification } from '../sql/classifier.js'
import type { Call, Execute } from './execute.js'

/** What caching needs of its database. */
export interface CachedParts {
  readonly cache: QueryCache
  readonly ttlMs: number
  readonly swrMs: number
  /** A load that several wait for may take so long, whatever the first of them was willing to wait. */
  readonly statementTimeoutMs: number
  /** Milliseconds after which a replica that takes reads has everything: it would count as lagging otherwise. */
  readonly replicationMs: number
  readonly roleOf: (node: string) => Role
  readonly notifier: Notifier
  /** Whether the running code is in a session, which must never be shown an older state than it has seen. */
  readonly inSession: () => boolean
}

const NOTHING_NAMED: CallCacheOptions = Object.freeze({})

/** Answers calls that ask for it from the cache. The outermost layer: a hit needs neither retry nor observation. */
export function cached(next: Execute, parts: CachedParts): Execute {
  const { cache, notifier } = parts
  const listened = notifier.listens('cache')
  return function cachedRun<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    const { cache: wish, causalToken } = call.options
    if (wish === undefined || wish === false) return next<Row>(statement, call)
    const ask = call.classification.class === 'read' && causalToken === undefined && !parts.inSession() ? askFor(statement, call, parts) : undefined
    if (!ask) {
      cache.bypass()
      return next<Row>(statement, call)
    }
    const tell = listened ? teller(statement.text, notifier) : undefined
    return cache.fetch<Row>(ask, (signal, changedAt) => load(next, statement, call, parts, signal, changedAt), tell)
  }
}

function teller(text: string, notifier: Notifier): (outcome: CacheOutcome) => void {
  return (outcome) => { if (outcome !== 'miss' && outcome !== 'bypass') notifier.notify('cache', { text, outcome }) }
}

/** What the cache is asked for a call; undefined when there is no key for it. */
function askFor(statement: Statement, call: Call, { cache, ttlMs, swrMs }: Pick<CachedParts, 'cache' | 'ttlMs' | 'swrMs'>): Ask | undefined {
  const { options: { cache: wish, target, maxReplicationLagMs }, classification, startedAt, limits } = call
  const named = typeof wish === 'object' ? wish : NOTHING_NAMED
  const scope = target === undefined && maxReplicationLagMs === undefined ? '' : `${target ?? ''}${String(maxReplicationLagMs ?? '')}`
  const key = cache.keyOf(statement.text, statement.params, scope, named.key)
  if (key === undefined) return undefined
  return {
    key, tables: classification.tables, named, ttlMs: named.ttlMs ?? ttlMs, swrMs: named.swrMs ?? swrMs, startedAt, limits,
    limitError: (reason) => waitError(reason, statement.text, call),
  }
}

/** Looks into the cache for a statement of a transaction; undefined when it has to be run. */
export type Peek = <Row>(statement: Statement, options: QueryOptions, classification: Classification, wrote: boolean) => QueryResult<Row> | undefined

/**
 * What a transaction gets from the cache: nothing, unless its call asks for it (`inTransaction`) and it has changed nothing
 * yet. It never fills the cache: what it sees may never be committed.
 */
export function peeking(parts: Pick<CachedParts, 'cache' | 'ttlMs' | 'swrMs'>): Peek {
  return function peek<Row>(statement: Statement, options: QueryOptions, classification: Classification, wrote: boolean): QueryResult<Row> | undefined {
    const { cache: wish } = options
    if (wish === undefined || wish === false) return undefined
    const may = typeof wish === 'object' && wish.inTransaction === true && !wrote && classification.class === 'read'
    const ask = may ? askFor(statement, { options, classification, limits: UNLIMITED, startedAt: performance.now(), attempt: 1 }, parts) : undefined
    const found = ask && parts.cache.peek<Row>(ask)
    if (!found) parts.cache.bypass()
    return found
  }
}

function waitError(reason: 'timeout' | 'abort', sql: string, { startedAt, limits }: Call): SluiceError {
  const ms = String(Math.round(performance.now() - startedAt))
  if (reason === 'abort') {
    return new QueryCancelledError(`the caller's signal aborted the wait for cached rows after ${ms} ms`, { sql, cause: limits.signal?.reason })
  }
  return new QueryTimeoutError(`the statement's time was over after ${ms} ms of waiting for cached rows`, {
    sql, hint: 'raise timeoutMs (or statementTimeoutMs), or look at the plan with db.explain()',
  })
}

/**
 * Reads for the cache. After a change a replica may still be behind: until the change is so old that every replica in use
 * has it, the primary is asked, and if it cannot answer, what a replica says is not kept.
 */
async function load(
  next: Execute, statement: Statement, call: Call, parts: CachedParts, signal: AbortSignal, changedAt: number,
): Promise<Loaded> {
  const { statementTimeoutMs, replicationMs, roleOf } = parts
  const limits = limitsFrom(statementTimeoutMs, signal)
  const settled = performance.now() - changedAt >= replicationMs
  const run = (options: QueryOptions): Promise<QueryResult> =>
    next(statement, { ...call, options, limits, startedAt: performance.now(), attempt: 1 })
  const asked: QueryOptions = { ...call.options, cache: undefined, signal, timeoutMs: undefined }
  if (settled || asked.target !== undefined) {
    const result = await run(asked)
    return { result, upToDate: settled || roleOf(result.node) === 'primary' }
  }
  try {
    return { result: await run({ ...asked, target: 'primary' }), upToDate: true }
  } catch (error) {
    if (!(error instanceof ConnectionError) && !(error instanceof NoPrimaryError)) throw error
    const result = await run(asked)
    return { result, upToDate: roleOf(result.node) === 'primary' }
  }
}
