import { ConfigError } from '../core/errors.js'
import type { MigrationSettings } from '../config/resolved.js'
import { DEFAULT_SERVICE } from './migration.js'
import type { MigrationSourceOptions } from './source.js'

/** What `new MigrationManager(db, options)` takes; what is left out comes from the database's own `migrations` options. */
export interface MigrationOptions {
  /** The folder of one service: a path, a `file:` URL, or `package:name/folder`. */
  readonly dir?: string | URL | undefined
  /** Several services, in the order they are applied; instead of `dir`. Folders, or files given in memory. */
  readonly sources?: readonly MigrationSourceOptions[] | undefined
  /** Where seeds are: the folder of one service, or several. Nothing is seeded without it. */
  readonly seeds?: string | URL | readonly MigrationSourceOptions[] | undefined
  /** Schema of the history. Default `sluice`. Engines without schemas put `sluice_` before its tables. */
  readonly schema?: string | undefined
  /** Longest wait for another process that migrates; 0 = no limit. Default 60 000. */
  readonly lockTimeoutMs?: number | undefined
  /** Versions that may be applied although a higher one is: `3`, or `'auth:3'` for one service. */
  readonly allowOutOfOrder?: readonly (number | string)[] | undefined
  /** A database that is newer than the files: `up` refuses it by default, `autoMigrate` allows it. */
  readonly ahead?: 'allow' | 'refuse' | undefined
  /** How long a statement waits for table locks before it gets out of the way and tries again. Default 300. */
  readonly statementLockTimeoutMs?: number | undefined
  /** For how long it is tried again. Default 120 000. */
  readonly lockRetryMs?: number | undefined
  /** Written into the history: the release that migrates. */
  readonly appVersion?: string | undefined
  /** Written into the history: who migrates. Default: the database's user. */
  readonly appliedBy?: string | undefined
  /** A backup is made before anything is applied; when it fails, nothing is. */
  readonly backup?: 'before' | undefined
  /**
   * `all`: a run is one transaction, not one for every migration: all of it is done, or nothing. Not where DDL commits by itself
   * (MySQL, MariaDB), and not with files that cannot run in a transaction. Seeds stay one by one.
   */
  readonly atomic?: 'all' | undefined
}

/** The options, complete. */
export interface MigrationConfig {
  readonly sources: readonly MigrationSourceOptions[]
  /** Empty: there are none. */
  readonly seeds: readonly MigrationSourceOptions[]
  readonly schema: string
  readonly lockTimeoutMs: number
  readonly allowOutOfOrder: ReadonlySet<string>
  readonly ahead: 'allow' | 'refuse' | undefined
  readonly statementLockTimeoutMs: number
  readonly lockRetryMs: number
  readonly appVersion: string | undefined
  readonly appliedBy: string | undefined
  readonly backup: 'before' | undefined
  readonly atomic: 'all' | undefined
}

const KNOWN: Readonly<Record<keyof MigrationOptions, (value: unknown) => boolean>> = {
  dir: (value) => (typeof value === 'string' && value !== '') || value instanceof URL,
  sources: (value) => Array.isArray(value) && value.length > 0 && value.every(isSource),
  seeds: (value) => KNOWN.dir(value) || KNOWN.sources(value),
  schema: (value) => typeof value === 'string' && value !== '',
  lockTimeoutMs: isMs,
  allowOutOfOrder: (value) => Array.isArray(value) && value.every((item) => /^([^\s:]+:)?\d+$/.test(String(item))),
  ahead: (value) => value === 'allow' || value === 'refuse',
  statementLockTimeoutMs: isMs,
  lockRetryMs: isMs,
  appVersion: isText,
  appliedBy: isText,
  backup: (value) => value === 'before',
  atomic: (value) => value === 'all',
}

const EXPECTED: Readonly<Record<keyof MigrationOptions, string>> = {
  dir: 'a folder', sources: 'a list of { service, dir } or { service, files }', seeds: 'a folder, or a list of { service, dir } or { service, files }', schema: 'a name', lockTimeoutMs: 'milliseconds, at least 0',
  allowOutOfOrder: "a list of versions, 3 or 'auth:3'", ahead: "'allow' or 'refuse'",
  statementLockTimeoutMs: 'milliseconds, at least 0', lockRetryMs: 'milliseconds, at least 0', appVersion: 'a text', appliedBy: 'a text',
  backup: "'before'", atomic: "'all'",
}

/**
 * Checks and completes.
 *
 * @throws ConfigError naming the option, what was expected and what came
 */
export function migrationConfig(options: MigrationOptions, defaults: MigrationSettings): MigrationConfig {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(KNOWN, name)) throw new ConfigError(`migrations.${name}: there is no such option`, { option: `migrations.${name}`, hint: `known: ${Object.keys(KNOWN).join(', ')}` })
    const key = name as keyof MigrationOptions
    if (value !== undefined && !KNOWN[key](value)) {
      throw new ConfigError(`migrations.${name}: expected ${EXPECTED[key]}, got ${typeof value === 'number' ? String(value) : `a ${typeof value}`}`, { option: `migrations.${name}` })
    }
  }
  const inherited = options.dir === undefined ? defaults.sources : undefined
  const sources = options.sources ?? inherited ?? [{ service: DEFAULT_SERVICE, dir: options.dir ?? defaults.dir }]
  const names = sources.map(({ service }) => service)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new ConfigError(`migrations.sources: the service '${twice}' is there twice`, { option: 'migrations.sources', hint: 'one folder for each service' })
  const seeds = options.seeds ?? defaults.seeds
  return {
    sources,
    seeds: seeds === undefined ? [] : typeof seeds === 'string' || seeds instanceof URL ? [{ service: sources[0]?.service ?? DEFAULT_SERVICE, dir: seeds }] : seeds,
    schema: options.schema ?? defaults.schema,
    lockTimeoutMs: options.lockTimeoutMs ?? defaults.lockTimeoutMs,
    allowOutOfOrder: new Set((options.allowOutOfOrder ?? []).map(String)),
    ahead: options.ahead,
    statementLockTimeoutMs: options.statementLockTimeoutMs ?? 300,
    lockRetryMs: options.lockRetryMs ?? 120_000,
    appVersion: options.appVersion,
    appliedBy: options.appliedBy,
    backup: options.backup,
    atomic: options.atomic,
  }
}

function isSource(value: unknown): boolean {
  const { service, dir, files } = (value ?? {}) as Record<string, unknown>
  const found = KNOWN.dir(dir) || (typeof files === 'object' && files !== null)
  return typeof service === 'string' && /^[^\s:]+$/.test(service) && found
}

function isMs(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
