import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Database } from '../facade/database.js'

/** Options of {@link shutDownOnSignal}. */
export interface ShutDownOptions {
  /** Default: `SIGTERM` and `SIGINT`. */
  readonly signals?: readonly NodeJS.Signals[] | undefined
  /** How long requests and then loans may take to end, milliseconds, before they are cut; default 10,000. */
  readonly drainMs?: number | undefined
  /** Told when all is closed; the process then ends by itself. */
  readonly onDone?: (() => void) | undefined
}

const DRAIN_MS = 10_000
/** How often connections that were kept open for a next request are closed. */
const SWEEP_MS = 50

/**
 * On the first signal: takes no more requests, lets those under way end, then closes the database. Opt-in, as signals
 * belong to the service. The returned function takes the listeners away again.
 */
export function shutDownOnSignal(server: Server, db: Database, options: ShutDownOptions = {}): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], drainMs = DRAIN_MS } = options
  const answers = new Answers(server)
  const forget = (): void => {
    for (const signal of signals) process.off(signal, begin)
    if (!answers.last) answers.forget()
  }
  const begin = (): void => {
    answers.end()
    forget()
    void shutDown(server, db, drainMs).finally(() => {
      answers.forget()
      options.onDone?.()
    })
  }
  for (const signal of signals) process.on(signal, begin)
  return forget
}

/**
 * The answers under way. Closing a server does not end a connection that is busy: its client (a load balancer above all)
 * would go on sending requests on it, unless the answer says that it is the last one.
 */
class Answers {
  readonly #server: Server
  readonly #open = new Set<ServerResponse>()
  /** Every answer is its connection's last. */
  last = false

  constructor(server: Server) {
    this.#server = server
    server.prependListener('request', this.#note)
  }

  end(): void {
    this.last = true
    for (const answer of this.#open) answer.shouldKeepAlive = false
  }

  forget(): void { this.#server.off('request', this.#note) }

  readonly #note = (_request: IncomingMessage, answer: ServerResponse): void => {
    if (this.last) answer.shouldKeepAlive = false
    this.#open.add(answer)
    answer.once('close', () => { this.#open.delete(answer) })
  }
}

/** Ends the requests before the connections they use. Never rejects. */
async function shutDown(server: Server, db: Database, drainMs: number): Promise<void> {
  // an answer that was begun before could not say that it is the last
  const sweep = setInterval(() => { server.closeIdleConnections() }, SWEEP_MS)
  let cut: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    cut = setTimeout(() => {
      server.closeAllConnections()
      // a connection that was upgraded (a web socket) is not the server's any more, and holds up its end for ever
      resolve()
    }, drainMs)
    server.close(() => { resolve() })
    server.closeIdleConnections()
  })
  clearTimeout(cut)
  clearInterval(sweep)
  await db.close({ drainMs }).catch(() => undefined)
}
