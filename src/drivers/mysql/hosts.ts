import { asError, limitsFrom } from '../../core/deadline.js'
import type { ConnectSettings, Connection } from '../../core/driver.js'
import { HostSearch, type HostDriver } from '../../core/host-search.js'
import { loadLibrary } from './client.js'
import { MysqlConnection } from './connection.js'
import { addressText, hangUp } from './dial.js'
import { describeError } from './errors.js'
import { readOptions } from './options.js'
import { openSession, type Session, type SessionRequest } from './session.js'

/** Opens one connection, at the first host that is reachable and of the wanted kind. */
export async function connect(settings: ConnectSettings, signal?: AbortSignal): Promise<Connection> {
  const options = readOptions(settings)
  const limits = limitsFrom(settings.connectTimeoutMs, signal)
  if (signal?.aborted) throw asError(signal.reason)
  const library = await loadLibrary()
  const request: SessionRequest = { library, settings, options }
  const { session, address } = await new HostSearch(hostDriver(request), settings.target, limits).run()
  return new MysqlConnection(session, address, request)
}

function hostDriver(request: SessionRequest): HostDriver<Session> {
  return {
    name: 'mysql',
    open: (address, password, limits) => openSession({ ...request, password }, address, limits),
    facts: ({ facts }) => ({ standby: facts.readOnly, writable: !facts.readOnly }),
    drop: ({ client, socket }) => { hangUp(client, socket) },
    describeError,
    addressText,
  }
}
