import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BoundDatabase } from '../database/bound.js'
import type { TransactionOptions } from '../database/transaction.js'
import type { Database } from '../facade/database.js'
import { errorReply, type ErrorReplyOptions } from './error-reply.js'
import { operationsListener, sendReply, type Next, type OperationsOptions } from './operations.js'
import { checkMounted } from './option-check.js'
import { RequestTransaction } from './request-transaction.js'
import { ResponseGate } from './response-gate.js'
import { commits, type VerdictOptions } from './verdict.js'

export { shutDownOnSignal } from './shutdown.js'
export type { ShutDownOptions } from './shutdown.js'
export { RequestTransaction } from './request-transaction.js'
export type { ErrorReplyOptions, Next, OperationsOptions, VerdictOptions }

/** A middleware of Express 4 and 5, Connect, and whatever calls `(request, response, next)`. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void

/** A middleware of Express that takes errors. */
export type ErrorMiddleware = (error: unknown, request: IncomingMessage, response: ServerResponse, next: Next) => void

/** Options of {@link requestTransaction}. */
export interface RequestTransactionOptions extends VerdictOptions, Omit<TransactionOptions, 'signal' | 'retries' | 'ambient'> {
  /**
   * What becomes of an answer that is sent piece by piece: `reject` (default) rolls back and answers 500; `commit-first`
   * ends the transaction before the first piece leaves.
   */
  readonly streams?: 'reject' | 'commit-first' | undefined
}

/** A request with what the middlewares of this file put on it. */
export interface DatabaseRequest {
  /** The request's transaction, or the database with the request's name and end bound to it. */
  db: RequestTransaction | BoundDatabase
}

/**
 * Gives each request `request.db`: the database, with the request's method and path as label and cancelled when the
 * client goes away.
 */
export function requestDatabase(db: Database): Middleware {
  return (request, response, next) => {
    const gone = new AbortController()
    response.once('close', () => { if (!response.writableFinished) gone.abort() })
    given(request).db = db.with({ label: labelOf(request), signal: gone.signal })
    next()
  }
}

/**
 * Gives each request a transaction of its own as `request.db`. It begins with the first statement; it is committed before
 * the answer's head leaves, so that a client never reads success for what was not stored, and rolled back when the status
 * is 400 or above, the client goes away, or COMMIT fails (then the error goes to the error middlewares).
 *
 * @example
 * ```ts
 * import express from 'express'
 * import { Database } from 'sluice'
 * import { databaseOf, errorHandler, requestTransaction } from 'sluice/express'
 *
 * const db = await Database.open()
 * const app = express()
 * app.post('/orders', requestTransaction(db), async (request, response) => {
 *   const { insertId } = await databaseOf(request).execute('insert into orders default values')
 *   response.status(201).json({ id: insertId })
 * })
 * app.use(errorHandler())
 * ```
 */
export function requestTransaction(db: Database, options: RequestTransactionOptions = {}): Middleware {
  checkMounted('transaction', options)
  const { streams = 'reject', commitOn, ...transactionOptions } = options
  return (request, response, next) => {
    const gone = new AbortController()
    const label = transactionOptions.label ?? labelOf(request)
    const transaction = new RequestTransaction(db, { ...transactionOptions, label, signal: gone.signal })
    given(request).db = transaction
    new ResponseGate(response, {
      transaction, streams, commits: (status) => commits(status, { commitOn }), onFailure: next,
      onReplaced: (error) => { db.assembly.notifier.notify('warning', { code: 'SLUICE_HTTP', node: undefined, error, message: `${label}: ${error.message}` }) },
      onGone: () => {
        gone.abort()
        void transaction.settle(false).catch(() => undefined)
      },
    })
    next()
  }
}

/** What {@link requestTransaction} or {@link requestDatabase} has put on a request. */
export function databaseOf(request: object): RequestTransaction {
  const { db } = request as Partial<DatabaseRequest>
  if (!(db instanceof RequestTransaction)) throw new TypeError('this request has no transaction: use requestTransaction(db) before this handler')
  return db
}

/** Answers errors of this library by {@link errorReply}, and passes all others on. Use it after the routes. */
export function errorHandler(options: ErrorReplyOptions = {}): ErrorMiddleware {
  return (error, request, response, next) => {
    const reply = response.headersSent ? undefined : errorReply(error, options)
    if (reply) sendReply(reply, request, response)
    else next(error)
  }
}

/** `/health/live`, `/health/ready`, `/health/database` and `/metrics/database`. */
export function operationsRoutes(db: Database, options: OperationsOptions = {}): Middleware { return operationsListener(db, options) }

function given(request: IncomingMessage): DatabaseRequest { return request as IncomingMessage & DatabaseRequest }

/** Method and path, without the query, which may hold anything. */
function labelOf(request: IncomingMessage): string {
  const { originalUrl } = request as { originalUrl?: string }
  return `${request.method ?? ''} ${(originalUrl ?? request.url ?? '').split('?')[0] ?? ''}`
}
