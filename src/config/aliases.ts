import { DEFAULTS } from './defaults.js'

/**
 * How a value in a file becomes an option's value.
 *
 * - `ms`: a bare number is milliseconds; `seconds`: a bare number is seconds; both take texts like `30s`
 * - `word`: `round_robin` is `round-robin`
 * - `scheme`: `sqlite3`, `pgx` are engines by their clients' names
 * - `ignored`: describes what is, and asks for nothing
 */
export type Kind =
  | 'as-is' | 'number' | 'flag' | 'ms' | 'seconds' | 'word' | 'scheme' | 'server' | 'servers' | 'ignored'
  | 'reads-flag' | 'pre-ping' | 'recycle'

/** What one name in a file means. */
export interface Meaning {
  /** Path of the option; undefined = only a section may stand here. */
  readonly to?: string
  readonly as?: Kind
  /** Names inside, when the value is an object. */
  readonly section?: () => Section
}

/** Names in camelCase (the file may write snake_case or kebab-case) and their meanings. */
export type Section = Readonly<Record<string, Meaning>>

// Every option under its own name, and every option in milliseconds also without the unit: then in seconds.
function ownNames(section: string, defaults: object, numbers: readonly string[] = []): Section {
  const meanings: Record<string, Meaning> = {}
  for (const [name, value] of Object.entries(defaults)) {
    const to = section === '' ? name : `${section}.${name}`
    meanings[name] = { to, as: kindOf(name, value, numbers) }
    if (name.endsWith('Ms')) meanings[name.slice(0, -2)] = { to, as: 'seconds' }
  }
  return meanings
}

function kindOf(name: string, value: unknown, numbers: readonly string[]): Kind {
  if (name.endsWith('Ms')) return 'ms'
  if (typeof value === 'number' || numbers.includes(name)) return 'number'
  return typeof value === 'boolean' ? 'flag' : 'as-is'
}

const enabled = (to: string): Section => ({ enabled: { to, as: 'flag' } })

const READ_REPLICAS: Section = {
  enabled: { to: 'routing.reads', as: 'reads-flag' },
  strategy: { to: 'routing.strategy', as: 'word' },
  maxLag: { to: 'routing.maxReplicationLagMs', as: 'seconds' },
  maxLagMs: { to: 'routing.maxReplicationLagMs', as: 'ms' },
  maxLagBytes: { to: 'routing.maxReplicationLagBytes', as: 'number' },
  urls: { to: 'replicas', as: 'servers' },
  hosts: { to: 'replicas', as: 'servers' },
}

const POOL: Section = {
  ...ownNames('pool', DEFAULTS.pool, ['maxIdle']),
  minConnections: { to: 'pool.min', as: 'number' },
  minIdle: { to: 'pool.min', as: 'number' },
  maxConnections: { to: 'pool.max', as: 'number' },
  maxOpen: { to: 'pool.max', as: 'number' },
  size: { to: 'pool.max', as: 'number' },
  maxIdleConnections: { to: 'pool.maxIdle', as: 'number' },
  // HikariCP's name for the wait for a free connection.
  connectionTimeout: { to: 'pool.acquireTimeoutMs', as: 'seconds' },
  connectionTimeoutMs: { to: 'pool.acquireTimeoutMs', as: 'ms' },
  readReplicas: { to: 'replicas', as: 'servers', section: () => READ_REPLICAS },
}

const ROUTING: Section = {
  ...ownNames('routing', DEFAULTS.routing, ['maxReplicationLagBytes']),
  strategy: { to: 'routing.strategy', as: 'word' },
  maxLag: { to: 'routing.maxReplicationLagMs', as: 'seconds' },
  ejection: { to: 'routing.ejection', as: 'flag', section: () => ownNames('routing.ejection', DEFAULTS.routing.ejection) },
  fallbackToPrimary: { to: 'routing.fallbackToPrimary', as: 'flag', section: () => ({ maxShare: { to: 'routing.fallbackToPrimary.maxShare', as: 'number' } }) },
}

const CACHE: Section = {
  ...ownNames('cache', DEFAULTS.cache, ['maxBytes']),
  ...enabled('cache.enabled'),
  size: { to: 'cache.max', as: 'number' },
  maxEntries: { to: 'cache.max', as: 'number' },
  staleWhileRevalidate: { to: 'cache.swrMs', as: 'seconds' },
}

const SNAPSHOT: Section = {
  type: { as: 'ignored' },
  compression: { to: 'backup.compression', as: 'flag' },
  verify: { to: 'backup.verify', as: 'flag' },
}

const ENCRYPTION: Section = {
  enabled: { to: 'backup.encryption', as: 'flag' },
  key: { to: 'backup.encryption.key' },
  recipients: { to: 'backup.encryption.recipients' },
  identities: { to: 'backup.encryption.identities' },
  passphrase: { to: 'backup.encryption.passphrase' },
}

const BACKUP: Section = {
  ...ownNames('backup', DEFAULTS.backup, ['retentionDays']),
  retention: { to: 'backup.retentionDays', as: 'number' },
  dir: { to: 'backup.location' },
  encryption: { to: 'backup.encryption', as: 'flag', section: () => ENCRYPTION },
  encryptionKey: { to: 'backup.encryption.key' },
  recipients: { to: 'backup.encryption.recipients' },
  identities: { to: 'backup.encryption.identities' },
  schedule: { to: 'backup.schedule', section: () => ({ cron: { to: 'backup.schedule.cron' }, timezone: { to: 'backup.schedule.timezone' } }) },
  snapshot: { section: () => SNAPSHOT },
  keep: { to: 'backup.keep', section: () => ownNames('backup.keep', DEFAULTS.backup.keep) },
}

const ENGINE: Section = {
  type: { to: 'primary.engine', as: 'scheme' },
  name: { to: 'primary.engine', as: 'scheme' },
  version: { as: 'ignored' },
  extensions: { as: 'ignored' },
}

const SERVER_NAMES: Readonly<Record<string, readonly [name: string, as: Kind]>> = {
  url: ['url', 'as-is'], dsn: ['url', 'as-is'], datasource: ['url', 'as-is'], connectionString: ['url', 'as-is'],
  engine: ['engine', 'scheme'], driver: ['engine', 'scheme'],
  host: ['host', 'as-is'], port: ['port', 'number'], hosts: ['hosts', 'as-is'],
  user: ['user', 'as-is'], username: ['user', 'as-is'], password: ['password', 'as-is'],
  database: ['database', 'as-is'], dbname: ['database', 'as-is'],
  ssl: ['ssl', 'as-is'], sslmode: ['ssl', 'word'], sslMode: ['ssl', 'word'], targetSessionAttrs: ['targetSessionAttrs', 'word'],
  applicationName: ['applicationName', 'as-is'], parameters: ['parameters', 'as-is'], weight: ['weight', 'number'], zone: ['zone', 'as-is'],
}

function serverNames(prefix: string): Section {
  const tls: Section = {
    mode: { to: `${prefix}ssl.mode`, as: 'word' }, ca: { to: `${prefix}ssl.ca` }, cert: { to: `${prefix}ssl.cert` },
    key: { to: `${prefix}ssl.key` }, passphrase: { to: `${prefix}ssl.passphrase` }, serverName: { to: `${prefix}ssl.serverName` },
  }
  const entries = Object.entries(SERVER_NAMES).map(([name, [to, as]]): [string, Meaning] => [name, { to: prefix + to, as }])
  return { ...Object.fromEntries(entries), ssl: { to: `${prefix}ssl`, as: 'flag', section: () => tls } }
}

/** Names inside an object that describes one server. */
export const SERVER: Section = {
  ...serverNames(''), name: { to: 'name' }, driverOptions: { to: 'driverOptions' },
}

const {
  pool: _pool, routing: _routing, consistency, cache: _cache, health, retry, idempotency, types, metrics, alerts, migrations, backup: _backup, ...single
} = DEFAULTS

const RETRY: Section = {
  ...ownNames('retry', retry), ...ownNames('retry', { timeoutMs: 0, maxAttempts: 0 }),
  backoff: { section: () => ownNames('retry.backoff', { baseDelayMs: 0, maxDelayMs: 0 }) },
}

/** Names at the top of a file, inside `database:`, and inside each entry of `dbs:`. */
export const DATABASE: Section = {
  ...serverNames('primary.'),
  ...ownNames('', single),
  primary: { to: 'primary', as: 'server' },
  replicas: { to: 'replicas', as: 'servers' },
  readReplicas: { to: 'replicas', as: 'servers', section: () => READ_REPLICAS },
  directUrl: { to: 'directUrl', as: 'server' },
  driverOptions: { to: 'driverOptions' },
  database: { to: 'primary.database', section: () => DATABASE },
  engine: { to: 'primary.engine', as: 'scheme', section: () => ENGINE },
  pool: { section: () => POOL },
  connectionPool: { section: () => POOL },
  routing: { section: () => ROUTING },
  consistency: { section: () => ownNames('consistency', consistency) },
  cache: { to: 'cache', as: 'flag', section: () => CACHE },
  health: { section: () => ownNames('health', health) },
  retry: { section: () => RETRY },
  idempotency: { section: () => ownNames('idempotency', idempotency) },
  types: { section: () => ownNames('types', types) },
  metrics: { to: 'metrics', as: 'flag', section: () => ({ ...ownNames('metrics', metrics), ...enabled('metrics.enabled') }) },
  alerts: { section: () => ownNames('alerts', alerts) },
  migrations: { section: () => ownNames('migrations', migrations) },
  backup: { section: () => BACKUP },
  // SQLAlchemy's names for an engine's pool.
  poolSize: { to: 'pool.max', as: 'number' },
  maxOverflow: { to: 'pool.maxOverflow', as: 'number' },
  poolTimeout: { to: 'pool.acquireTimeoutMs', as: 'seconds' },
  poolRecycle: { to: 'pool.maxLifetimeMs', as: 'recycle' },
  poolPrePing: { to: 'pool.validation', as: 'pre-ping' },
  createDb: { to: 'createIfMissing', as: 'flag' },
  readonly: { to: 'readOnly', as: 'flag' },
}
