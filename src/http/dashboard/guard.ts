import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { described, type OperationsRequest } from '../operations.js'

/** Decides who may see the page. */
export type Authorize = (request: OperationsRequest) => boolean | Promise<boolean>

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Whether a request may see the page. Without `authorize` only requests that reached the loopback interface by a loopback
 * name and through no proxy: a page elsewhere that resolves its own name to 127.0.0.1 is another origin's name, and
 * behind a proxy everybody comes from 127.0.0.1.
 */
export async function admitted(request: IncomingMessage, authorize: Authorize | undefined): Promise<boolean> {
  if (authorize) return await authorize(described(request))
  const { socket, headers } = request
  if (headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined) return false
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
  return LOOPBACK_NAMES.has(host) && isLoopback(socket.localAddress) && isLoopback(socket.remoteAddress)
}

function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  const plain = address.replace(/^::ffff:/, '')
  return isIPv6(plain) ? plain === '::1' : plain.startsWith('127.')
}
