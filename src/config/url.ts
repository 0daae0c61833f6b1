import type { SslMode, TargetSessionAttrs } from '../core/driver.js'
import { UnknownEngineError } from '../core/errors.js'
import type { HostDraft, KnownScheme, ServerDraft } from './draft.js'
import { quoted } from './fields.js'
import type { TlsOptions } from './options.js'
import { describeGot, oneProblem } from './problem.js'
import { SESSION_ATTRS, SSL_MODES } from './schema.js'

const URL_SHAPE = 'a URL like postgres://user:password@host:5432/database'
const ESCAPE_HINT = 'in user, password and database write @ as %40, / as %2F, : as %3A, ? as %3F, % as %25'

/**
 * Reads a server's URL. libpq's rules for PostgreSQL and every other networked engine (several hosts, IPv6 in
 * brackets, percent-encoding anywhere, parameters; source: PostgreSQL manual, "Connection URIs"), the file after the
 * colon for embedded ones. Messages never repeat a piece of the URL that could be a password: where an unescaped
 * character splits the password, any piece could be.
 *
 * @param path - option or variable to name in errors
 * @throws ConfigError, UnknownEngineError
 */
export function parseServerUrl(url: string, path: string, schemes: readonly KnownScheme[]): ServerDraft {
  const match = /^\s*([a-z][a-z0-9.-]*)(\+[a-z0-9.+-]+)?:([^]*?)\s*$/i.exec(url)
  if (match === null) throw oneProblem(path, URL_SHAPE, 'a text without a scheme', `known schemes: ${schemes.map((known) => `${known.scheme}:`).join(' ')}`)
  // SQLAlchemy's `postgresql+psycopg2:` names its client after the plus sign; the engine is what matters.
  const scheme = (match[1] ?? '').toLowerCase()
  const known = schemes.find((one) => one.scheme === scheme)
  if (known === undefined) throw new UnknownEngineError(scheme, schemes.map((one) => one.scheme))
  const rest = match[3] ?? ''
  if (known.embedded) return parseEmbedded(scheme, rest, path)
  if (!rest.startsWith('//')) throw oneProblem(path, URL_SHAPE, `a text without // after '${scheme}:'`)
  return parseNetworked(scheme, rest.slice(2), path)
}

/** Splits `url1,url2` at commas before a scheme only: a multi-host URL holds commas itself. */
export function splitUrls(list: string): string[] {
  return list.split(/,(?=\s*(?:(?:sqlite|file|pglite):|[a-z][a-z0-9+.-]*:\/\/))/i).map((url) => url.trim()).filter((url) => url !== '')
}

function parseEmbedded(scheme: string, rest: string, path: string): ServerDraft {
  const [file = '', ...query] = rest.split('?')
  const database = decode(file === '//memory' ? ':memory:' : file.replace(/^\/\//, ''), path)
  if (database === '') throw oneProblem(path, `a file, or :memory:, after '${scheme}:'`, 'none', `for example ${scheme}:app.db or ${scheme}::memory:`)
  return { scheme, hosts: [], database, parameters: Object.fromEntries(parseQuery(query.join('?'), path)) }
}

function parseNetworked(scheme: string, rest: string, path: string): ServerDraft {
  const end = rest.search(/[/?]/)
  const authority = end === -1 ? rest : rest.slice(0, end)
  const tail = end === -1 ? '' : rest.slice(end)
  const at = authority.lastIndexOf('@')
  const [user, password] = splitUserInfo(at === -1 ? '' : authority.slice(0, at), path)
  const [databaseText = '', ...query] = tail.split('?')
  const databasePath = databaseText.replace(/^\//, '')
  if (databasePath.includes('@')) {
    throw oneProblem(path, URL_SHAPE, "one with an unescaped '@' after its first '/'", ESCAPE_HINT)
  }
  const hosts = parseHosts(authority.slice(at + 1), path)
  const inUrl = {
    scheme, hosts, parameters: {}, user, password,
    database: databasePath === '' ? undefined : decode(databasePath, path),
  }
  return withParameters(inUrl, parseQuery(query.join('?'), path), path)
}

function splitUserInfo(userInfo: string, path: string): [user: string | undefined, password: string | undefined] {
  const colon = userInfo.indexOf(':')
  const user = colon === -1 ? userInfo : userInfo.slice(0, colon)
  const password = colon === -1 ? undefined : decode(userInfo.slice(colon + 1), path)
  return [user === '' ? undefined : decode(user, path), password]
}

function decode(text: string, path: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw oneProblem(path, 'a URL whose % signs are followed by two hex digits', 'one with a lone %', ESCAPE_HINT)
  }
}

/** `a:5432,b,[::1]:5433`, also of one address. Empty text: no address given. */
export function parseHosts(list: string, path: string): HostDraft[] {
  if (list === '') return []
  return list.split(',').map((text) => parseHost(text.trim(), path))
}

function parseHost(text: string, path: string): HostDraft {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text)
  if (match === null) throw oneProblem(path, 'addresses like host:5432 or [::1]:5432', 'one that is neither', `${ESCAPE_HINT}; put IPv6 addresses in brackets`)
  const host = decode(match[1] ?? match[2] ?? '', path)
  // libpq takes an empty host for its default; inside a list it is more likely a slip.
  if (host === '' && match[3] === undefined) throw oneProblem(path, 'a host between the commas', 'none')
  if (/[\s@?#]/.test(host)) throw oneProblem(path, 'a host name, an address or a socket folder', 'one with a character no host has', ESCAPE_HINT)
  return { host: host === '' ? 'localhost' : host, port: parsePort(match[3], path) }
}

function parsePort(text: string | undefined, path: string): number | undefined {
  if (text === undefined || text === '') return undefined
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw oneProblem(path, 'a port from 1 to 65535', 'something else after the host', ESCAPE_HINT)
  return port
}

function parseQuery(query: string, path: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    if (equals < 1) throw oneProblem(path, 'parameters like ?name=value&name=value', "one without a name or without '='", ESCAPE_HINT)
    parameters.set(decode(pair.slice(0, equals), path), decode(pair.slice(equals + 1), path))
  }
  return parameters
}

function withParameters(draft: ServerDraft, query: Map<string, string>, path: string): ServerDraft {
  const take = (name: string): string | undefined => {
    const value = query.get(name)
    query.delete(name)
    return value === '' ? undefined : value
  }
  // Without these parameters the meaning is libpq's anyway; node-postgres needs to be asked for it.
  take('uselibpqcompat')
  const completed = {
    ...draft,
    hosts: hostsFrom(draft.hosts, take('host'), take('port'), path),
    user: take('user') ?? draft.user,
    password: take('password') ?? draft.password,
    database: take('dbname') ?? draft.database,
    targetSessionAttrs: oneOf<TargetSessionAttrs>(SESSION_ATTRS, take('target_session_attrs'), `${path} (target_session_attrs)`),
    tls: tlsFrom(take, path),
    applicationName: take('application_name'),
    connectTimeoutMs: seconds(take('connect_timeout'), `${path} (connect_timeout)`),
  }
  // A URL without a host is one of this machine, not one to be completed from elsewhere.
  const hosts = completed.hosts.length === 0 ? [{ host: 'localhost', port: undefined }] : completed.hosts
  return { ...completed, hosts, parameters: Object.fromEntries(query) }
}

function hostsFrom(hosts: readonly HostDraft[], hostText: string | undefined, portText: string | undefined, path: string): readonly HostDraft[] {
  const named = hostText === undefined ? hosts
    : hostText.split(',').map((host) => host.startsWith('/') ? { host, port: undefined } : parseHost(bracketed(host), path))
  if (portText === undefined) return named
  const ports = portText.split(',').map((port) => parsePort(port, path))
  const base = named.length === 0 ? [{ host: 'localhost', port: undefined }] : named
  if (ports.length !== 1 && ports.length !== base.length) {
    throw oneProblem(`${path} (port)`, `one port, or one for each of ${String(base.length)} hosts`, String(ports.length))
  }
  return base.map((one, index) => ({ host: one.host, port: ports.length === 1 ? ports[0] : ports[index] }))
}

/** An IPv6 address in the brackets it needs before a port. */
export function bracketed(host: string): string {
  return host.split(':').length > 2 && !host.startsWith('[') ? `[${host}]` : host
}

function tlsFrom(take: (name: string) => string | undefined, path: string): TlsOptions | undefined {
  const compat = take('ssl')
  const mode = oneOf<SslMode>(SSL_MODES, take('sslmode'), `${path} (sslmode)`)
    ?? (compat === undefined ? undefined : sslFlag(compat, path))
  const [ca, cert, key, passphrase] = [take('sslrootcert'), take('sslcert'), take('sslkey'), take('sslpassword')]
  const given = { mode, ca, cert, key, passphrase }
  return Object.values(given).every((value) => value === undefined) ? undefined : given
}

/** JDBC's parameter; libpq reads `ssl=true` as `sslmode=require`. */
function sslFlag(text: string, path: string): SslMode {
  if (/^(?:true|1)$/i.test(text)) return 'require'
  if (/^(?:false|0)$/i.test(text)) return 'disable'
  throw oneProblem(`${path} (ssl)`, 'true or false', describeGot(text, false), 'use sslmode for anything finer')
}

function oneOf<Word extends string>(words: readonly Word[], text: string | undefined, path: string): Word | undefined {
  if (text === undefined) return undefined
  const word = words.find((one) => one === text)
  if (word === undefined) throw oneProblem(path, `one of ${quoted(words)}`, describeGot(text, /^[a-z-]+$/.test(text)))
  return word
}

/** libpq: whole seconds; zero and below mean no limit. */
function seconds(text: string | undefined, path: string): number | undefined {
  if (text === undefined) return undefined
  if (!/^-?\d{1,7}$/.test(text)) throw oneProblem(path, 'whole seconds', describeGot(text, false), 'for example connect_timeout=10')
  return Math.max(0, Number(text)) * 1_000
}
