import type { Limits } from '../../core/deadline.js'
import type { ConnectSettings, HostPort } from '../../core/driver.js'
import { limited } from '../../core/limited.js'
import { tlsAttempts, type TlsAttempt } from '../../core/tls.js'
import type { Client, Library } from './client.js'
import { addressText, dial, hangUp, type Dialled } from './dial.js'
import { describeError } from './errors.js'
import type { MysqlOptions } from './options.js'

/** What a session says of itself right after the login. */
export interface SessionFacts {
  readonly version: string
  readonly versionNumber: number
  /** The server's name for this session, also what `KILL QUERY` takes. */
  readonly threadId: number
  /** The whole server refuses writes of ordinary users. */
  readonly readOnly: boolean
  /** The session that answers is not the one that logged us in: a proxy stands between. */
  readonly pooled: boolean
  /** Tells this server, since its last start, from every other. */
  readonly identity: string
  readonly sqlMode: string
  /** What a reset must say again: it sets the character set of the server's choice. */
  readonly setNames: string
}

/** A connection that is logged in, set up and known. */
export interface Session extends Dialled {
  readonly facts: SessionFacts
  /** What a reset must repeat. */
  readonly setUp: readonly string[]
}

/** Everything one address needs, beside its limits. */
export interface SessionRequest {
  readonly library: Library
  readonly settings: ConnectSettings
  readonly options: MysqlOptions
  readonly password?: string | undefined
}

/**
 * Opens a session at one address: TLS as the mode allows, then the session's settings and one query that learns version,
 * modes and role.
 */
export async function openSession(request: SessionRequest, address: HostPort, limits: Limits): Promise<Session> {
  const attempts = tlsAttempts(request.settings.target.tls, address.host)
  let failure: unknown
  for (const tls of attempts) {
    try {
      return await openWithTls(request, address, tls, limits)
    } catch (error) {
      failure = error
      if (!mayTryOtherSecurity(error, tls)) break
    }
  }
  throw failure
}

/** ER_SECURE_TRANSPORT_REQUIRED; a user made with REQUIRE SSL is refused as if the password were wrong. */
const WANTS_TLS: ReadonlySet<string | undefined> = new Set(['3159', '1045'])

/** The fallbacks of `prefer` (TLS that cannot be had) and `allow` (a server that demands it). */
function mayTryOtherSecurity(error: unknown, tls: TlsAttempt): boolean {
  const facts = describeError(error)
  return tls === false ? WANTS_TLS.has(facts.serverCode) : facts.kind === 'tls'
}

async function openWithTls(request: SessionRequest, address: HostPort, tls: TlsAttempt, limits: Limits): Promise<Session> {
  const { options, settings: { target, maxPreparedStatements } } = request
  const config = {
    ...options.client, user: target.user, password: request.password ?? '', database: target.database === '' ? undefined : target.database,
    maxPreparedStatements: Math.max(1, maxPreparedStatements),
  }
  const dialled = await dial(request.library, { address, tls, config, keepAliveMs: options.keepAliveMs }, limits)
  try {
    const doing = (): string => `setting up the session on ${addressText(address)}`
    const setUp = settingsOf(request)
    for (const text of setUp) await limited(ask(dialled.client, text), limits, doing)
    const facts = await limited(askFacts(dialled.client), limits, doing)
    return { ...dialled, facts, setUp }
  } catch (error) {
    hangUp(dialled.client, dialled.socket)
    throw error
  }
}

/**
 * The session's settings. Its time zone is fixed, so that a Date parameter and a TIMESTAMP column mean the same moment to
 * client and server whatever the server's own zone is; trackers tell when the SQL mode changes, and with
 * every commit its GTID. Comments of the form `/*!80000` are code to MySQL alone, `/*M!` to MariaDB alone.
 */
function settingsOf({ options, settings }: SessionRequest): readonly string[] {
  const variables = `set session time_zone = '${options.timezone}',`
    + ' session session_track_system_variables = concat(@@session.session_track_system_variables, \',sql_mode\' /*M!100000 , \',last_gtid\' */)'
    + ' /*!80000 , session session_track_gtids = own_gtid */'
  return settings.readOnly ? [variables, 'set session transaction read only'] : [variables]
}

const FACTS = `select version() as version, connection_id() as id, @@global.read_only as read_only, @@session.sql_mode as sql_mode,
  @@collation_connection as collation, @@character_set_client as charset,
  concat_ws('/', @@hostname, @@port, @@server_id) as identity`

async function askFacts(client: Client): Promise<SessionFacts> {
  const rows = await ask(client, FACTS) as readonly Record<string, unknown>[]
  const [row] = rows
  if (!row) throw new Error('the server gave no answer about itself')
  const version = String(row['version'])
  const threadId = client.threadId ?? 0
  return {
    version, versionNumber: numberOf(version), threadId,
    readOnly: Number(row['read_only']) === 1,
    pooled: Number(row['id']) !== threadId,
    identity: String(row['identity']),
    sqlMode: String(row['sql_mode']),
    setNames: `set names ${String(row['charset'])} collate ${String(row['collation'])}`,
  }
}

/** `10.11.19-MariaDB` is 101119 and `9.7.4` is 90704. */
function numberOf(version: string): number {
  const [, major = '0', minor = '0', patch = '0'] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) * 10_000 + Number(minor) * 100 + Number(patch)
}

/** Runs one text of our own. */
export function ask(client: Client, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    client.query({ sql }, (error, answer) => {
      if (error) reject(error)
      else resolve(answer)
    })
  })
}
