import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConnectSettings, ConnectionTarget } from '../../core/driver.js'
import { ConfigError } from '../../core/errors.js'

/** Which package brings SQLite; `auto` looks for the best one there is. */
export type BuildChoice = 'auto' | 'node' | 'better-sqlite3' | 'wasm'

/** What one connection needs, read from the target's URL parameters and `driverOptions`. */
export interface SqliteOptions {
  /** Absolute path, or `:memory:`. */
  readonly path: string
  readonly build: BuildChoice
  /** Longest wait for a lock that another connection or process holds. */
  readonly busyTimeoutMs: number
  readonly synchronous: 'off' | 'normal' | 'full' | 'extra'
}

const DEFAULT_BUSY_TIMEOUT_MS = 5_000

const BUILDS: readonly BuildChoice[] = ['auto', 'node', 'better-sqlite3', 'wasm']
const SYNCHRONOUS = ['off', 'normal', 'full', 'extra'] as const

/** URL parameter -> name in `driverOptions`. */
const NAMES: Readonly<Record<string, string>> = { busy_timeout: 'busyTimeoutMs', synchronous: 'synchronous', build: 'build' }

/**
 * Reads the file, URL parameters (`busy_timeout` in milliseconds, `synchronous`, `build`) and `driverOptions`
 * (`busyTimeoutMs`, `synchronous`, `build`).
 *
 * @throws ConfigError for an option it does not know, or a value that does not fit
 */
export function readOptions({ target }: Pick<ConnectSettings, 'target'>): SqliteOptions {
  const given: Record<string, unknown> = { ...target.driverOptions }
  for (const [name, value] of Object.entries(target.parameters)) {
    const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
    if (known === undefined) throw unknown(name, 'URL parameter', Object.keys(NAMES))
    given[known] = value
  }
  for (const name of Object.keys(given)) {
    if (!Object.values(NAMES).includes(name)) throw unknown(name, 'driverOptions entry', Object.values(NAMES))
  }
  return {
    path: pathOf(target),
    build: oneOf('build', given['build'], BUILDS) ?? 'auto',
    busyTimeoutMs: milliseconds(given['busyTimeoutMs']) ?? DEFAULT_BUSY_TIMEOUT_MS,
    synchronous: oneOf('synchronous', given['synchronous'], SYNCHRONOUS) ?? 'normal',
  }
}

/** A database that lives in memory, and as long as somebody holds on to it. */
export function inMemory(target: ConnectionTarget): boolean {
  return target.database === undefined || target.database === ':memory:' || target.database === ''
}

function pathOf(target: ConnectionTarget): string {
  const { database } = target
  if (database === undefined || inMemory(target)) return ':memory:'
  if (database.includes('\0')) throw new ConfigError('the database file: expected a path, got one with a NUL character (U+0000)', { option: 'database' })
  return resolve(database.startsWith('file://') ? fileURLToPath(database) : database)
}

function unknown(name: string, what: string, names: readonly string[]): ConfigError {
  return new ConfigError(`unknown ${what} '${name}' for SQLite; known: ${names.join(', ')}`, {
    option: name, hint: 'settings of the database itself go into PRAGMA statements inside db.connection()',
  })
}

function milliseconds(value: unknown): number | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number
  throw new ConfigError(`busyTimeoutMs: expected milliseconds, 0 or more, got ${typeof value === 'string' ? 'a text that is no number' : typeof value}`, {
    option: 'busyTimeoutMs',
  })
}

function oneOf<Choice extends string>(option: string, value: unknown, choices: readonly Choice[]): Choice | undefined {
  if (value === undefined) return undefined
  const choice = choices.find((each) => each === value)
  if (choice !== undefined) return choice
  throw new ConfigError(`${option}: expected ${choices.join(' or ')}, got ${typeof value === 'string' ? `'${value}'` : typeof value}`, { option })
}
