import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { asError } from '../core/deadline.js'
import { ConfigError, StreamedReplyError } from '../core/errors.js'
import type { BoundDatabase } from '../database/bound.js'
import type { TransactionOptions } from '../database/transaction.js'
import type { Database } from '../facade/database.js'
import { errorReply, type ErrorReplyOptions } from './error-reply.js'
import { described, operations, OPERATION_PATHS, type OperationsOptions } from './operations.js'
import { checkMounted } from './option-check.js'
import { RequestTransaction } from './request-transaction.js'
import { commits, type VerdictOptions } from './verdict.js'

export { RequestTransaction } from './request-transaction.js'
export type { ErrorReplyOptions, OperationsOptions, VerdictOptions }

/** How one route's transaction behaves. */
export interface RouteTransactionOptions extends VerdictOptions, Omit<TransactionOptions, 'signal' | 'retries' | 'ambient'> {
  /**
   * What becomes of a payload that is a stream: `reject` (default) rolls back and answers 500; `commit-first` ends the
   * transaction before the first piece leaves.
   */
  readonly streams?: 'reject' | 'commit-first' | undefined
}

/** Options of {@link sluicePlugin}. */
export interface SluicePluginOptions {
  /** An open database. The plugin closes it with the server when `close` is not `false`. */
  readonly db: Database
  /** Close the database when the server closes, after the requests under way; default true. */
  readonly close?: boolean | undefined
  /** `/health/live` and the other routes for operators; `false` leaves them out. Default: all, without a prefix. */
  readonly operations?: OperationsOptions | false | undefined
  /** Answer errors of this library by status and code where no route does it itself; `false` leaves that to the application. Default: on. */
  readonly errors?: ErrorReplyOptions | false | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The database given to the plugin. */
    readonly db: Database
  }
  interface FastifyRequest {
    /**
     * The request's transaction on a route with `transaction`, else the database with the route as label, cancelled
     * when the client goes away.
     */
    readonly db: RequestTransaction | BoundDatabase
    /** The request's transaction; throws on a route without `transaction`. */
    readonly transaction: RequestTransaction
  }
  interface RouteShorthandOptions {
    /** Gives each request of this route a transaction of its own. */
    transaction?: boolean | RouteTransactionOptions
  }
}

interface Context {
  readonly gone: AbortController
  readonly transaction: RequestTransaction | undefined
  readonly db: RequestTransaction | BoundDatabase
  readonly options: RouteTransactionOptions
}

/**
 * `app.db`, `request.db`, transactions by route, routes for operators, and statuses for database errors.
 *
 * On a route with `transaction: true` the transaction begins with the first statement (after validation), is committed
 * before the answer's head leaves and rolled back when the status is 400 or above, the handler throws, the client goes
 * away, or the answer bypasses Fastify (`reply.hijack()`).
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import { Database } from 'sluice'
 * import { sluicePlugin } from 'sluice/fastify'
 *
 * const app = Fastify()
 * await app.register(sluicePlugin, { db: await Database.open() })
 * app.post('/orders', { transaction: true }, async (request) => {
 *   return request.db.one('insert into orders default values returning id')
 * })
 * ```
 */
export const sluicePlugin: FastifyPluginAsync<SluicePluginOptions> = fastifyPlugin(register, { name: 'sluice', fastify: '5.x' })

async function register(app: FastifyInstance, options: SluicePluginOptions): Promise<void> {
  const { db } = options
  if ((db as unknown) === undefined) throw new ConfigError('db: expected an open Database, got nothing', { option: 'db', hint: 'app.register(sluicePlugin, { db })' })
  const contexts = new WeakMap<FastifyRequest, Context>()
  app.decorate('db', db)
  app.decorateRequest('db', { getter() { return contextOf(this, contexts, db).db } })
  app.decorateRequest('transaction', { getter() { return transactionOf(contextOf(this, contexts, db)) } })
  app.addHook('onRoute', (route) => { if (transactionOptions(route)) gateRoute(route, contexts, db) })
  app.addHook('onRequestAbort', async (request) => { abandon(contexts.get(request)) })
  app.addHook('onTimeout', async (request) => { abandon(contexts.get(request)) })
  app.addHook('onResponse', async (request) => { abandon(contexts.get(request)) })
  if (options.errors !== false) addErrorHandler(app, options.errors ?? {})
  if (options.operations !== false) addOperations(app, db, options.operations ?? {})
  if (options.close !== false) app.addHook('onClose', async () => { await db.close() })
}

/** Options a route gives as `transaction`. */
function transactionOptions(route: RouteOptions): RouteTransactionOptions | undefined {
  if (!route.transaction) return undefined
  if (route.transaction === true) return {}
  checkMounted('transaction', route.transaction)
  return route.transaction
}

/** The hooks of a route with a transaction, before those the route brings itself: what they throw rolls back. */
function gateRoute(route: RouteOptions, contexts: WeakMap<FastifyRequest, Context>, db: Database): void {
  const options = transactionOptions(route) ?? {}
  const begin = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const gone = new AbortController()
    const transaction = makeTransaction(db, request, options, gone)
    contexts.set(request, { gone, transaction, db: transaction, options })
    // a reply that bypasses Fastify runs none of its hooks
    reply.raw.once('close', () => { abandon(contexts.get(request)) })
  }
  const markRefused = async (request: FastifyRequest): Promise<void> => { contexts.get(request)?.transaction?.refuse() }
  const settle = async (request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> => {
    await settleBy(contexts.get(request), reply, payload)
    return payload
  }
  route.preHandler = [begin, ...listed(route.preHandler)]
  route.onError = [markRefused, ...listed(route.onError)]
  // last: a hook that changes the payload or throws has done so before COMMIT
  route.onSend = [...listed(route.onSend), settle]
}

function listed<Hook>(hooks: Hook | Hook[] | undefined): Hook[] { return hooks === undefined ? [] : Array.isArray(hooks) ? hooks : [hooks] }

function makeTransaction(db: Database, request: FastifyRequest, options: RouteTransactionOptions, gone: AbortController): RequestTransaction {
  const { streams: _streams, commitOn: _commitOn, ...transaction } = options
  return new RequestTransaction(db, { ...transaction, label: transaction.label ?? labelOf(request), signal: gone.signal })
}

/**
 * Commits or rolls back by the status. An error is thrown once: Fastify then answers with it and comes here again, where
 * nothing is left to settle.
 */
async function settleBy(context: Context | undefined, reply: FastifyReply, payload: unknown): Promise<void> {
  const transaction = context?.transaction
  if (!transaction || transaction.settled) return
  const { streams = 'reject', commitOn } = context.options
  const streamed = isStream(payload)
  if (streamed && streams === 'reject') {
    await transaction.settle(false)
    destroyStream(payload)
    throw new StreamedReplyError()
  }
  try {
    await transaction.settle(commits(reply.statusCode, { commitOn }))
  } catch (error) {
    if (streamed) destroyStream(payload)
    void reply.code(500)
    throw asError(error)
  }
}

function isStream(payload: unknown): payload is { pipe?: unknown; getReader?: unknown } {
  if (typeof payload !== 'object' || payload === null || Buffer.isBuffer(payload)) return false
  return 'pipe' in payload || 'getReader' in payload
}

function destroyStream(payload: object): void {
  const { destroy } = payload as { destroy?: () => void }
  destroy?.call(payload)
}

/** The safety net behind every way a request can end. */
function abandon(context: Context | undefined): void {
  if (!context) return
  const { transaction, gone } = context
  if (transaction?.settled) return
  gone.abort()
  void transaction?.settle(false).catch(() => undefined)
}

function contextOf(request: FastifyRequest, contexts: WeakMap<FastifyRequest, Context>, db: Database): Context {
  const known = contexts.get(request)
  if (known) return known
  const gone = new AbortController()
  const context: Context = { gone, transaction: undefined, options: {}, db: db.with({ label: labelOf(request), signal: gone.signal }) }
  contexts.set(request, context)
  return context
}

function transactionOf({ transaction }: Context): RequestTransaction {
  if (!transaction) throw new TypeError('this route has no transaction: give it the option { transaction: true }')
  return transaction
}

/** The route's pattern, not the path: it names no customer. */
function labelOf(request: FastifyRequest): string { return `${request.method} ${request.routeOptions.url ?? ''}` }

function addErrorHandler(app: FastifyInstance, options: ErrorReplyOptions): void {
  app.setErrorHandler((error, _request, reply) => {
    const answer = errorReply(error, options)
    void (answer ? reply.code(answer.status).headers(answer.headers).send(answer.body) : reply.send(error))
  })
}

function addOperations(app: FastifyInstance, db: Database, options: OperationsOptions): void {
  const answer = operations(db, options)
  const prefix = (options.prefix ?? '').replace(/\/+$/, '')
  for (const path of OPERATION_PATHS) {
    app.get(`${prefix}${path}`, { logLevel: 'warn' }, async (request, reply) => {
      const found = await answer({ ...described(request.raw), path: `${prefix}${path}` })
      if (!found) return reply.code(404).send()
      return reply.code(found.status).headers(found.headers).send(found.body)
    })
  }
}
