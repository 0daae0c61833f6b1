import { ConfigError } from '../core/errors.js'
import { checkOptions } from './check.js'
import { DEFAULTS } from './defaults.js'
import { engineOf, type KnownScheme, type ServerDraft } from './draft.js'
import { environment, optionsFromEnvironment, type Environment } from './env.js'
import { frozen } from './frozen.js'
import { completeNode, draftServer, hasAddress, inherit, knownScheme, type NodeDefaults } from './node.js'
import type { BackupOptions, DatabaseOptions, NodeOptions } from './options.js'
import { oneProblem, type Origins } from './problem.js'
import type { BackupSettings, ResolvedNode, ResolvedOptions } from './resolved.js'
import { retrySettings } from './retry.js'
import { defined, expandShorthands } from './shorthands.js'

export type { KnownScheme } from './draft.js'

/**
 * Parses, checks, completes and freezes the options of one database. Synchronous; opens nothing (only PEM files of TLS
 * settings are read). Without a primary that names an address, the servers come from the environment, and the limits
 * set there hold where the options say nothing.
 *
 * @param schemes - the registered drivers' schemes
 * @throws ConfigError naming the option or variable, what was expected and what came; UnknownEngineError
 */
export function resolveOptions(
  input: string | DatabaseOptions | undefined, schemes: readonly KnownScheme[], env: Environment = environment(),
): ResolvedOptions {
  const given = expandShorthands(typeof input === 'string' ? { primary: input } : input ?? {})
  checkOptions(given)
  const ownDraft = given.primary === undefined ? undefined : draftServer(given.primary, 'primary', schemes)
  if (ownDraft !== undefined && hasAddress(ownDraft)) return resolved(given, ownDraft, NO_ORIGINS, schemes)
  const fromEnv = optionsFromEnvironment(env)
  const options = expandShorthands(over(given, fromEnv.options))
  checkOptions(options, fromEnv.origins)
  const draft = draftFromEnvironment(fromEnv.options.primary, ownDraft, fromEnv.origins, schemes)
  return resolved(options, draft, fromEnv.origins, schemes)
}

const NO_ORIGINS: Origins = new Map()

/** Options over the environment's: section by section, option by option. */
function over(given: DatabaseOptions, fromEnv: DatabaseOptions): DatabaseOptions {
  return {
    ...defined(fromEnv), ...defined(given),
    pool: { ...defined(fromEnv.pool), ...defined(given.pool) },
    ...(given.backup ?? fromEnv.backup ? { backup: { ...defined(fromEnv.backup), ...defined(given.backup) } } : {}),
  }
}

function draftFromEnvironment(
  primary: string | NodeOptions | undefined, own: ServerDraft | undefined, origins: Origins, schemes: readonly KnownScheme[],
): ServerDraft {
  if (primary === undefined) {
    throw new ConfigError('no database is configured: set DATABASE_URL (postgres://user:password@host:5432/database) or pass `primary`; '
      + 'embedded databases need no server: sqlite:app.db or pglite:./data', {
      option: 'primary', hint: 'the DB_* variables work too: DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME',
    })
  }
  const draft = draftServer(primary, origins.get('primary') ?? 'DB_HOST', schemes)
  if (own === undefined) return draft
  if (own.scheme !== undefined && engineOf(knownScheme(own, schemes)) !== engineOf(knownScheme(draft, schemes))) {
    throw oneProblem(origins.get('primary') ?? 'DB_DRIVER', `a server of the configured engine (${own.scheme})`, knownScheme(draft, schemes).scheme)
  }
  return {
    ...draft, ...defined(own), hosts: draft.hosts, scheme: draft.scheme ?? own.scheme,
    parameters: { ...draft.parameters, ...own.parameters },
  }
}

function resolved(options: DatabaseOptions, primary: ServerDraft, origins: Origins, schemes: readonly KnownScheme[]): ResolvedOptions {
  const known = knownScheme(primary, schemes)
  const defaults: NodeDefaults = {
    connectTimeoutMs: options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs, driverOptions: options.driverOptions ?? {},
  }
  const primaryNode = completeNode(primary, origins.get('primary') ?? 'primary', known, defaults)
  const follow = (server: string | NodeOptions, path: string): ResolvedNode => {
    const name = origins.get(path) ?? path
    const draft = draftServer(server, name, schemes)
    const scheme = draft.scheme === undefined ? known : knownScheme(draft, schemes)
    if (engineOf(scheme) !== engineOf(known)) {
      throw oneProblem(name, `a server of the primary's engine (${known.scheme})`, scheme.scheme, 'one database has one engine; open a second Database for the other')
    }
    if (!hasAddress(draft)) throw oneProblem(name, 'the address of a server', 'none', `give ${path}.host`)
    return completeNode(inherit(draft, primary), name, scheme, defaults)
  }
  const replicas = (options.replicas ?? []).map((replica, index) => follow(replica, `replicas.${String(index)}`))
  refuseSameNames([primaryNode, ...replicas], origins)
  const direct = options.directUrl === undefined ? undefined : follow(options.directUrl, 'directUrl')
  return frozen({
    ...settings(options), primary: primaryNode, replicas, direct, connectTimeoutMs: primaryNode.connectTimeoutMs,
  })
}

function refuseSameNames(nodes: readonly ResolvedNode[], origins: Origins): void {
  const seen = new Map<string, string>()
  nodes.forEach(({ name }, index) => {
    const path = index === 0 ? 'primary' : `replicas.${String(index - 1)}`
    const first = seen.get(name)
    if (first !== undefined) {
      throw oneProblem(origins.get(path) ?? path, `another server than ${first}`, `the same one ('${name}')`, 'leave it out, or give each a name of its own with the `name` option')
    }
    seen.set(name, path)
  })
}

function settings(options: DatabaseOptions): Omit<ResolvedOptions, 'primary' | 'replicas' | 'direct'> {
  const { primary: _primary, replicas: _replicas, directUrl: _direct, driverOptions: _driver, cache, ...rest } = options
  const { enabled: cacheEnabled = true, ...cacheSettings } = typeof cache === 'object' ? cache : {}
  const { backup, routing } = rest
  return {
    ...DEFAULTS,
    ...defined({ ...rest, backup: undefined, routing: undefined }) as Partial<ResolvedOptions>,
    pool: poolSettings(options.pool),
    routing: {
      ...DEFAULTS.routing, ...defined(routing),
      ejection: { ...DEFAULTS.routing.ejection, ...(typeof routing?.ejection === 'object' ? defined(routing.ejection) : {}) },
    } as ResolvedOptions['routing'],
    consistency: { ...DEFAULTS.consistency, ...defined(options.consistency) },
    cache: cacheEnabled ? { ...DEFAULTS.cache, ...defined(cacheSettings) } : undefined,
    health: { ...DEFAULTS.health, ...defined(options.health) },
    retry: retrySettings(options.retry),
    ...(options.statementTimeoutMs === undefined && options.retry?.timeoutMs !== undefined ? { statementTimeoutMs: options.retry.timeoutMs } : {}),
    idempotency: { ...DEFAULTS.idempotency, ...defined(options.idempotency) },
    types: { ...DEFAULTS.types, ...defined(options.types) },
    metrics: { ...DEFAULTS.metrics, ...(typeof options.metrics === 'object' ? defined(options.metrics) : {}) },
    alerts: { ...DEFAULTS.alerts, ...defined(options.alerts) },
    migrations: { ...DEFAULTS.migrations, ...defined(options.migrations) },
    backup: backupSettings(backup),
  }
}

/** Lifetimes shorter than usual get less jitter than usual: a tenth, unless it is given. */
function poolSettings(given: DatabaseOptions['pool']): ResolvedOptions['pool'] {
  const pool = { ...DEFAULTS.pool, ...defined(given) }
  if (given?.maxLifetimeJitterMs !== undefined) return pool
  return { ...pool, maxLifetimeJitterMs: Math.min(pool.maxLifetimeJitterMs, Math.floor(pool.maxLifetimeMs / 10)) }
}

/**
 * Checks and completes the options of a backup manager that is made by itself.
 *
 * @throws ConfigError naming the option
 */
export function resolveBackup(given: BackupOptions): BackupSettings {
  const expanded = expandShorthands({ backup: given })
  checkOptions(expanded)
  return frozen(backupSettings(expanded.backup))
}

function backupSettings(given: DatabaseOptions['backup']): ResolvedOptions['backup'] {
  const { encryption, schedule, keep, ...rest } = given ?? {}
  return {
    ...DEFAULTS.backup,
    ...defined(rest),
    keep: { ...DEFAULTS.backup.keep, ...defined(keep) },
    encryption: typeof encryption !== 'object' ? undefined
      : { recipients: encryption.recipients ?? [], identities: encryption.identities ?? [], passphrase: encryption.passphrase },
    schedule: typeof schedule !== 'object' ? undefined : { cron: schedule.cron, timezone: schedule.timezone ?? 'UTC' },
  }
}
