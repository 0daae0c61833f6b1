import { Socket, type IpcNetConnectOpts, type TcpNetConnectOpts } from 'node:net'
import type { Client, ClientConfig } from 'pg'
import { remainingMs, type Limits } from '../../core/deadline.js'
import { tcpTarget } from '../../core/dial-socket.js'
import type { HostPort } from '../../core/driver.js'
import { limited } from '../../core/limited.js'
import type { TlsAttempt } from '../../core/tls.js'

/** A logged-in `pg` client and what we keep beside it. */
export interface Dialled {
  readonly client: Client
  /** The raw socket, also under TLS: destroying it ends everything. */
  readonly socket: Socket
  readonly tls: TlsAttempt
  /** TLS began at once, without asking (`sslnegotiation=direct`). */
  readonly direct: boolean
  /** BackendKeyData: what a cancel request has to show. */
  readonly key: { readonly processId: number; readonly secretKey: number }
  /** How it ended; told before anybody may have listened. */
  readonly fate: { failure: Error | undefined }
}

/** One attempt at one address. */
export interface DialRequest {
  readonly address: HostPort
  readonly tls: TlsAttempt
  readonly config: ClientConfig
}

/** `pg`, as far as it is needed here; loaded by the caller. */
export type ClientClass = new (config: ClientConfig) => Client

/**
 * Connects and logs in. The socket is ours from the start, so that a timeout or an abort can end it in every phase:
 * name resolution, TCP, TLS, authentication. When this rejects, the socket is gone.
 */
export async function dial(Client: ClientClass, request: DialRequest, limits: Limits): Promise<Dialled> {
  const socket = new AddressedSocket(request.address, limits)
  const client = new Client({ ...request.config, ...security(request), stream: () => socket })
  // pg reports a failed connect both by the promise and by an event; an event without a listener ends the process.
  const fate: Dialled['fate'] = { failure: undefined }
  client.on('error', (error) => { fate.failure ??= error })
  const key = { processId: 0, secretKey: 0 }
  client.connection.once('backendKeyData', (message: { processID: number; secretKey: number }) => {
    key.processId = message.processID
    key.secretKey = message.secretKey
  })
  try {
    await limited(client.connect(), limits, () => `connecting to ${addressText(request.address)}`)
    return { client, socket, tls: request.tls, key, fate, direct: request.config.sslnegotiation === 'direct' }
  } catch (error) {
    hangUp(client, socket)
    throw error
  }
}

/** Drops the socket, and the TLS stream around it, now. */
export function hangUp(client: Client, socket: Socket): void {
  client.connection.stream.destroy()
  socket.destroy()
}

/** `host:port`, or the path of a unix socket. */
export function addressText(address: HostPort): string {
  return address.host.startsWith('/') ? socketPath(address) : `${address.host}:${String(address.port)}`
}

/**
 * A socket that knows where it goes: `pg` may say another name (the one the certificate is checked against) without
 * changing the address.
 */
class AddressedSocket extends Socket {
  readonly #target: TcpNetConnectOpts | IpcNetConnectOpts

  constructor(address: HostPort, limits: Limits) {
    super()
    this.#target = socketTarget(address, remainingMs(limits))
  }

  override connect(): this {
    return super.connect(this.#target)
  }
}

function socketTarget(address: HostPort, leftMs: number): TcpNetConnectOpts | IpcNetConnectOpts {
  if (address.host.startsWith('/')) return { path: socketPath(address) }
  return tcpTarget(address.host, address.port, leftMs)
}

function socketPath(address: HostPort): string {
  return `${address.host}/.s.PGSQL.${String(address.port)}`
}

function security(request: DialRequest): Pick<ClientConfig, 'ssl' | 'host' | 'sslnegotiation'> {
  const { tls, address, config } = request
  if (tls === false) return { ssl: false, host: address.host, sslnegotiation: 'postgres' }
  // pg takes its host as the name sent in SNI; an IP address is not sent.
  return { ssl: tls, host: tls.servername ?? address.host, sslnegotiation: config.sslnegotiation ?? 'postgres' }
}
