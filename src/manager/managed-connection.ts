import type { DatabaseOptions } from '../config/options.js'
import type { PasswordSource } from '../core/driver.js'
import type { Database } from '../facade/database.js'
import { derivedOptions, type Difference } from './derived-options.js'

/**
 * A configured database with some of its options changed. Immutable: each `with…` gives a new one.
 *
 * @example
 * ```ts
 * const tenant = await manager.connection('main').withDatabase('tenant_7').withUser('tenant_7', 'secret').open()
 * ```
 */
export class ManagedConnection {
  /** Name of the configured database. */
  readonly name: string
  readonly #configured: string | DatabaseOptions
  readonly #difference: Difference
  readonly #open: (name: string, difference: Difference, options: DatabaseOptions) => Promise<Database>

  /** @internal Use {@link DatabaseManager.connection}. */
  constructor(
    name: string, configured: string | DatabaseOptions, open: (name: string, difference: Difference, options: DatabaseOptions) => Promise<Database>,
    difference: Difference = {},
  ) {
    this.name = name
    this.#configured = configured
    this.#open = open
    this.#difference = difference
  }

  /** Another database of the same servers; of an embedded engine another file. */
  withDatabase(database: string): ManagedConnection { return this.#with({ database }) }

  /**
   * Another user of the same servers.
   *
   * @param password - a text, or a function asked for every connection; left out: none, never the configured user's
   */
  withUser(user: string, password?: PasswordSource): ManagedConnection { return this.#with({ user, password }) }

  /** The options it is opened with; they may hold a password. */
  get options(): DatabaseOptions { return derivedOptions(this.#configured, this.#difference) }

  /**
   * The open database. The same one every time, until it is closed: by `close()` of its own, or with the manager.
   *
   * @throws {@link ConnectionError} it cannot be reached, or refuses user or database
   */
  open(): Promise<Database> { return this.#open(this.name, this.#difference, this.options) }

  #with(difference: Difference): ManagedConnection {
    return new ManagedConnection(this.name, this.#configured, this.#open, { ...this.#difference, ...difference })
  }
}
