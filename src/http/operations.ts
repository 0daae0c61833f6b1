import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Database } from '../facade/database.js'
import { databaseReply, liveReply, metricsReply, readyReply, statsReply } from './health.js'
import { checkMounted } from './option-check.js'
import { jsonReply, type HttpReply } from './reply.js'

/** Options of the operations routes. */
export interface OperationsOptions {
  /** Put before every path: `/internal` gives `/internal/health/live`. Default: nothing. */
  readonly prefix?: string | undefined
  /**
   * Asked for `/health/database`, `/metrics` and `/metrics/database`, which show names and numbers of your servers; `false`
   * is answered with 403. Default: everyone. Liveness and readiness are never asked about.
   */
  readonly authorize?: ((request: OperationsRequest) => boolean | Promise<boolean>) | undefined
}

/** What a framework knows of a request before it is answered. */
export interface OperationsRequest {
  readonly method: string
  /** Path, without query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Address of the peer, where known. */
  readonly remoteAddress: string | undefined
}

interface Operation {
  /** Tells about servers: `authorize` is asked. */
  readonly guarded: boolean
  reply(db: Database): HttpReply | Promise<HttpReply>
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  '/health/live': { guarded: false, reply: liveReply },
  '/health/ready': { guarded: false, reply: readyReply },
  '/health/database': { guarded: true, reply: databaseReply },
  '/metrics': { guarded: true, reply: metricsReply },
  '/metrics/database': { guarded: true, reply: statsReply },
}

/** Every path of {@link operations}, without prefix. */
export const OPERATION_PATHS: readonly string[] = Object.keys(OPERATIONS)

/** Answers a request to one of the operations paths; `undefined` when it is for somebody else. */
export type Operations = (request: OperationsRequest) => Promise<HttpReply | undefined>

/**
 * The routes operators need, free of any framework: `/health/live`, `/health/ready`, `/health/database`,
 * `/metrics` (Prometheus) and `/metrics/database` (JSON).
 *
 * @throws ConfigError an option is unknown or no value for it: a misspelled `authorize` must not leave the routes open
 */
export function operations(db: Database, options: OperationsOptions = {}): Operations {
  checkMounted('operations', options)
  const prefix = (options.prefix ?? '').replace(/\/+$/, '')
  return async (request) => {
    if (!request.path.startsWith(`${prefix}/`)) return undefined
    const operation = OPERATIONS[request.path.slice(prefix.length)]
    if (!operation) return undefined
    if (request.method !== 'GET' && request.method !== 'HEAD') return jsonReply(405, { error: { message: 'GET or HEAD' } }, { allow: 'GET, HEAD' })
    if (operation.guarded && options.authorize && !await options.authorize(request)) return jsonReply(403, { error: { message: 'not allowed' } })
    return operation.reply(db)
  }
}

/** Called when a request is for somebody else, or when answering it failed. */
export type Next = (error?: unknown) => void

/**
 * {@link operations} as a listener of `node:http`, which is also a middleware of Express and Connect. Without `next` a
 * request for somebody else is answered with 404.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { Database } from 'sluice'
 * import { operationsListener } from 'sluice/http'
 *
 * const db = await Database.open()
 * createServer(operationsListener(db)).listen(9090)
 * ```
 */
export function operationsListener(db: Database, options: OperationsOptions = {}): (request: IncomingMessage, response: ServerResponse, next?: Next) => void {
  const answer = operations(db, options)
  return (request, response, next) => {
    answer(described(request)).then((reply) => {
      if (reply) sendReply(reply, request, response)
      else if (next) next()
      else sendReply(jsonReply(404, { error: { message: 'not found' } }), request, response)
    }).catch((error: unknown) => {
      if (next) next(error)
      else sendReply(jsonReply(500, { error: { message: 'the request failed' } }), request, response)
    })
  }
}

/** What {@link operations} wants to know of a request of `node:http`. */
export function described(request: IncomingMessage): OperationsRequest {
  const [path = '/'] = (request.url ?? '/').split('?')
  return { method: request.method ?? 'GET', path, headers: request.headers, remoteAddress: request.socket.remoteAddress }
}

/** Sends a reply, without its body to a HEAD; does nothing when the peer has gone or an answer has begun. */
export function sendReply(reply: HttpReply, request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) })
  response.end(request.method === 'HEAD' ? undefined : reply.body)
}
