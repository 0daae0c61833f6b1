import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PGliteOptions } from '@electric-sql/pglite'
import type { ConnectSettings, ConnectionTarget } from '../../core/driver.js'
import { ConfigError } from '../../core/errors.js'

/** What is needed to start the engine, read from the target's URL parameters and `driverOptions`. */
export interface PgliteOptions {
  /** Absolute path of the data folder; undefined: in memory. */
  readonly folder: string | undefined
  /** For `PGlite.create`. */
  readonly client: PGliteOptions
}

/** Options of PGlite that would take a decision of this driver away, and what to use. */
const OWNED: Readonly<Record<string, string>> = {
  dataDir: 'the URL: pglite:./folder or pglite://memory', fs: 'the URL: pglite:./folder or pglite://memory',
  parsers: 'the types option', serializers: 'nothing: the driver converts parameters', database: 'nothing: there is one, postgres',
  username: 'nothing: there is one user, postgres', noInitDb: 'nothing: the driver decides',
}

/**
 * Reads the folder, the URL parameter `relaxed_durability` (`true`: a commit does not wait for the file system) and
 * `driverOptions`, which go to `PGlite.create` as they are (`extensions`, `loadDataDir`, `initialMemory`, …).
 *
 * @throws ConfigError for a parameter it does not know, or an option that this driver sets itself
 */
export function readOptions({ target }: Pick<ConnectSettings, 'target'>): PgliteOptions {
  const { driverOptions } = target
  for (const [name, instead] of Object.entries(OWNED)) {
    if (driverOptions[name] === undefined) continue
    throw new ConfigError(`driverOptions.${name} is set by the driver itself; use ${instead}`, { option: `driverOptions.${name}` })
  }
  return { folder: folderOf(target), client: { ...relaxed(target), ...driverOptions } }
}

/** A database that lives in memory, and as long as somebody holds on to it. */
export function inMemory({ database }: ConnectionTarget): boolean {
  return database === undefined || database === ':memory:' || database === ''
}

function folderOf(target: ConnectionTarget): string | undefined {
  const { database } = target
  if (database === undefined || inMemory(target)) return undefined
  if (database.includes('\0')) throw new ConfigError('the data folder: expected a path, got one with a NUL character (U+0000)', { option: 'database' })
  return resolve(database.startsWith('file://') ? fileURLToPath(database) : database)
}

function relaxed({ parameters }: ConnectionTarget): PGliteOptions {
  const { relaxed_durability: text, ...others } = parameters
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw new ConfigError(`unknown URL parameter '${unknown}' for PGlite; known: relaxed_durability`, {
      option: unknown, hint: 'options of PGlite itself go into driverOptions, settings of the session into SET inside db.connection()',
    })
  }
  if (text === undefined) return {}
  if (text === 'true' || text === 'false') return { relaxedDurability: text === 'true' }
  throw new ConfigError(`relaxed_durability: expected true or false, got '${text}'`, { option: 'relaxed_durability' })
}
