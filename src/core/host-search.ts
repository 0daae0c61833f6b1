import { asError, remainingMs, withinMs, type Limits } from './deadline.js'
import type { ConnectionTarget, HostPort, PasswordSource, TargetSessionAttrs } from './driver.js'
import type { ErrorFacts } from './error-facts.js'
import { ConfigError, ConnectionError } from './errors.js'
import { limited } from './limited.js'

/** What a search for the right host asks of its driver. `Session` is a logged-in connection. */
export interface HostDriver<Session> {
  /** For errors. */
  readonly name: string
  /** Opens one session; cleans up behind itself when it rejects. */
  open(address: HostPort, password: string | undefined, limits: Limits): Promise<Session>
  /** What the session's server is. */
  facts(session: Session): HostFacts
  /** Drops a session that is not wanted. */
  drop(session: Session): void
  describeError(cause: unknown): ErrorFacts
  /** An address, for people. */
  addressText(address: HostPort): string
}

/** What decides whether a server is the one that is wanted. */
export interface HostFacts {
  /** It follows another server. */
  readonly standby: boolean
  /** It would take a write on this session. */
  readonly writable: boolean
}

/** A session and where it was found. */
export interface Found<Session> {
  readonly session: Session
  readonly address: HostPort
}

/**
 * Opens one session: the hosts in their order, the first one that is reachable and of the wanted kind. The time left is
 * shared among the hosts not yet tried, so that one that never answers cannot use up all of it. As in libpq, a host that
 * answers and refuses the login ends the search.
 */
export class HostSearch<Session> {
  readonly #driver: HostDriver<Session>
  readonly #target: ConnectionTarget
  readonly #limits: Limits
  readonly #failures: { readonly address: HostPort; readonly error: unknown }[] = []

  constructor(driver: HostDriver<Session>, target: ConnectionTarget, limits: Limits) {
    this.#driver = driver
    this.#target = target
    this.#limits = limits
  }

  async run(): Promise<Found<Session>> {
    const { hosts, targetSessionAttrs } = this.#target
    if (hosts.length === 0) throw new ConfigError(`the ${this.#driver.name} driver needs a host`, { option: 'host' })
    for (const attrs of passes(targetSessionAttrs)) {
      const found = await this.#firstOf(hosts, attrs)
      if (found) return found
    }
    throw this.#verdict()
  }

  async #firstOf(hosts: readonly HostPort[], attrs: TargetSessionAttrs): Promise<Found<Session> | undefined> {
    for (const [index, address] of hosts.entries()) {
      const limits = withinMs(this.#limits, remainingMs(this.#limits) / (hosts.length - index))
      const session = await this.#try(address, attrs, limits)
      if (session !== undefined) return { session, address }
    }
    return undefined
  }

  async #try(address: HostPort, attrs: TargetSessionAttrs, limits: Limits): Promise<Session | undefined> {
    try {
      const session = await this.#login(address, limits)
      const unwanted = mismatch(this.#driver.facts(session), attrs)
      if (unwanted === undefined) return session
      this.#driver.drop(session)
      this.#failures.push({ address, error: new Error(unwanted) })
    } catch (error) {
      if (limits.signal?.aborted || this.#target.hosts.length === 1 || this.#endsSearch(error)) throw error
      this.#failures.push({ address, error })
    }
    return undefined
  }

  /** A password that is a function is asked once more when the server refuses its first answer: it may have rotated. */
  async #login(address: HostPort, limits: Limits): Promise<Session> {
    const { password } = this.#target
    const open = async (): Promise<Session> => {
      const answer = typeof password === 'function' ? await this.#askPassword(password, limits) : password
      return this.#driver.open(address, answer, limits)
    }
    try {
      return await open()
    } catch (error) {
      const { kind, serverCode } = this.#driver.describeError(error)
      if (typeof password !== 'function' || kind !== 'authentication' || serverCode === undefined) throw error
      return open()
    }
  }

  async #askPassword(source: Exclude<PasswordSource, string>, limits: Limits): Promise<string> {
    let answer: unknown
    try {
      answer = await limited((async () => source())(), limits, () => 'asking the password function')
    } catch (cause) {
      if (limits.signal?.aborted || this.#driver.describeError(cause).kind === 'connect-timeout') throw cause
      throw new ConnectionError('other', 'the password function failed', {
        cause, neverSent: true, hint: 'its own error is the cause; it is asked for every new connection',
      })
    }
    if (typeof answer === 'string') return answer
    throw new ConfigError(`password: expected the function to give a string, got ${typeof answer}`, { option: 'password' })
  }

  /** The server was reached and said no for good: other hosts would be asked the same. */
  #endsSearch(error: unknown): boolean {
    const { kind } = this.#driver.describeError(error)
    return kind === 'authentication' || kind === 'unknown-database' || error instanceof ConfigError
  }

  #verdict(): Error {
    const { targetSessionAttrs } = this.#target
    const [first] = this.#failures
    const facts = this.#failures.map(({ error }) => this.#driver.describeError(error))
    const reasons = this.#failures.map(({ address }, index) => `${this.#driver.addressText(address)}: ${facts[index]?.message ?? ''}`)
    const wanted = targetSessionAttrs === 'any' ? 'no host answered' : `no host is ${targetSessionAttrs}`
    return new ConnectionError(commonReason(facts), `${wanted} (${[...new Set(reasons)].join('; ')})`, {
      cause: asCause(first?.error), neverSent: true,
    })
  }
}

function asCause(error: unknown): Error | undefined {
  return error === undefined ? undefined : asError(error)
}

/** `prefer-standby` is a search for a standby, then for anything. */
function passes(attrs: TargetSessionAttrs): readonly TargetSessionAttrs[] {
  return attrs === 'prefer-standby' ? ['standby', 'any'] : [attrs]
}

/** Why a session is not what was asked for. */
function mismatch({ standby, writable }: HostFacts, attrs: TargetSessionAttrs): string | undefined {
  switch (attrs) {
    case 'read-write': return writable ? undefined : 'the session is read-only'
    case 'read-only': return writable ? 'the session is read-write' : undefined
    case 'primary': return standby ? 'the server is a standby' : undefined
    case 'standby': return standby ? undefined : 'the server is not a standby'
    default: return undefined
  }
}

/** The reason all hosts share, or `other`. */
function commonReason(facts: readonly ErrorFacts[]): ConnectionError['reason'] {
  const kinds = new Set(facts.map(({ kind }) => kind))
  const [kind] = kinds
  if (kinds.size !== 1 || kind === undefined) return 'other'
  if (kind === 'connect-timeout') return 'timeout'
  return SHARED.has(kind) ? kind as ConnectionError['reason'] : 'other'
}

const SHARED: ReadonlySet<string> = new Set([
  'refused', 'lost', 'host-unknown', 'starting', 'shutting-down', 'too-many-connections', 'tls',
])
