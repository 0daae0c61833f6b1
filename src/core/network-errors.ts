import type { ErrorKind } from './error-facts.js'

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

/** What an error of a socket, of name resolution, of TLS or of an AbortSignal is; undefined for every other. */
export function networkErrorKind(cause: unknown, code: string | undefined): ErrorKind | undefined {
  if (isAbort(cause)) return 'cancelled'
  if (code === undefined) return undefined
  // While connecting nobody answered; later an established connection went silent.
  if (code === 'ETIMEDOUT') return syscallOf(cause) === 'read' ? 'lost' : 'connect-timeout'
  if (Object.hasOwn(KINDS, code)) return KINDS[code]
  return TLS_CODE.test(code) ? 'tls' : undefined
}

function isAbort(cause: unknown): boolean {
  return cause instanceof DOMException && (cause.name === 'AbortError' || cause.name === 'TimeoutError')
}

function syscallOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'syscall' in cause ? cause.syscall : undefined
}
