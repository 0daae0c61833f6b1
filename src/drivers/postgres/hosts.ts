import type { ClientConfig } from 'pg'
import { asError, limitsFrom } from '../../core/deadline.js'
import type { ConnectSettings, Connection, ConnectionTarget } from '../../core/driver.js'
import { ConnectionError } from '../../core/errors.js'
import { HostSearch, type HostDriver } from '../../core/host-search.js'
import { load } from '../../core/load.js'
import { PostgresConnection } from './connection.js'
import { addressText, hangUp } from './dial.js'
import { describeError } from './errors.js'
import { readOptions } from './options.js'
import { openSession, type Session, type SessionRequest } from './session.js'
import { TextUses } from './text-uses.js'
import { typePolicy } from './types.js'

/** Opens one connection, at the first host that is reachable and of the wanted kind. */
export async function connect(settings: ConnectSettings, signal?: AbortSignal): Promise<Connection> {
  const options = readOptions(settings)
  const limits = limitsFrom(settings.connectTimeoutMs, signal)
  if (signal?.aborted) throw asError(signal.reason)
  const { default: pg } = await load('pg', () => import('pg'), 'the postgres driver')
  const types = options.types ?? typePolicy(pg.types, settings.types?.bigint ?? 'string')
  const { user, database } = settings.target
  const config: ClientConfig = { ...options.client, types, user, database }
  const driver = hostDriver({ Client: pg.Client, settings, options, config })
  const { session, address } = await new HostSearch(driver, settings.target, limits).run()
  return new PostgresConnection(session, address, settings, usesOf(settings.target))
}

/** Uses of texts are counted per server, not per connection: what is used often is prepared on all of them soon. */
const USES = new WeakMap<ConnectionTarget, TextUses>()

function usesOf(target: ConnectionTarget): TextUses {
  const known = USES.get(target) ?? new TextUses()
  USES.set(target, known)
  return known
}

function hostDriver(request: SessionRequest): HostDriver<Session> {
  const { readOnly } = request.settings
  return {
    name: 'postgres',
    open: (address, password, limits) => openSession(withPassword(request, password), address, limits),
    // `readOnly` sessions are read-only by our own doing, so the role counts
    facts: ({ facts }) => ({ standby: facts.inRecovery, writable: !facts.inRecovery && (readOnly || !facts.readOnly) }),
    drop: ({ client, socket }) => { hangUp(client, socket) },
    describeError,
    addressText,
  }
}

function withPassword(request: SessionRequest, password: string | undefined): SessionRequest {
  // Always a function: pg would otherwise look for PGPASSWORD and a password file by itself.
  const answer = (): string => {
    if (password !== undefined) return password
    throw new ConnectionError('authentication', 'the server asks for a password, and none is configured', {
      hint: 'put it into the URL, or give password: a text or a function',
    })
  }
  return { ...request, config: { ...request.config, password: answer } }
}
