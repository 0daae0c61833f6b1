import type { ErrorKind } from '../../core/error-facts.js'
import { networkErrorKind } from '../../core/network-errors.js'

/** Codes that `mysql2` makes up. */
const CODES: Readonly<Record<string, ErrorKind>> = {
  PROTOCOL_CONNECTION_LOST: 'lost', PROTOCOL_PACKETS_OUT_OF_ORDER: 'lost', PROTOCOL_UNEXPECTED_PACKET: 'lost', PROTOCOL_ERROR: 'lost',
  HANDSHAKE_NO_SSL_SUPPORT: 'tls', HANDSHAKE_SSL_ERROR: 'tls', HANDSHAKE_UNKNOWN_ERROR: 'lost', AUTH_SWITCH_PLUGIN_ERROR: 'authentication',
}

/** What `mysql2` says in words only. */
const MESSAGES: readonly (readonly [RegExp, ErrorKind])[] = [
  [/^Can't (?:add new command when connection is in|write in) closed state|^Connection lost|no longer usable/, 'lost'],
  [/^Server does not support secure connection/, 'tls'],
]

/** What an error that did not come from the server is. */
export function nodeKind(cause: unknown, code: string | undefined, message: string): ErrorKind {
  const own = code !== undefined && Object.hasOwn(CODES, code) ? CODES[code] : undefined
  return networkErrorKind(cause, code) ?? own ?? MESSAGES.find(([pattern]) => pattern.test(message))?.[1] ?? 'other'
}
