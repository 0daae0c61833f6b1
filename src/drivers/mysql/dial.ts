import { Socket } from 'node:net'
import { remainingMs, type Limits } from '../../core/deadline.js'
import { tcpTarget } from '../../core/dial-socket.js'
import type { HostPort } from '../../core/driver.js'
import { limited } from '../../core/limited.js'
import type { TlsAttempt } from '../../core/tls.js'
import type { Client, Library } from './client.js'
import { markLogin } from './errors.js'

/** A logged-in `mysql2` connection and what we keep beside it. */
export interface Dialled {
  readonly client: Client
  /** The raw socket, also under TLS: destroying it ends everything. */
  readonly socket: Socket
  readonly tls: TlsAttempt
}

/** One attempt at one address. */
export interface DialRequest {
  readonly address: HostPort
  readonly tls: TlsAttempt
  /** For `mysql2`, everything but the address, TLS and the socket. */
  readonly config: Readonly<Record<string, unknown>>
  readonly keepAliveMs: number
}

/**
 * Connects and logs in. The socket is ours from the start, so that a timeout or an abort can end it in every phase:
 * name resolution, TCP, TLS, authentication. When this rejects, the socket is gone.
 */
export async function dial(library: Library, request: DialRequest, limits: Limits): Promise<Dialled> {
  const { address, tls } = request
  const socket = connectSocket(request, limits)
  const overSocket = address.host.startsWith('/')
  // `socketPath` tells mysql2 that the way is private: it then sends what it would send over TLS.
  const client = library.open({ ...request.config, stream: () => socket, ...(overSocket ? { socketPath: address.host } : {}) }, tls)
  try {
    await limited(loggedIn(client), limits, () => `connecting to ${addressText(address)}`)
    return { client, socket, tls }
  } catch (error) {
    hangUp(client, socket)
    throw markLogin(error)
  }
}

function loggedIn(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => { resolve() })
    // stays: mysql2 may report one failure twice, and an event without a listener ends the process
    client.on('error', reject)
  })
}

function connectSocket({ address, keepAliveMs }: DialRequest, limits: Limits): Socket {
  const socket = new Socket()
  socket.setNoDelay(true)
  if (keepAliveMs > 0) socket.setKeepAlive(true, keepAliveMs)
  if (address.host.startsWith('/')) socket.connect({ path: address.host })
  else socket.connect(tcpTarget(address.host, address.port, remainingMs(limits)))
  return socket
}

/** Drops the socket, and the TLS stream around it, now. */
export function hangUp(client: Client, socket: Socket): void {
  client.destroy()
  socket.destroy()
}

/** `host:port`, or the path of a unix socket. */
export function addressText(address: HostPort): string {
  return address.host.startsWith('/') ? address.host : `${address.host}:${String(address.port)}`
}
