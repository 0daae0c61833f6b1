import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Database } from '../../facade/database.js'
import { sendReply, type Next } from '../operations.js'
import { checkMounted } from '../option-check.js'
import { jsonReply, textReply } from '../reply.js'
import { admitted, type Authorize } from './guard.js'
import { contentSecurityPolicy, dashboardPage } from './page.js'
import { statusSnapshot } from './snapshot.js'

/** Options of {@link dashboard}. */
export interface DashboardOptions {
  /** Path of the page; default `/dashboard`. */
  readonly path?: string | undefined
  /** Who may see it. Without it only the machine itself, by a loopback name and through no proxy. */
  readonly authorize?: Authorize | undefined
  /** Between two snapshots, milliseconds; default 1,000. */
  readonly intervalMs?: number | undefined
}

const INTERVAL_MS = 1_000

/**
 * The status page as a listener of `node:http` or a middleware of Express: nodes with role, health and lag, pools, load
 * and latency, live by server-sent events. Read-only, complete in one page, no request to anywhere else.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { Database } from 'sluice'
 * import { dashboard } from 'sluice/http'
 *
 * const db = await Database.open()
 * createServer(dashboard(db)).listen(9091, '127.0.0.1')   // http://localhost:9091/dashboard
 * ```
 */
export function dashboard(db: Database, options: DashboardOptions = {}): (request: IncomingMessage, response: ServerResponse, next?: Next) => void {
  checkMounted('dashboard', options)
  const path = (options.path ?? '/dashboard').replace(/\/+$/, '')
  return (request, response, next) => {
    const [asked = ''] = (request.url ?? '').split('?')
    const below = asked.startsWith(`${path}/`) ? asked.slice(path.length) : asked === path ? '' : undefined
    if (below === undefined && next) {
      next()
      return
    }
    answer(db, options, below, request, response).catch((error: unknown) => {
      if (next) next(error)
      else sendReply(jsonReply(500, { error: { message: 'the request failed' } }), request, response)
    })
  }
}

async function answer(db: Database, options: DashboardOptions, below: string | undefined, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refuse = (status: number, message: string, headers = {}): void => { sendReply(jsonReply(status, { error: { message } }, headers), request, response) }
  if (below === undefined) refuse(404, 'not found')
  else if (!await admitted(request, options.authorize)) refuse(403, 'not allowed: give dashboard(db, { authorize }), or ask from this machine by localhost')
  else if (request.method !== 'GET' && request.method !== 'HEAD') refuse(405, 'GET or HEAD', { allow: 'GET, HEAD' })
  else if (below === '') redirect(request, response)
  else if (below === '/') await sendPage(request, response)
  else if (below === '/snapshot') sendReply(jsonReply(200, statusSnapshot(db)), request, response)
  else if (below === '/events') sendEvents(db, options.intervalMs ?? INTERVAL_MS, response)
  else refuse(404, 'not found')
}

/** The page asks for `events` beside itself: its address has to end with a slash. */
function redirect(request: IncomingMessage, response: ServerResponse): void {
  const { originalUrl } = request as { originalUrl?: string }
  const [here = ''] = (originalUrl ?? request.url ?? '').split('?')
  response.writeHead(308, { location: `./${here.split('/').at(-1) ?? ''}/`, 'content-length': 0 }).end()
}

async function sendPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const nonce = randomBytes(16).toString('base64')
  const reply = textReply(200, await dashboardPage(nonce), 'text/html; charset=utf-8')
  const headers = {
    'content-security-policy': contentSecurityPolicy(nonce), 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer',
  }
  sendReply({ ...reply, headers: { ...reply.headers, ...headers } }, request, response)
}

/** Snapshots until the reader goes; one that reads too slowly misses some instead of filling the memory. */
function sendEvents(db: Database, intervalMs: number, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  const send = (): void => {
    if (response.writableNeedDrain) return
    response.write(`data: ${JSON.stringify(statusSnapshot(db))}\n\n`)
  }
  send()
  const timer = setInterval(send, intervalMs)
  timer.unref()
  response.once('close', () => { clearInterval(timer) })
}
