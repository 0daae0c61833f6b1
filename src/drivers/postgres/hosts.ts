import type { ClientConfig } from 'pg'
import { asError, limitsFrom, remainingMs, withinMs, type Limits } from '../../core/deadline.js'
import type { ConnectSettings, Connection, HostPort, PasswordSource, TargetSessionAttrs } from '../../core/driver.js'
import { ConfigError, ConnectionError } from '../../core/errors.js'
import { load } from '../../core/load.js'
import { PostgresConnection } from './connection.js'
import { addressText, hangUp, limited } from './dial.js'
import { describeError } from './errors.js'
import { readOptions } from './options.js'
import { openSession, type Session, type SessionFacts, type SessionRequest } from './session.js'
import { typePolicy } from './types.js'

/**
 * Opens one connection: the hosts in their order, the first one that is reachable and of the wanted kind. The time left
 * is shared among the hosts not yet tried, so that one that never answers cannot use up all of it. As in libpq, a host
 * that answers and refuses the login ends the search.
 */
export async function connect(settings: ConnectSettings, signal?: AbortSignal): Promise<Connection> {
  const options = readOptions(settings)
  const limits = limitsFrom(settings.connectTimeoutMs, signal)
  if (signal?.aborted) throw asError(signal.reason)
  const { default: pg } = await load('pg', () => import('pg'), 'the postgres driver')
  const types = options.types ?? typePolicy(pg.types, settings.types?.bigint ?? 'string')
  const { user, database } = settings.target
  const config: ClientConfig = { ...options.client, types, user, database }
  const search = new HostSearch({ Client: pg.Client, settings, options, config }, limits)
  return search.run()
}

class HostSearch {
  readonly #request: SessionRequest
  readonly #limits: Limits
  readonly #failures: { readonly address: HostPort; readonly error: unknown }[] = []

  constructor(request: SessionRequest, limits: Limits) {
    this.#request = request
    this.#limits = limits
  }

  async run(): Promise<Connection> {
    const { target } = this.#request.settings
    if (target.hosts.length === 0) throw new ConfigError('the postgres driver needs a host', { option: 'host' })
    for (const attrs of passes(target.targetSessionAttrs)) {
      const found = await this.#firstOf(target.hosts, attrs)
      if (found) return found
    }
    throw this.#verdict()
  }

  async #firstOf(hosts: readonly HostPort[], attrs: TargetSessionAttrs): Promise<Connection | undefined> {
    for (const [index, address] of hosts.entries()) {
      const limits = withinMs(this.#limits, remainingMs(this.#limits) / (hosts.length - index))
      const connection = await this.#try(address, attrs, limits)
      if (connection) return connection
    }
    return undefined
  }

  async #try(address: HostPort, attrs: TargetSessionAttrs, limits: Limits): Promise<Connection | undefined> {
    const { settings } = this.#request
    try {
      const session = await this.#login(address, limits)
      const unwanted = mismatch(session.facts, attrs, settings.readOnly)
      if (unwanted === undefined) return new PostgresConnection(session, address, settings)
      hangUp(session.client, session.socket)
      this.#failures.push({ address, error: new Error(unwanted) })
    } catch (error) {
      if (limits.signal?.aborted || settings.target.hosts.length === 1 || endsSearch(error)) throw error
      this.#failures.push({ address, error })
    }
    return undefined
  }

  /** A password that is a function is asked once more when the server refuses its first answer: it may have rotated. */
  async #login(address: HostPort, limits: Limits): Promise<Session> {
    const { password } = this.#request.settings.target
    const open = async (): Promise<Session> =>
      openSession(await this.#withPassword(password, limits), address, limits)
    try {
      return await open()
    } catch (error) {
      const { serverCode } = describeError(error)
      if (typeof password !== 'function' || (serverCode !== '28P01' && serverCode !== '28000')) throw error
      return open()
    }
  }

  async #withPassword(source: PasswordSource | undefined, limits: Limits): Promise<SessionRequest> {
    const password = typeof source === 'function' ? await askPassword(source, limits) : source
    // Always a function: pg would otherwise look for PGPASSWORD and a password file by itself.
    const answer = (): string => {
      if (password !== undefined) return password
      throw new ConnectionError('authentication', 'the server asks for a password, and none is configured', {
        hint: 'put it into the URL, or give password: a text or a function',
      })
    }
    return { ...this.#request, config: { ...this.#request.config, password: answer } }
  }

  #verdict(): Error {
    const { targetSessionAttrs } = this.#request.settings.target
    const [first] = this.#failures
    const reasons = this.#failures.map(({ address, error }) => `${addressText(address)}: ${describeError(error).message}`)
    const wanted = targetSessionAttrs === 'any' ? 'no host answered' : `no host is ${targetSessionAttrs}`
    return new ConnectionError(
      commonReason(this.#failures.map(({ error }) => error)), `${wanted} (${[...new Set(reasons)].join('; ')})`,
      { cause: first?.error, neverSent: true },
    )
  }
}

/** `prefer-standby` is a search for a standby, then for anything. */
function passes(attrs: TargetSessionAttrs): readonly TargetSessionAttrs[] {
  return attrs === 'prefer-standby' ? ['standby', 'any'] : [attrs]
}

/** The server was reached and said no for good: other hosts would be asked the same. */
function endsSearch(error: unknown): boolean {
  const { kind } = describeError(error)
  return kind === 'authentication' || kind === 'unknown-database' || error instanceof ConfigError
}

/** Why a session is not what was asked for; `readOnly` sessions are read-only by our own doing, so the role counts. */
function mismatch(facts: SessionFacts, attrs: TargetSessionAttrs, readOnly: boolean): string | undefined {
  const writable = !facts.inRecovery && (readOnly || !facts.readOnly)
  switch (attrs) {
    case 'read-write': return writable ? undefined : 'the session is read-only'
    case 'read-only': return writable ? 'the session is read-write' : undefined
    case 'primary': return facts.inRecovery ? 'the server is a standby' : undefined
    case 'standby': return facts.inRecovery ? undefined : 'the server is not a standby'
    default: return undefined
  }
}

async function askPassword(source: () => string | Promise<string>, limits: Limits): Promise<string> {
  let answer: unknown
  try {
    answer = await limited((async () => source())(), limits, () => 'asking the password function')
  } catch (cause) {
    if (limits.signal?.aborted || describeError(cause).kind === 'connect-timeout') throw cause
    throw new ConnectionError('other', 'the password function failed', {
      cause, neverSent: true, hint: 'its own error is the cause; it is asked for every new connection',
    })
  }
  if (typeof answer === 'string') return answer
  throw new ConfigError(`password: expected the function to give a string, got ${typeof answer}`, { option: 'password' })
}

/** The reason all hosts share, or `other`. */
function commonReason(errors: readonly unknown[]): ConnectionError['reason'] {
  const kinds = new Set(errors.map((error) => describeError(error).kind))
  const [kind] = kinds
  if (kinds.size !== 1 || kind === undefined) return 'other'
  if (kind === 'connect-timeout') return 'timeout'
  return SHARED.has(kind) ? kind as ConnectionError['reason'] : 'other'
}

const SHARED: ReadonlySet<string> = new Set([
  'refused', 'lost', 'host-unknown', 'starting', 'shutting-down', 'too-many-connections', 'tls',
])
