import type { ErrorKind } from '../../core/error-facts.js'

const KINDS: Readonly<Record<string, ErrorKind>> = {
  ECONNREFUSED: 'refused', ENOENT: 'refused', EACCES: 'refused',
  EHOSTUNREACH: 'refused', ENETUNREACH: 'refused', EHOSTDOWN: 'refused', ENETDOWN: 'refused', EADDRNOTAVAIL: 'refused',
  ENOTFOUND: 'host-unknown', EAI_AGAIN: 'host-unknown', EAI_FAIL: 'host-unknown', EAI_NODATA: 'host-unknown',
  EAI_NONAME: 'host-unknown',
  ECONNRESET: 'lost', EPIPE: 'lost', ECONNABORTED: 'lost', ENOTCONN: 'lost', ERR_STREAM_DESTROYED: 'lost',
  ERR_STREAM_WRITE_AFTER_END: 'lost', ERR_STREAM_PREMATURE_CLOSE: 'lost', ERR_SOCKET_CLOSED: 'lost',
  EPROTO: 'tls', ABORT_ERR: 'cancelled',
}

/** OpenSSL's verification results as Node names them, and Node's own. */
const TLS_CODE = new RegExp(
  '^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|ERR_CRYPTO_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE'
  + '|PATH_LENGTH_|HOSTNAME_MISMATCH|ERROR_IN_CERT_|ERROR_IN_CRL_)',
)

/** What `pg` says in words only. */
const MESSAGES: readonly (readonly [RegExp, ErrorKind])[] = [
  [/^The server does not support SSL connections/, 'tls'],
  [/^There was an error establishing an SSL connection/, 'lost'],
  [/^timeout expired|^timeout exceeded when trying to connect/, 'connect-timeout'],
  [/^Connection terminated|not queryable$|^Client has already been connected|no longer usable/, 'lost'],
  [/^SASL|^SCRAM|^Password must be a string|^Unknown authentication/, 'authentication'],
  [/^Query read timeout/, 'cancelled'],
]

/** What an error that did not come from the server is. */
export function nodeKind(cause: unknown, code: string | undefined, message: string): ErrorKind {
  if (isAbort(cause)) return 'cancelled'
  if (code !== undefined) {
    // While connecting nobody answered; later an established connection went silent.
    if (code === 'ETIMEDOUT') return syscallOf(cause) === 'read' ? 'lost' : 'connect-timeout'
    const kind = Object.hasOwn(KINDS, code) ? KINDS[code] : undefined
    if (kind !== undefined) return kind
    if (TLS_CODE.test(code)) return 'tls'
  }
  return MESSAGES.find(([pattern]) => pattern.test(message))?.[1] ?? 'other'
}

function isAbort(cause: unknown): boolean {
  return cause instanceof DOMException && (cause.name === 'AbortError' || cause.name === 'TimeoutError')
}

function syscallOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'syscall' in cause ? cause.syscall : undefined
}
