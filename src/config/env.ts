import { schemeNamed } from './draft.js'
import { parseDuration } from './duration.js'
import { MAX_TIMER_MS, quoted } from './fields.js'
import type { BackupOptions, DatabaseOptions, NodeOptions } from './options.js'
import { describeGot, oneProblem, type Origins } from './problem.js'
import { SSL_MODES } from './schema.js'
import { nearest } from './suggest.js'
import { bracketed, parseHosts, splitUrls } from './url.js'

/** Names and values of environment variables. An empty value counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of this process: the one place of the library that reads it. */
export function environment(): Environment {
  return process.env
}

/** Options as the environment says them, and which variable said what. */
export interface EnvironmentOptions {
  readonly options: DatabaseOptions
  readonly origins: Origins
}

/**
 * Reads `DATABASE_URL`, `DATABASE_REPLICA_URLS`, the `DB_*` family and `BACKUP_DIR` with its companions. With
 * `DATABASE_URL` set, the addresses of the `DB_*` family (driver, host, port, user, password, name, TLS, replicas) are
 * passed over as a whole; its limits still count.
 *
 * @throws ConfigError naming the variable
 */
export function optionsFromEnvironment(env: Environment): EnvironmentOptions {
  const reader = new Reader(env)
  const url = reader.text('DATABASE_URL', 'primary')
  const family = url === undefined ? familyServers(reader) : {}
  const replicaUrls = reader.text('DATABASE_REPLICA_URLS', 'replicas')
  const replicas = replicaUrls === undefined ? family.replicas : splitUrls(replicaUrls)
  replicas?.forEach((_, index) => {
    reader.origins.set(`replicas.${String(index)}`, replicaUrls === undefined ? 'DB_REPLICA_HOSTS' : 'DATABASE_REPLICA_URLS')
  })
  const options: DatabaseOptions = {
    primary: url ?? family.primary,
    replicas,
    pool: {
      max: reader.whole('DB_MAX_OPEN_CONNS', 'pool.max'),
      maxIdle: reader.whole('DB_MAX_IDLE_CONNS', 'pool.maxIdle'),
      maxLifetimeMs: reader.durationMs('DB_CONN_MAX_LIFETIME', 'pool.maxLifetimeMs'),
      idleTimeoutMs: reader.durationMs('DB_CONN_MAX_IDLE_TIME', 'pool.idleTimeoutMs'),
    },
    statementTimeoutMs: reader.durationMs('DB_STATEMENT_TIMEOUT', 'statementTimeoutMs'),
    connectTimeoutMs: reader.durationMs('DB_CONNECT_TIMEOUT', 'connectTimeoutMs'),
    backup: backupOptions(reader),
  }
  return { options, origins: reader.origins }
}

interface FamilyServers {
  readonly primary?: NodeOptions | undefined
  readonly replicas?: NodeOptions[] | undefined
}

function familyServers(reader: Reader): FamilyServers {
  const driver = reader.text('DB_DRIVER', 'primary.engine')
  const host = reader.text('DB_HOST', 'primary.hosts')
  const port = reader.port('DB_PORT')
  const database = reader.text('DB_NAME', 'primary.database')
  const user = reader.text('DB_USER', 'primary.user')
  const password = reader.text('DB_PASSWORD', 'primary.password') ?? reader.text('PGPASSWORD', 'primary.password')
  if (host === undefined && database === undefined && user === undefined) return {}
  const primary: NodeOptions = {
    engine: driver === undefined ? undefined : schemeNamed(driver),
    ...(host === undefined ? { port } : { hosts: hostTexts(bracketed(host), 'DB_HOST', port) }),
    user, password, database, ssl: reader.sslMode('DB_SSLMODE'),
  }
  const replicaHosts = reader.text('DB_REPLICA_HOSTS', 'replicas')
  const replicas = replicaHosts === undefined ? undefined
    : hostTexts(replicaHosts, 'DB_REPLICA_HOSTS', port).map((text): NodeOptions => ({ hosts: [text] }))
  return { primary, replicas }
}

function hostTexts(list: string, name: string, defaultPort: number | undefined): string[] {
  if (list.includes('://')) throw oneProblem(name, 'a host name', 'a URL', 'URLs go into DATABASE_URL and DATABASE_REPLICA_URLS')
  return parseHosts(list, name).map(({ host, port = defaultPort }) =>
    `${host.includes(':') ? `[${host}]` : encodeURIComponent(host)}${port === undefined ? '' : `:${String(port)}`}`)
}

/** The companions have common names: they only count beside `BACKUP_DIR`. */
function backupOptions(reader: Reader): BackupOptions | undefined {
  const dir = reader.text('BACKUP_DIR', 'backup.location')
  if (dir === undefined) return undefined
  return {
    location: /^[a-z0-9]+:/i.test(dir) ? dir : `file:${dir}`,
    retentionDays: reader.whole('RETENTION_DAYS', 'backup.retentionDays'),
    compression: reader.flag('COMPRESSION', 'backup.compression'),
    parallelJobs: reader.whole('PARALLEL_JOBS', 'backup.parallelJobs'),
  }
}

/** Typed access to variables; remembers which option each one became. */
class Reader {
  readonly origins = new Map<string, string>()
  readonly #env: Environment

  constructor(env: Environment) { this.#env = env }

  text(name: string, option: string): string | undefined {
    const value = this.#env[name]
    if (value === undefined || value === '') return undefined
    this.origins.set(option, name)
    return value
  }

  whole(name: string, option: string): number | undefined {
    const text = this.text(name, option)?.trim()
    if (text === undefined) return undefined
    if (!/^\d{1,15}$/.test(text)) throw oneProblem(name, 'a whole number', describeGot(text, true), `for example ${name}=10`)
    return Number(text)
  }

  port(name: string): number | undefined {
    const port = this.whole(name, 'primary.port')
    if (port === undefined || (port >= 1 && port <= 65_535)) return port
    throw oneProblem(name, 'a port from 1 to 65535', String(port))
  }

  durationMs(name: string, option: string): number | undefined {
    const text = this.text(name, option)
    if (text === undefined) return undefined
    const ms = parseDuration(text)
    if (ms === undefined) {
      throw oneProblem(name, "a duration with its unit ('30s', '5m', '100ms', '1h30m')", describeGot(text.trim(), true), `for example ${name}=30s; 0 = no limit`)
    }
    if (ms > MAX_TIMER_MS) throw oneProblem(name, 'a duration up to 24 days', describeGot(text.trim(), true), '0 = no limit')
    return ms
  }

  flag(name: string, option: string): boolean | undefined {
    const text = this.text(name, option)?.trim().toLowerCase()
    if (text === undefined) return undefined
    if (['true', '1', 'yes', 'on'].includes(text)) return true
    if (['false', '0', 'no', 'off'].includes(text)) return false
    throw oneProblem(name, 'true or false', describeGot(text, true))
  }

  sslMode(name: string): (typeof SSL_MODES)[number] | undefined {
    const text = this.text(name, 'primary.ssl')?.trim()
    if (text === undefined) return undefined
    const mode = SSL_MODES.find((one) => one === text)
    if (mode !== undefined) return mode
    const near = nearest(text, SSL_MODES)
    throw oneProblem(name, `one of ${quoted(SSL_MODES)}`, describeGot(text, true), near === undefined ? undefined : `did you mean '${near}'?`)
  }
}
