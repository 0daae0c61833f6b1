import type { Server } from 'node:http'
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

/**
 * On the first signal: takes no more requests, lets those under way end, then closes the database. Opt-in, as signals
 * belong to the service. The returned function takes the listeners away again.
 */
export function shutDownOnSignal(server: Server, db: Database, options: ShutDownOptions = {}): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], drainMs = DRAIN_MS } = options
  const forget = (): void => { for (const signal of signals) process.off(signal, begin) }
  const begin = (): void => {
    forget()
    void shutDown(server, db, drainMs).finally(() => options.onDone?.())
  }
  for (const signal of signals) process.on(signal, begin)
  return forget
}

/** Ends the requests before the connections they use. Never rejects. */
async function shutDown(server: Server, db: Database, drainMs: number): Promise<void> {
  const cut = setTimeout(() => { server.closeAllConnections() }, drainMs)
  await new Promise<void>((resolve) => {
    server.close(() => { resolve() })
    server.closeIdleConnections()
  })
  clearTimeout(cut)
  await db.close({ drainMs }).catch(() => undefined)
}
