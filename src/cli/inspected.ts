import type { ServerCapacity, ServerSession, ServerSetup } from '../core/inspection.js'
import type { Probe } from '../core/probe.js'
import type { Database } from '../facade/database.js'
import { UsageError } from './exit.js'

const TIMEOUT_MS = 10_000

/** What the primary tells operators about itself. */
export interface Inspected {
  capacity(): Promise<ServerCapacity>
  sessions(): Promise<readonly ServerSession[]>
  setup(): Promise<ServerSetup>
}

/**
 * The questions an engine's servers answer about themselves, asked of the primary.
 *
 * @throws {@link UsageError} the engine has no such questions
 */
export function inspected(db: Database): Inspected {
  const { inspection } = db.assembly.driver.dialect
  if (!inspection) throw new UsageError(`${db.engine} servers are not asked about themselves yet`, 'this works with postgres')
  const ask = async <T>(probe: Probe<T>): Promise<T> =>
    // a connection of its own: some of the questions are about the connection that asks
    db.primary.connection(async (own) => {
      const { text, params } = probe.statement
      return probe.read((await own.query(text, [...params], { timeoutMs: TIMEOUT_MS })).rows)
    })
  return { capacity: () => ask(inspection.capacity), sessions: () => ask(inspection.sessions), setup: () => ask(inspection.setup) }
}
