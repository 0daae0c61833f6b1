import type { Client, ClientConfig } from 'pg'
import { type Limits } from '../../core/deadline.js'
import type { ConnectSettings, ConnectionTarget, HostPort } from '../../core/driver.js'
import { dial, hangUp, addressText, type ClientClass, type Dialled } from './dial.js'
import { limited } from '../../core/limited.js'
import { describeError } from './errors.js'
import type { PostgresOptions } from './options.js'
import { tlsAttempts, type TlsAttempt } from '../../core/tls.js'

/** What a session says of itself right after the login. */
export interface SessionFacts {
  readonly version: string
  readonly versionNumber: number
  readonly processId: number
  readonly inRecovery: boolean
  readonly readOnly: boolean
  /** The process that answers is not the one that logged us in: a pooler stands between. */
  readonly pooled: boolean
}

/** A connection that is logged in, set up and known. */
export interface Session extends Dialled {
  readonly facts: SessionFacts
  /** Set-up that must be repeated after DISCARD ALL; undefined when it rode with the start-up message. */
  readonly setUp: string | undefined
}

/** Everything one address needs, beside its limits. */
export interface SessionRequest {
  readonly Client: ClientClass
  readonly settings: ConnectSettings
  readonly options: PostgresOptions
  readonly config: ClientConfig
}

/**
 * Opens a session at one address: TLS as the mode allows, start-up settings in the start-up message, and one query that
 * learns version, backend, role. Two round trips after the login's own.
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

/**
 * libpq's fallbacks for `prefer` and `allow`: TLS that cannot be had, or access rules (pg_hba.conf) that demand the
 * other kind. A wrong password is not tried again in the clear.
 */
function mayTryOtherSecurity(error: unknown, tls: TlsAttempt): boolean {
  const facts = describeError(error)
  return facts.serverCode === '28000' || (tls !== false && facts.kind === 'tls')
}

async function openWithTls(request: SessionRequest, address: HostPort, tls: TlsAttempt, limits: Limits): Promise<Session> {
  const { target } = request.settings
  if (!REFUSING.has(target)) {
    try {
      return await openWithOptions(request, address, tls, limits, startupSettings(request.settings))
    } catch (error) {
      if (!refusesStartup(error)) throw error
      REFUSING.add(target)
    }
  }
  return openWithOptions(request, address, tls, limits, NONE)
}

/** Targets that have refused start-up settings once (poolers, old servers): not asked again. */
const REFUSING = new WeakSet<ConnectionTarget>()

const NONE: readonly string[] = []

const CHECK_INTERVAL_MS = 2_000

/**
 * Settings of the session, sent as start-up options.
 *
 * The backstop is `client_connection_check_interval` (PostgreSQL 14), not `statement_timeout`: the latter is one number
 * for the whole session and would cut a call whose own `timeoutMs` is longer. The former ends a statement soon after
 * its client has gone, which is the case the client's own deadline cannot handle; whoever wants a hard limit for every
 * statement sets `?statement_timeout=` in the URL.
 */
function startupSettings(settings: ConnectSettings): readonly string[] {
  const startup: string[] = []
  if (settings.readOnly) startup.push('default_transaction_read_only=on')
  if (settings.statementTimeoutMs > 0) {
    startup.push(`client_connection_check_interval=${String(Math.min(CHECK_INTERVAL_MS, settings.statementTimeoutMs))}`)
  }
  return startup
}

/** PgBouncer: "unsupported startup parameter"; older servers and other platforms: unknown or invalid setting. */
function refusesStartup(error: unknown): boolean {
  const { serverCode, message } = describeError(error)
  if (serverCode === '08P01') return message.includes('startup parameter')
  return serverCode === '42704' || serverCode === '22023'
}

async function openWithOptions(
  request: SessionRequest, address: HostPort, tls: TlsAttempt, limits: Limits, startup: readonly string[],
): Promise<Session> {
  const own = request.options.startup
  const options = [...(own === undefined ? [] : [own]), ...startup.map((setting) => `-c ${setting}`)].join(' ')
  const config = options === '' ? request.config : { ...request.config, options }
  const dialled = await dial(request.Client, { address, tls, config }, limits)
  try {
    const doing = (): string => `setting up the session on ${addressText(address)}`
    const facts = await limited(askFacts(dialled), limits, doing)
    const setUp = startup === NONE && request.settings.readOnly && !facts.pooled ? SET_READ_ONLY : undefined
    if (setUp !== undefined) await limited(dialled.client.query(setUp), limits, doing)
    return { ...dialled, facts, setUp }
  } catch (error) {
    hangUp(dialled.client, dialled.socket)
    throw error
  }
}

/**
 * Never sent through a pooler: there it would change a server session that belongs to whoever comes next. A replica
 * behind a pooler still refuses writes by itself.
 */
const SET_READ_ONLY = 'set default_transaction_read_only = on'

interface FactsRow {
  version: string
  number: string
  pid: number
  recovery: boolean
  read_only: string
}

const FACTS = `select current_setting('server_version') as version, current_setting('server_version_num') as number,
  pg_backend_pid() as pid, pg_is_in_recovery() as recovery, current_setting('transaction_read_only') as read_only`

async function askFacts({ client, key }: { client: Client; key: Dialled['key'] }): Promise<SessionFacts> {
  const { rows: [row] } = await client.query<FactsRow>(FACTS)
  if (!row) throw new Error('the server gave no answer about itself')
  return {
    version: row.version.split(' ', 1)[0] ?? row.version,
    versionNumber: Number(row.number),
    processId: key.processId,
    inRecovery: row.recovery,
    readOnly: row.read_only === 'on',
    pooled: row.pid !== key.processId,
  }
}
