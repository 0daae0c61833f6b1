import type { LoadedConfig } from '../config/file.js'
import type { DatabaseOptions } from '../config/options.js'
import { resolveOptions } from '../config/resolve.js'
import { asError } from '../core/deadline.js'
import type { CreateDatabaseOptions } from '../core/dialect.js'
import { ConfigError, PoolClosedError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import { checkCall, checkNamed, type Check } from '../database/call-check.js'
import { createDatabase } from '../database/create-database.js'
import { driverFor, knownSchemes } from '../database/registry.js'
import type { DatabaseStats } from '../database/snapshot.js'
import { Database } from '../facade/database.js'
import type { HealthStatus } from '../health/health-checker.js'
import { configuredDatabases, type ManagerConfig } from './configured.js'
import { derivedOptions, type Difference } from './derived-options.js'
import { ManagedConnection } from './managed-connection.js'

/** Options of a {@link DatabaseManager}. */
export interface ManagerOptions {
  /** For every database that has none of its own. */
  readonly logger?: Logger | undefined
}

/** Whether it is a logger is checked with the options of each database. */
const OPTIONS: ReadonlyMap<string, Check> = new Map<string, Check>([['logger', ['a logger', (value) => typeof value === 'object' && value !== null]]])

/** What became of {@link DatabaseManager.setup}. */
export interface SetupResult {
  /** Names of the databases that are open. */
  readonly successful: readonly string[]
  /** Why the others are not, by name. */
  readonly failed: Readonly<Record<string, Error>>
}

/** Health of one named database; one that is not open is unhealthy and has no nodes. */
export interface DatabaseHealth extends HealthStatus {
  /** Why it is not open. */
  readonly error?: Error | undefined
}

/** Counters of a {@link DatabaseManager}. */
export interface ManagerStats {
  /** Databases that are open. */
  readonly successfulSetups: number
  /** Databases whose last set-up failed. */
  readonly failedSetups: number
  /** Of those that are open, by name. */
  readonly databases: Readonly<Record<string, DatabaseStats>>
}

/** How {@link DatabaseManager.createDatabase} makes a database. */
export interface ManagedDatabaseOptions extends CreateDatabaseOptions {
  /** Its name; default: the configured one. */
  readonly database?: string | undefined
}

interface Derived { readonly name: string; readonly difference: Difference; readonly opening: Promise<Database> }

/**
 * Several named databases, of any engines, from one configuration.
 *
 * @example
 * ```ts
 * import { DatabaseManager, loadConfig } from 'sluice'
 *
 * const manager = new DatabaseManager(await loadConfig('databases.yaml'))
 * const { failed } = await manager.setup()
 * for (const [name, error] of Object.entries(failed)) console.error(name, error.message)
 * await manager.db('main').query('select 1')
 * await manager.closeAll()
 * ```
 */
export class DatabaseManager {
  readonly #configured: ReadonlyMap<string, string | DatabaseOptions>
  readonly #logger: Logger | undefined
  readonly #open = new Map<string, Database>()
  readonly #failed = new Map<string, Error>()
  #derived: Derived[] = []
  #settingUp: Promise<SetupResult> | undefined
  #closing: Promise<void> | undefined

  /**
   * Opens nothing.
   *
   * @throws {@link ConfigError} there are no databases by name, or an option is unknown
   */
  constructor(config: ManagerConfig | LoadedConfig, options: ManagerOptions = {}) {
    this.#configured = configuredDatabases(config)
    checkNamed(OPTIONS, options)
    this.#logger = options.logger
  }

  /**
   * Opens every database that is not open yet, all at once. One that fails, for its options or its server, hinders none of
   * the others: its error is kept. Calling it again tries those again.
   */
  async setup(): Promise<SetupResult> {
    this.#assertOpen()
    try {
      return await (this.#settingUp ??= this.#setUp())
    } finally {
      this.#settingUp = undefined
    }
  }

  /** Names of the configured databases, open or not, in the order of the configuration. */
  list(): string[] { return [...this.#configured.keys()] }

  /**
   * A database that is open.
   *
   * @throws {@link ConfigError} there is none of this name, or it was not set up
   * @throws the error of its set-up, where that failed
   */
  db(name: string): Database {
    this.#optionsOf(name)
    this.#assertOpen()
    const database = this.#open.get(name)
    if (database) return database
    throw this.#failed.get(name) ?? new ConfigError(`database '${name}' is not open`, { option: 'name', hint: 'await manager.setup() first' })
  }

  /** Why databases are not open, by name: of the last set-up. */
  errors(): Readonly<Record<string, Error>> { return Object.fromEntries(this.#failed) }

  /** Probes the servers of one database now, or of all. Never rejects for a server. */
  healthCheck(name: string): Promise<DatabaseHealth>
  healthCheck(): Promise<Record<string, DatabaseHealth>>
  async healthCheck(name?: string): Promise<DatabaseHealth | Record<string, DatabaseHealth>> {
    if (name !== undefined) {
      this.#optionsOf(name)
      return this.#check(name)
    }
    const checked = this.list().map(async (each) => [each, await this.#check(each)] as const)
    return Object.fromEntries(await Promise.all(checked))
  }

  /** Counters of this moment; asks no server. */
  stats(): ManagerStats {
    return {
      successfulSetups: this.#open.size,
      failedSetups: this.#failed.size,
      databases: Object.fromEntries([...this.#open].map(([name, database]) => [name, database.stats()])),
    }
  }

  /** A configured database to be opened with another database name or another user; it need not be set up itself. */
  connection(name: string): ManagedConnection {
    const configured = this.#optionsOf(name)
    return new ManagedConnection(name, configured, (...derived) => this.#openDerived(...derived))
  }

  /**
   * Creates a database on the primary of a configured one, logged in as its user.
   *
   * @returns whether it was made now; false when it is there already
   * @throws {@link ConfigError} the engine has no such thing, or not this option
   * @throws {@link QueryError} the user may not create databases
   */
  async createDatabase(name: string, { database, ...how }: ManagedDatabaseOptions = {}): Promise<boolean> {
    const options = resolveOptions(database === undefined ? this.#optionsOf(name) : derivedOptions(this.#optionsOf(name), { database }), knownSchemes())
    return createDatabase(driverFor(options.primary.target.scheme), options, how)
  }

  /**
   * Closes every database, those of {@link DatabaseManager.connection} too; see {@link Database.close}. Idempotent, for good.
   *
   * @throws {@link ConfigError} an option is unknown or out of range; nothing is closed then
   */
  async closeAll(options: { readonly drainMs?: number } = {}): Promise<void> {
    checkCall('close', options)
    await (this.#closing ??= this.#closeAll(options))
  }

  [Symbol.asyncDispose](): Promise<void> { return this.closeAll() }

  async #setUp(): Promise<SetupResult> {
    await Promise.all(this.list().filter((name) => !this.#isOpen(name)).map((name) => this.#setUpOne(name)))
    return { successful: this.list().filter((name) => this.#isOpen(name)), failed: this.errors() }
  }

  async #setUpOne(name: string): Promise<void> {
    try {
      this.#open.set(name, await Database.open(this.#withLogger(this.#optionsOf(name))))
      this.#failed.delete(name)
    } catch (thrown) {
      const error = asError(thrown)
      this.#open.delete(name)
      this.#failed.set(name, error)
      this.#logger?.error({ database: name, err: error }, `database '${name}' could not be set up`)
    }
  }

  #isOpen(name: string): boolean { return this.#open.get(name)?.closed === false }

  async #check(name: string): Promise<DatabaseHealth> {
    const database = this.#open.get(name)
    return database && !database.closed ? database.health.check() : { healthy: false, nodes: [], error: this.#failed.get(name) }
  }

  /** One that is open is shared by all who ask for the same. */
  async #openDerived(name: string, difference: Difference, options: DatabaseOptions): Promise<Database> {
    this.#assertOpen()
    const known = this.#derived.find((each) => each.name === name && same(each.difference, difference))
    const database = await known?.opening
    if (database && !database.closed) return database
    if (known) this.#forget(known)
    const opening = this.#derived.find((each) => each.name === name && same(each.difference, difference))?.opening
    if (opening) return opening
    const made: Derived = { name, difference, opening: Database.open(this.#withLogger(options)) }
    this.#derived.push(made)
    return made.opening.catch((error: unknown) => {
      this.#forget(made)
      throw asError(error)
    })
  }

  #forget(derived: Derived): void { this.#derived = this.#derived.filter((each) => each !== derived) }

  async #closeAll(options: { readonly drainMs?: number }): Promise<void> {
    await this.#settingUp?.catch(() => undefined)
    const derived = await Promise.allSettled(this.#derived.map(({ opening }) => opening))
    const databases = [...this.#open.values(), ...derived.flatMap((each) => each.status === 'fulfilled' ? [each.value] : [])]
    await Promise.all(databases.map((database) => database.close(options)))
  }

  #withLogger(configured: string | DatabaseOptions): DatabaseOptions {
    const options = typeof configured === 'string' ? { primary: configured } : configured
    return this.#logger === undefined || options.logger !== undefined ? options : { ...options, logger: this.#logger }
  }

  #optionsOf(name: string): string | DatabaseOptions {
    const configured = this.#configured.get(name)
    if (configured !== undefined) return configured
    const names = this.list().map((each) => `'${each}'`).join(', ')
    throw new ConfigError(`unknown database '${name}': expected one of ${names}`, { option: 'name' })
  }

  #assertOpen(): void {
    if (this.#closing) throw new PoolClosedError('the databases are closed', { hint: 'closeAll() was called; make a new DatabaseManager' })
  }
}

function same(one: Difference, other: Difference): boolean {
  return one.database === other.database && one.user === other.user && one.password === other.password
}
