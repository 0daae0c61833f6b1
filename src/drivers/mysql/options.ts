import type { ConnectSettings } from '../../core/driver.js'
import { ConfigError } from '../../core/errors.js'

/** What one connection attempt needs, read from the target's URL parameters and `driverOptions`. */
export interface MysqlOptions {
  /** Everything but address, login and TLS, for `mysql2`. */
  readonly client: Readonly<Record<string, unknown>>
  /** The session's time zone as an offset: `+00:00`. Dates are written in it, TIMESTAMP values are read in it. */
  readonly timezone: string
  /** Milliseconds of silence before the system probes the connection; 0 = never. */
  readonly keepAliveMs: number
}

const KEEP_ALIVE_MS = 30_000

/** Shown in the server's list of connection attributes when the caller gives no name. */
const APPLICATION_NAME = 'sluice'

/**
 * Reads URL parameters and `driverOptions`.
 *
 * @throws ConfigError for a parameter it does not know, or an option that this driver sets itself
 */
export function readOptions(settings: ConnectSettings): MysqlOptions {
  const { target } = settings
  const { timezone, connectAttributes, ...own } = target.driverOptions
  refuseOwned(own)
  const read: Parameters = { client: {}, timezone: undefined, keepAliveMs: undefined }
  for (const [name, value] of Object.entries(target.parameters)) readParameter(name, value, read)
  return {
    client: {
      // BIGINT as text whatever its size, DATE and DATETIME as the server writes them, JSON parsed by our own hand
      supportBigNumbers: true, bigNumberStrings: true, dateStrings: true, jsonStrings: true,
      connectTimeout: 0,
      // mysql2 asks for IGNORE_SPACE (reserves all function names) and LOCAL_FILES (lets a server ask for files)
      flags: ['-IGNORE_SPACE', '-ODBC', '-LOCAL_FILES'],
      connectAttributes: { program_name: target.applicationName ?? APPLICATION_NAME, ...attributes(connectAttributes) },
      ...read.client, ...own,
    },
    timezone: offset(read.timezone ?? timezone ?? 'Z'),
    keepAliveMs: read.keepAliveMs ?? KEEP_ALIVE_MS,
  }
}

function attributes(value: unknown): Record<string, unknown> {
  if (value === undefined) return {}
  if (typeof value === 'object' && value !== null) return { ...value }
  throw wrong('driverOptions.connectAttributes', 'an object of texts', typeof value)
}

/** Options of `mysql2` that would take a decision of this driver away, and what to use. */
const OWNED: Readonly<Record<string, string>> = {
  uri: 'the url option', host: 'the host option', port: 'the port option', socketPath: 'the host option (a path)',
  user: 'the user option', password: 'the password option', password1: 'the password option', database: 'the database option',
  ssl: 'the ssl option or sslmode', connectTimeout: 'connectTimeoutMs', stream: 'nothing: the driver holds the socket',
  supportBigNumbers: 'types: { bigint: … }', bigNumberStrings: 'types: { bigint: … }', dateStrings: 'nothing: dates arrive as text',
  jsonStrings: 'nothing: JSON arrives parsed', typeCast: 'nothing: the type policy is the library\'s',
  rowsAsArray: 'nothing: rows are objects', nestTables: 'nothing: rows are objects', queryFormat: 'nothing: the driver writes parameters',
  namedPlaceholders: 'the sql tag', stringifyObjects: 'nothing: objects travel as JSON', multipleStatements: 'db.batch()',
  maxPreparedStatements: 'maxPreparedStatements', enableKeepAlive: '?keepalives=0', keepAliveInitialDelay: '?keepalives_idle=',
  infileStreamFactory: 'nothing: servers may not ask for files', decimalNumbers: 'nothing: DECIMAL never loses digits',
  isServer: 'nothing', pool: 'the pool option', connectionLimit: 'pool.max', waitForConnections: 'pool.maxWaiting',
  queueLimit: 'pool.maxWaiting', maxIdle: 'pool.maxIdle', idleTimeout: 'pool.idleTimeoutMs', resetOnRelease: 'nothing',
  flags: 'nothing: the driver chooses the protocol\'s capabilities', debug: 'the logger option', trace: 'nothing', Promise: 'nothing',
}

function refuseOwned(own: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(own)) {
    const instead = Object.hasOwn(OWNED, name) ? OWNED[name] : undefined
    if (instead === undefined || own[name] === undefined) continue
    throw new ConfigError(`driverOptions.${name} is set by the driver itself; use ${instead}`, { option: `driverOptions.${name}` })
  }
}

/** What URL parameters come to. */
interface Parameters {
  client: Record<string, unknown>
  timezone: string | undefined
  keepAliveMs: number | undefined
}

type Reader = (value: string, read: Parameters, name: string) => void

/** Connectors of other languages append these by habit; they mean nothing here, or what holds anyway. */
const SAME_ANYWAY: Readonly<Record<string, readonly string[]>> = {
  charset: ['utf8mb4', 'utf8'], characterEncoding: ['utf8', 'UTF-8', 'utf8mb4'], useUnicode: ['true'], parseTime: ['true', 'false'],
  supportBigNumbers: ['true'], bigNumberStrings: ['true'], dateStrings: ['true'],
}

const PARAMETERS: Readonly<Record<string, Reader>> = {
  timezone: (value, read) => { read.timezone = value },
  serverTimezone: (value, read) => { read.timezone = value },
  collation: (value, read) => { read.client['charset'] = value },
  compress: (value, read, name) => { read.client['compress'] = oneOf(name, value, ['true', 'false']) === 'true' },
  keepalives: (value, read, name) => { if (oneOf(name, value, ['0', '1']) === '0') read.keepAliveMs = 0 },
  keepalives_idle: (value, read, name) => { read.keepAliveMs ??= whole(name, value) * 1000 },
}

function readParameter(name: string, value: string, read: Parameters): void {
  const reader = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined
  if (reader) return void reader(value, read, name)
  const accepted = Object.hasOwn(SAME_ANYWAY, name) ? SAME_ANYWAY[name] : undefined
  if (accepted) return void oneOf(name, value, accepted)
  const known = `known: sslmode (ssl-mode), sslrootcert, connect_timeout, … (docs/configuration.md), ${Object.keys(PARAMETERS).join(', ')}`
  throw new ConfigError(`unknown URL parameter '${name}'; ${known}`, {
    option: name, hint: 'options of mysql2 go into driverOptions; server variables are set with db.connection()',
  })
}

/** `Z`, `UTC` or `+05:30`, as an offset MySQL takes: named zones need tables that many servers do not have. */
function offset(value: unknown): string {
  if (typeof value === 'string') {
    const text = value.trim().toUpperCase()
    if (text === 'Z' || text === 'UTC' || text === 'GMT') return '+00:00'
    // a plus sign in a URL may have been read as a space
    const match = /^([+-]?)(\d\d):(\d\d)$/.exec(text)
    if (match && Number(match[2]) <= 14 && Number(match[3]) <= 59) return `${match[1] === '-' ? '-' : '+'}${match[2] ?? ''}:${match[3] ?? ''}`
  }
  throw wrong('timezone', "'Z' or an offset such as '+05:30'", typeof value === 'string' ? `'${value}'` : typeof value)
}

function whole(name: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw wrong(name, 'a whole number', `'${value}'`)
}

function oneOf(name: string, value: string, choices: readonly string[]): string {
  const choice = choices.find((each) => each === value)
  if (choice === undefined) throw wrong(name, choices.join(' or '), `'${value}'`)
  return choice
}

function wrong(option: string, expected: string, got: string): ConfigError {
  return new ConfigError(`${option}: expected ${expected}, got ${got}`, { option })
}
