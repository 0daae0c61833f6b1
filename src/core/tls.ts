import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { ConnectionOptions, PeerCertificate } from 'node:tls'
import type { SslMode, TlsSettings } from './driver.js'

/** TLS for one attempt: options for Node's `tls.connect`, or `false` for a plain connection. */
export type TlsAttempt = ConnectionOptions | false

/**
 * The attempts a mode allows, in order, with libpq's meaning
 * (https://www.postgresql.org/docs/current/libpq-ssl.html): `prefer` = TLS, then plain; `allow` = plain, then TLS.
 * Where a root certificate is given the chain is verified in every mode (libpq: `require` with a root certificate
 * behaves as `verify-ca`); only `verify-full` checks the name. Unix sockets never use TLS.
 */
export function tlsAttempts(tls: TlsSettings, host: string): readonly TlsAttempt[] {
  if (host.startsWith('/') || tls.mode === 'disable') return PLAIN
  const encrypted = tlsOptions(tls, host)
  if (tls.mode === 'prefer') return [encrypted, false]
  if (tls.mode === 'allow') return [false, encrypted]
  return [encrypted]
}

const PLAIN: readonly TlsAttempt[] = Object.freeze([false])

const VERIFYING: ReadonlySet<SslMode> = new Set<SslMode>(['verify-ca', 'verify-full'])

function tlsOptions(tls: TlsSettings, host: string): ConnectionOptions {
  const name = tls.serverName ?? host
  const { ca, cert, key, passphrase } = tls
  return {
    rejectUnauthorized: ca !== undefined || VERIFYING.has(tls.mode),
    checkServerIdentity: tls.mode === 'verify-full' ? (_, peer) => nameMismatch(name, peer) : accept,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(isIP(name) === 0 ? { servername: name } : {}),
  }
}

function accept(): undefined {
  return undefined
}

/**
 * libpq's rule for `verify-full` (`pq_verify_peer_name_matches_certificate`, PostgreSQL 15 and later): a DNS name is
 * compared with the dNSName entries, an IP address with the iPAddress entries; the common name counts only where the
 * certificate has no entry of that kind.
 */
function nameMismatch(name: string, peer: PeerCertificate): Error | undefined {
  const certificate = new X509Certificate(peer.raw)
  const matches = isIP(name) === 0 ? matchesHost(certificate, name) : matchesAddress(certificate, peer, name)
  if (matches) return undefined
  const holds = certificate.subjectAltName ?? `CN=${String(peer.subject.CN)}`
  return Object.assign(new Error(`the server's certificate is not for '${name}' but for ${holds}`), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
}

function matchesHost(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'default', partialWildcards: false }) !== undefined
}

function matchesAddress(certificate: X509Certificate, peer: PeerCertificate, address: string): boolean {
  if (certificate.checkIP(address) !== undefined) return true
  const listsAddresses = certificate.subjectAltName?.includes('IP Address:') ?? false
  return !listsAddresses && peer.subject.CN === address
}
