import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate and its key, as PEM text. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** What a certificate says. */
export interface CertificateRequest {
  readonly commonName: string
  /** `DNS:localhost`, `IP:127.0.0.1`; left out = no subjectAltName at all. */
  readonly names?: readonly string[]
  readonly expired?: boolean
  /** Who signs it; left out = itself. */
  readonly issuer?: Certificate
  readonly authority?: boolean
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** Makes a certificate with the `openssl` command line: Node can read X.509 certificates but not write them. */
export function makeCertificate(request: CertificateRequest): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-certificate-'))
  const file = (name: string): string => join(folder, name)
  try {
    writeFileSync(file('extensions'), extensions(request))
    openssl(['req', '-new', ...NEW_KEY, '-subj', `/CN=${request.commonName}`, '-keyout', file('key'), '-out', file('csr')])
    const signer = request.issuer
    if (signer) {
      writeFileSync(file('ca.crt'), signer.cert)
      writeFileSync(file('ca.key'), signer.key)
    }
    const by = signer
      ? ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-set_serial', String(Date.now())]
      : ['-signkey', file('key')]
    // -1 is openssl's own way to make a certificate that has already expired.
    const days = request.expired ? '-1' : '30'
    openssl(['x509', '-req', '-in', file('csr'), ...by, '-days', days, '-extfile', file('extensions'), '-out', file('crt')])
    return { cert: readFileSync(file('crt'), 'utf8'), key: readFileSync(file('key'), 'utf8') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function extensions({ names, authority }: CertificateRequest): string {
  const lines = [`basicConstraints = CA:${authority ? 'TRUE' : 'FALSE'}`]
  if (names && names.length > 0) lines.push(`subjectAltName = ${names.join(', ')}`)
  return `${lines.join('\n')}\n`
}

function openssl(args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (cause) {
    const missing = (cause as { code?: unknown }).code === 'ENOENT'
    throw new Error(missing
      ? 'the TLS tests need the openssl command line: install the package "openssl" and put it on PATH'
      : `openssl ${args[0] ?? ''} failed: ${String((cause as { stderr?: unknown }).stderr)}`, { cause })
  }
}
