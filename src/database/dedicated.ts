import { limitsFrom, UNLIMITED, type Limits } from '../core/deadline.js'
import { errorFromFacts } from '../core/explain.js'
import { Notifier } from '../core/notify.js'
import type { Probe } from '../core/probe.js'
import type { DriverResult } from '../core/result.js'
import { statement as makeStatement, type Statement } from '../core/statement.js'
import { DEFAULTS } from '../config/defaults.js'
import type { ResolvedNode } from '../config/resolved.js'
import type { Loan } from '../pool/loan.js'
import { Pool } from '../pool/pool.js'
import type { Assembly } from './assemble.js'
import { connectSettings } from './connect-settings.js'

/** Patience with a session's goodbye. */
const CLOSE_MS = 2_000

/**
 * One connection for maintenance work, beside the pool: to `directUrl` where there is one, else to the primary. It never
 * waits behind the application's work, is never shared, and ends with the work. Engines inside this process have only
 * the connections of their pool; there it is lent from it.
 */
export class DedicatedSession {
  /** Name of the server. */
  readonly node: string
  readonly #loan: Loan
  readonly #end: () => Promise<void>
  #ended: Promise<void> | undefined

  /** @internal Use {@link openDedicated}. */
  constructor(node: string, loan: Loan, end: () => Promise<void>) {
    this.node = node
    this.#loan = loan
    this.#end = end
  }

  /** The server's name for this session; behind a pooler it is the pooler's. */
  get id(): number { return this.#loan.connection.id }
  /** A transaction pooler stands between. */
  get pooled(): boolean { return this.#loan.connection.server.pooled }
  /** Comparable version number of the server. */
  get versionNumber(): number { return this.#loan.connection.server.versionNumber }
  /** Version as the server says it. */
  get version(): string { return this.#loan.connection.server.version }
  get broken(): boolean { return this.#loan.connection.broken }
  /** Whether it is outside any transaction; undefined where the engine cannot tell. */
  get idle(): boolean | undefined { return this.#loan.connection.idle }

  /** Runs one text. When `limits` end, it is cancelled on the server. */
  query<Row = Record<string, unknown>>(text: string, params?: readonly unknown[], limits: Limits = UNLIMITED): Promise<DriverResult<Row>> {
    return this.run<Row>(makeStatement(text, params), limits)
  }

  run<Row = Record<string, unknown>>(statement: Statement, limits: Limits = UNLIMITED): Promise<DriverResult<Row>> {
    return this.#loan.query<Row>(statement, limits)
  }

  async ask<T>(probe: Probe<T>, limits: Limits = UNLIMITED): Promise<T> {
    return probe.read((await this.run(probe.statement, limits)).rows)
  }

  /** Ends the session. Never rejects. Idempotent. */
  close(): Promise<void> {
    return this.#ended ??= this.#end().catch(() => undefined)
  }
}

/**
 * Opens one; the caller closes it.
 *
 * @param label - what it is for, in the pool's books
 * @throws {@link ConnectionError} the server cannot be reached
 */
export async function openDedicated(assembly: Assembly, label: string, limits: Limits = UNLIMITED): Promise<DedicatedSession> {
  const { options, driver, fleet } = assembly
  const request = { limits, label, text: undefined, owner: undefined }
  const own = fleet.all.find((node) => node.role === 'primary')
  if (driver.dialect.features.embedded && own) {
    const loan = await own.pool.acquire(request)
    return new DedicatedSession(own.name, loan, () => giveBack(loan))
  }
  // the address of whoever is primary now, not of the one that was configured as such
  const target = options.direct ?? options.replicas.find(({ name }) => name === own?.name) ?? options.primary
  const pool = poolOfOne(assembly, target)
  try {
    const loan = await pool.acquire(request)
    return new DedicatedSession(target.name, loan, async () => {
      loan.discard('its work has ended')
      await pool.close({ drainMs: 0 })
    })
  } catch (error) {
    await pool.close({ drainMs: 0 })
    throw error
  }
}

/** A session of this process: its transaction is ended, then it goes back. */
async function giveBack(loan: Loan): Promise<void> {
  try {
    if (loan.connection.idle === false) await loan.query(makeStatement('rollback'), limitsFrom(CLOSE_MS))
    loan.release()
  } catch {
    loan.discard('its transaction could not be ended')
  }
}

/** The loan's limits, cancelling and errors, for one connection that no pool of the application knows. */
function poolOfOne({ driver, options }: Assembly, target: ResolvedNode): Pool {
  const explain = (cause: unknown, context: object): ReturnType<typeof errorFromFacts> =>
    errorFromFacts(driver.dialect.describeError(cause), cause, { node: target.name, ...context })
  const settings = connectSettings(target, 'primary', { ...options, statementTimeoutMs: 0, maxPreparedStatements: 0 })
  return new Pool({
    ...DEFAULTS.pool, max: 1, acquireTimeoutMs: target.connectTimeoutMs, idleTimeoutMs: 0, maxLifetimeMs: 0, maxLifetimeJitterMs: 0, validation: 'never',
  }, {
    name: target.name, explain, notifier: new Notifier([]),
    connect: async (signal) => {
      try {
        return await driver.connect(settings, signal)
      } catch (cause) {
        throw explain(cause, { neverSent: true })
      }
    },
  })
}
