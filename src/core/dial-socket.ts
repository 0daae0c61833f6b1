import type { IpcNetConnectOpts, Socket, TcpNetConnectOpts } from 'node:net'

/** Node gives each of a name's addresses 250 ms by default, too little for a distant server. */
const ADDRESS_ATTEMPT_MS = 2_000

/** Where a TCP connection goes: every address of the name is tried, each within a share of the time left. */
export function tcpTarget(host: string, port: number, leftMs: number): TcpNetConnectOpts {
  const autoSelectFamilyAttemptTimeout = Math.max(250, Math.min(ADDRESS_ATTEMPT_MS, Math.floor(leftMs / 3)))
  return { host, port, autoSelectFamily: true, autoSelectFamilyAttemptTimeout }
}

/** The very address a connected socket uses (a DNS name could lead to another server), or the path of a unix socket. */
export function sameAddress(socket: Socket, path: string): TcpNetConnectOpts | IpcNetConnectOpts {
  const { remoteAddress, remotePort } = socket
  return remoteAddress !== undefined && remotePort !== undefined ? { host: remoteAddress, port: remotePort } : { path }
}
