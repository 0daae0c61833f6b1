import type { Driver } from '../core/driver.js'
import { ConfigError, UnknownEngineError } from '../core/errors.js'
import { mariadb } from '../drivers/mariadb/index.js'
import { mysql } from '../drivers/mysql/index.js'
import { pglite } from '../drivers/pglite/index.js'
import { postgres } from '../drivers/postgres/index.js'
import { sqlite } from '../drivers/sqlite/index.js'

const drivers = new Map<string, Driver>([
  ['postgres', postgres], ['postgresql', postgres], ['mysql', mysql], ['mariadb', mariadb], ['sqlite', sqlite], ['file', sqlite],
  ['pglite', pglite],
])

/**
 * Adds a driver for a URL scheme, for every `Database` made from then on.
 *
 * @param scheme - without the colon: `cockroach` for `cockroach://…`
 * @throws {@link ConfigError} the scheme is malformed or taken
 */
export function registerDriver(scheme: string, driver: Driver): void {
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) {
    throw new ConfigError(`registerDriver: expected a URL scheme in lower case such as 'cockroach', got '${scheme}'`, { option: 'scheme' })
  }
  if (!isDriver(driver)) {
    throw new ConfigError(`registerDriver: expected a driver for '${scheme}:', got something without a dialect or without connect()`, {
      option: 'driver', hint: 'a driver is { dialect, connect(settings, signal) }; driverConformance of sluice/testing checks one',
    })
  }
  if (drivers.has(scheme)) throw new ConfigError(`registerDriver: the scheme '${scheme}:' is taken`, { option: 'scheme', hint: 'choose another scheme' })
  drivers.set(scheme, driver)
}

/**
 * The driver of a URL scheme, the library's own or a registered one; also what a driver of the same family builds on.
 *
 * @example registerDriver('cockroach', { ...driverFor('postgres'), dialect: { ...driverFor('postgres').dialect, engine: 'cockroach' } })
 * @throws {@link UnknownEngineError}
 */
export function driverFor(scheme: string): Driver {
  const driver = drivers.get(scheme)
  if (!driver) throw new UnknownEngineError(scheme, [...drivers.keys()])
  return driver
}

/** What the configuration must know of each scheme. */
export function knownSchemes(): { scheme: string; defaultPort: number | undefined; embedded: boolean }[] {
  return [...drivers].map(([scheme, { dialect }]) => ({ scheme, defaultPort: dialect.defaultPort, embedded: dialect.features.embedded }))
}

function isDriver(value: unknown): value is Driver {
  const { dialect, connect } = (value ?? {}) as Partial<Driver>
  return typeof connect === 'function' && typeof dialect?.engine === 'string' && typeof dialect.features === 'object'
}
