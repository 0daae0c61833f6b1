import type { Probe } from '../core/dialect.js'
import type { Connection, Driver, ServerFacts } from '../core/driver.js'
import { asError } from '../core/deadline.js'
import { errorFromFacts } from '../core/explain.js'
import type { Statement } from '../core/statement.js'
import type { ConnectionTarget } from '../core/target.js'

/** How long ending a session may take before its socket is dropped. */
const CLOSE_MS = 1_000

/** Where sessions of a job go. */
export interface SessionTarget {
  readonly driver: Driver
  readonly target: ConnectionTarget
  /** Name of the server in errors. */
  readonly node: string
  readonly connectTimeoutMs: number
}

/**
 * A connection of a job's own, outside the pool: it is held for hours (a snapshot, a lock), without statement timeouts, and
 * must not take one from the service.
 */
export class Session {
  readonly #connection: Connection
  readonly #where: SessionTarget

  /** @internal Use {@link Session.with}. */
  constructor(connection: Connection, where: SessionTarget) {
    this.#connection = connection
    this.#where = where
  }

  get server(): ServerFacts { return this.#connection.server }

  /**
   * Runs `work` with a session to `database`, which is closed on every path; when `signal` aborts, its socket is dropped.
   *
   * @throws {@link ConnectionError} it could not be opened
   */
  static async with<T>(
    where: SessionTarget, database: string | undefined, signal: AbortSignal | undefined, work: (session: Session) => Promise<T>,
  ): Promise<T> {
    const session = new Session(await open(where, database, signal), where)
    const connection = session.#connection
    const onAbort = (): void => { connection.destroy() }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      signal?.throwIfAborted()
      return await work(session)
    } finally {
      signal?.removeEventListener('abort', onAbort)
      const timer = setTimeout(onAbort, CLOSE_MS)
      await connection.close()
      clearTimeout(timer)
    }
  }

  async run(statement: Statement): Promise<readonly Record<string, unknown>[]> {
    try {
      return (await this.#connection.query(statement)).rows
    } catch (cause) {
      throw errorFromFacts(this.#where.driver.dialect.describeError(cause), asError(cause), { node: this.#where.node, sql: statement.text })
    }
  }

  async ask<T>(probe: Probe<T>): Promise<T> {
    return probe.read(await this.run(probe.statement))
  }
}

async function open(
  { driver, target, node, connectTimeoutMs }: SessionTarget, database: string | undefined, signal: AbortSignal | undefined,
): Promise<Connection> {
  try {
    return await driver.connect({
      target: { ...target, database: database ?? target.database, applicationName: 'sluice backup' },
      readOnly: false, connectTimeoutMs, statementTimeoutMs: 0, maxPreparedStatements: 0, types: undefined,
    }, signal)
  } catch (cause) {
    signal?.throwIfAborted()
    throw errorFromFacts(driver.dialect.describeError(cause), asError(cause), { node, neverSent: true })
  }
}
