import type { ClientConfig, CustomTypesConfig } from 'pg'
import type { ConnectSettings } from '../../core/driver.js'
import { ConfigError } from '../../core/errors.js'

/** What one connection attempt needs, read from the target's URL parameters and `driverOptions`. */
export interface PostgresOptions {
  /** Everything but address, login and TLS, for `new pg.Client`. */
  readonly client: ClientConfig
  /** Start-up `options` of the caller (`-c search_path=app`). */
  readonly startup: string | undefined
  /** The caller's own parsers: they win over the library's type policy. */
  readonly types: CustomTypesConfig | undefined
}

/** Shown in `pg_stat_activity` when the caller gives no name. */
const APPLICATION_NAME = 'sluice'

const KEEP_ALIVE_DELAY_MS = 30_000

/**
 * Reads URL parameters and `driverOptions`.
 *
 * `driverOptions.types` is `pg`'s `{ getTypeParser }`; it then decides about every type, and the `types` setting is not
 * asked.
 *
 * @throws ConfigError for a parameter it does not know, or an option that this driver sets itself
 */
export function readOptions(settings: ConnectSettings): PostgresOptions {
  const { target } = settings
  const { options, types, ...own } = target.driverOptions
  refuseOwned(own)
  const parameters = readParameters(target.parameters)
  return {
    client: {
      keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS, sslnegotiation: 'postgres',
      application_name: target.applicationName ?? APPLICATION_NAME,
      ...parameters.client, ...own,
    },
    startup: joined(parameters.startup, options),
    types: readTypes(types),
  }
}

function joined(first: string | undefined, second: unknown): string | undefined {
  if (second !== undefined && typeof second !== 'string') {
    throw wrong('driverOptions.options', 'a string such as \'-c search_path=app\'', typeof second)
  }
  return [first, second].filter((part) => part !== undefined && part !== '').join(' ') || undefined
}

/** Options of `pg` that would take a decision of this driver away, and what to use. */
const OWNED: Readonly<Record<string, string>> = {
  connectionString: 'the url option', host: 'the host option', port: 'the port option', user: 'the user option',
  password: 'the password option', database: 'the database option', ssl: 'the ssl option or sslmode',
  connectionTimeoutMillis: 'connectTimeoutMs', query_timeout: 'statementTimeoutMs',
  stream: 'nothing: the driver holds the socket', connection: 'nothing: the driver holds the connection',
  pipeline: 'nothing: the driver decides', Promise: 'nothing', binary: 'nothing: values travel as text',
  replication: 'nothing: replication connections are not supported',
}

function refuseOwned(own: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(own)) {
    const instead = Object.hasOwn(OWNED, name) ? OWNED[name] : undefined
    if (instead === undefined || own[name] === undefined) continue
    throw new ConfigError(`driverOptions.${name} is set by the driver itself; use ${instead}`, { option: `driverOptions.${name}` })
  }
}

function readTypes(types: unknown): CustomTypesConfig | undefined {
  if (types === undefined) return undefined
  if (typeof types === 'object' && types !== null && hasParser(types)) return types
  throw new ConfigError('driverOptions.types: expected { getTypeParser(oid, format) } as pg has it', {
    option: 'driverOptions.types', hint: 'for the form of 64-bit integers use types: { bigint: … }',
  })
}

function hasParser(types: object): types is CustomTypesConfig {
  return 'getTypeParser' in types && typeof types.getTypeParser === 'function'
}

/** What URL parameters come to. */
interface Parameters {
  client: ClientConfig
  startup: string | undefined
}

type Reader = (value: string, read: Parameters, name: string) => void

const PARAMETERS: Readonly<Record<string, Reader>> = {
  options: (value, read) => { read.startup = value },
  application_name: (value, read) => { read.client.application_name = value },
  fallback_application_name: (value, read) => { read.client.fallback_application_name = value },
  statement_timeout: (value, read, name) => { read.client.statement_timeout = whole(name, value) },
  lock_timeout: (value, read, name) => { read.client.lock_timeout = whole(name, value) },
  idle_in_transaction_session_timeout: (value, read, name) => {
    read.client.idle_in_transaction_session_timeout = whole(name, value)
  },
  keepalives: (value, read, name) => { read.client.keepAlive = oneOf(name, value, ['0', '1']) === '1' },
  keepalives_idle: (value, read, name) => { read.client.keepAliveInitialDelayMillis = whole(name, value) * 1000 },
  sslnegotiation: (value, read, name) => { read.client.sslnegotiation = oneOf<'postgres' | 'direct'>(name, value, ['postgres', 'direct']) },
  channel_binding: (value, read, name) => {
    read.client.enableChannelBinding = oneOf(name, value, ['disable', 'prefer']) === 'prefer'
  },
  client_encoding: (value, _, name) => { oneOf(name, value.toLowerCase(), ['utf8', 'utf-8', 'auto']) },
  gssencmode: (value, _, name) => { oneOf(name, value, ['disable', 'prefer']) },
  uselibpqcompat: (value, _, name) => { oneOf(name, value, ['true']) },
}

function readParameters(parameters: Readonly<Record<string, string>>): Parameters {
  const read: Parameters = { client: {}, startup: undefined }
  for (const [name, value] of Object.entries(parameters)) {
    const reader = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined
    if (!reader) {
      const known = `known: sslmode, sslrootcert, target_session_attrs, connect_timeout, … (docs/configuration.md), ${Object.keys(PARAMETERS).join(', ')}`
      throw new ConfigError(`unknown URL parameter '${name}'; ${known}`, {
        option: name, hint: 'server settings go into options, e.g. ?options=-c%20search_path%3Dapp',
      })
    }
    reader(value, read, name)
  }
  return read
}

function whole(name: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw wrong(name, 'a whole number', `'${value}'`)
}

function oneOf<Choice extends string>(name: string, value: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((each) => each === value)
  if (choice === undefined) throw wrong(name, choices.join(' or '), `'${value}'`)
  return choice
}

function wrong(option: string, expected: string, got: string): ConfigError {
  return new ConfigError(`${option}: expected ${expected}, got ${got}`, { option })
}
