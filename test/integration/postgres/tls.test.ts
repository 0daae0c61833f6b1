import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SslMode, TlsSettings } from '../../../src/core/driver.js'
import { statement } from '../../../src/core/statement.js'
import { postgres } from '../../../src/drivers/postgres/index.js'
import { BareServer } from '../../support/postgres-server.js'
import { makeCertificate, type Certificate } from '../../support/tls.js'

let server: BareServer
const authority = makeCertificate({ commonName: 'test authority', authority: true })
const otherAuthority = makeCertificate({ commonName: 'other authority', authority: true })

beforeAll(async () => { server = await BareServer.start() })
afterAll(async () => { await server.stop() })

/** What a connection attempt came to: over TLS, in the clear, or why not. */
async function outcome(host: string, tls: TlsSettings): Promise<string> {
  try {
    const connection = await postgres.connect(server.connectSettings({ hosts: [{ host, port: server.port }], tls }))
    try {
      const { rows } = await connection.query(statement('select ssl from pg_stat_ssl where pid = pg_backend_pid()'))
      return rows[0]?.['ssl'] === true ? 'tls' : 'plain'
    } finally {
      await connection.close()
    }
  } catch (error) {
    return `refused: ${postgres.dialect.describeError(error).kind}`
  }
}

const REFUSED = 'refused: tls'
const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

type Row = readonly [name: string, host: string, certificate: Certificate, expected: Readonly<Record<SslMode, string>>]

const issuer = authority
/** A chain that cannot be verified: `prefer` falls back to a plain connection, as libpq does. */
const badChain = {
  'disable': 'plain', 'allow': 'plain', 'prefer': 'plain', 'require': REFUSED, 'verify-ca': REFUSED, 'verify-full': REFUSED,
}
const good = { 'disable': 'plain', 'allow': 'plain', 'prefer': 'tls', 'require': 'tls', 'verify-ca': 'tls', 'verify-full': 'tls' }
const badName = { ...good, 'verify-full': REFUSED }

const TABLE: readonly Row[] = [
  ['a good certificate', 'localhost', makeCertificate({ commonName: 'db', names: ['DNS:localhost'], issuer }), good],
  ['a certificate of another host', 'localhost', makeCertificate({ commonName: 'localhost', names: ['DNS:db.example'], issuer }), badName],
  ['a wildcard for another domain', 'localhost', makeCertificate({ commonName: 'x', names: ['DNS:*.localhost'], issuer }), badName],
  ['an expired certificate', 'localhost', makeCertificate({ commonName: 'x', names: ['DNS:localhost'], issuer, expired: true }), badChain],
  ['a self-signed certificate', 'localhost', makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'] }), badChain],
  ['a certificate of another authority', 'localhost',
    makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'], issuer: otherAuthority }), badChain],
  ['a common name without other names', 'localhost', makeCertificate({ commonName: 'localhost', issuer }), good],
  ['a common name that is another host', 'localhost', makeCertificate({ commonName: 'db.example', issuer }), badName],
  ['an address, for a client that uses the address', '127.0.0.1', makeCertificate({ commonName: 'db', names: ['IP:127.0.0.1'], issuer }), good],
  ['an address, for a client that uses the name', 'localhost', makeCertificate({ commonName: 'db', names: ['IP:127.0.0.1'], issuer }), badName],
  ['a name, for a client that uses the address', '127.0.0.1', makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'], issuer }), badName],
  ['another address', '127.0.0.1', makeCertificate({ commonName: '127.0.0.1', names: ['IP:10.0.0.1'], issuer }), badName],
]

describe.each(TABLE)('with the authority given and %s', (_, host, certificate, expected) => {
  beforeAll(() => server.useCertificate(certificate))
  test.each(MODES)('sslmode=%s', async (mode) => {
    expect(await outcome(host, { mode, ca: authority.cert })).toBe(expected[mode])
  })
})

describe('without an authority', () => {
  beforeAll(() => server.useCertificate(makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'] })))
  test.each([
    ['disable', 'plain'], ['allow', 'plain'], ['prefer', 'tls'], ['require', 'tls'], ['verify-ca', REFUSED], ['verify-full', REFUSED],
  ] as const)('sslmode=%s of a self-signed certificate: %s', async (mode, expected) => {
    expect(await outcome('localhost', { mode })).toBe(expected)
  })
})

describe('a server without TLS', () => {
  beforeAll(() => server.reload({ ssl: 'off' }))
  test.each([
    ['disable', 'plain'], ['allow', 'plain'], ['prefer', 'plain'], ['require', REFUSED], ['verify-ca', REFUSED], ['verify-full', REFUSED],
  ] as const)('sslmode=%s: %s', async (mode, expected) => {
    expect(await outcome('localhost', { mode, ca: authority.cert })).toBe(expected)
  })
})

describe('a server that demands TLS', () => {
  beforeAll(async () => {
    await server.useCertificate(makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'], issuer }), authority.cert)
    server.writeHba(['local all all trust', 'hostssl all all 127.0.0.1/32 trust'], true)
    await server.reload()
  })

  test('sslmode=allow goes over to TLS when the access rules refuse a plain connection', async () => {
    expect(await outcome('localhost', { mode: 'allow', ca: authority.cert })).toBe('tls')
  })

  test('sslmode=disable is refused as an authentication failure', async () => {
    expect(await outcome('localhost', { mode: 'disable' })).toBe('refused: authentication')
  })

  test('a name other than the host is checked when it is given', async () => {
    const tls = { mode: 'verify-full', ca: authority.cert } as const
    expect(await outcome('127.0.0.1', { ...tls, serverName: 'localhost' })).toBe('tls')
    expect(await outcome('127.0.0.1', tls)).toBe(REFUSED)
  })

  test('a unix socket is used without TLS whatever the mode', async () => {
    expect(await outcome(server.folder, { mode: 'verify-full' })).toBe('plain')
  })

  test('a client certificate logs in', async () => {
    server.writeHba(['hostssl all all 127.0.0.1/32 cert'], true)
    await server.reload()
    const client = makeCertificate({ commonName: 'postgres', issuer })
    const tls = { mode: 'verify-full', ca: authority.cert } as const
    expect(await outcome('localhost', { ...tls, cert: client.cert, key: client.key })).toBe('tls')
    expect(await outcome('localhost', tls)).toBe('refused: authentication')
  })

  test('a statement on a TLS session is cancelled over TLS', async () => {
    server.writeHba(['hostssl all all 127.0.0.1/32 trust'], true)
    await server.reload()
    const connection = await postgres.connect(server.connectSettings({
      hosts: [{ host: 'localhost', port: server.port }], tls: { mode: 'verify-full', ca: authority.cert },
    }))
    try {
      const sleeping = connection.query(statement('select pg_sleep(20)')).catch((error: unknown) => error)
      await new Promise((resolve) => setTimeout(resolve, 100))
      await connection.cancel?.()
      expect(postgres.dialect.describeError(await sleeping).kind).toBe('cancelled')
    } finally {
      await connection.close()
    }
  })
})
