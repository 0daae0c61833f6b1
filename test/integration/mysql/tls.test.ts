import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConnectSettings, Driver, SslMode, TlsSettings } from '../../../src/core/driver.js'
import { statement } from '../../../src/core/statement.js'
import { mariadb } from '../../../src/drivers/mariadb/index.js'
import { mysql } from '../../../src/drivers/mysql/index.js'
import { startCluster, type Cluster } from '../../../src/testing/index.js'
import { replaceFile } from '../../support/server-files.js'
import { makeCertificate, type Certificate } from '../../support/tls.js'

const authority = makeCertificate({ commonName: 'test authority', authority: true })
const otherAuthority = makeCertificate({ commonName: 'other authority', authority: true })
const issuer = authority

const REFUSED = 'refused: tls'
const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

type Row = readonly [name: string, host: string, certificate: Certificate, expected: Readonly<Record<SslMode, string>>]

/** A chain that cannot be verified: `prefer` falls back to a plain connection, as libpq does. */
const badChain = {
  'disable': 'plain', 'allow': 'plain', 'prefer': 'plain', 'require': REFUSED, 'verify-ca': REFUSED, 'verify-full': REFUSED,
}
const good = { 'disable': 'plain', 'allow': 'plain', 'prefer': 'tls', 'require': 'tls', 'verify-ca': 'tls', 'verify-full': 'tls' }
const badName = { ...good, 'verify-full': REFUSED }

const EXPIRED: Row = [
  'an expired certificate', 'localhost', makeCertificate({ commonName: 'x', names: ['DNS:localhost'], issuer, expired: true }), badChain,
]

const TABLE: readonly Row[] = [
  ['a good certificate', 'localhost', makeCertificate({ commonName: 'db', names: ['DNS:localhost'], issuer }), good],
  ['a certificate of another host', 'localhost', makeCertificate({ commonName: 'localhost', names: ['DNS:db.example'], issuer }), badName],
  ['a self-signed certificate', 'localhost', makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'] }), badChain],
  ['a certificate of another authority', 'localhost',
    makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'], issuer: otherAuthority }), badChain],
  ['a common name without other names', 'localhost', makeCertificate({ commonName: 'localhost', issuer }), good],
  ['a common name that is another host', 'localhost', makeCertificate({ commonName: 'db.example', issuer }), badName],
  ['an address, for a client that uses the address', '127.0.0.1', makeCertificate({ commonName: 'db', names: ['IP:127.0.0.1'], issuer }), good],
  ['an address, for a client that uses the name', 'localhost', makeCertificate({ commonName: 'db', names: ['IP:127.0.0.1'], issuer }), badName],
  ['a name, for a client that uses the address', '127.0.0.1', makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'], issuer }), badName],
]

describe.each<['mariadb' | 'mysql', Driver, string, readonly Row[]]>([
  ['mariadb', mariadb, 'flush ssl', [...TABLE, EXPIRED]], ['mysql', mysql, 'alter instance reload tls', TABLE],
])('TLS to a server of %s', { timeout: 240_000 }, (engine, driver, reload, table) => {
  let cluster: Cluster
  let admin: Connection

  beforeAll(async () => {
    const [[, , { cert, key }]] = TABLE as [Row]
    cluster = await startCluster({ engine, tls: { cert, key, ca: authority.cert + otherAuthority.cert } })
    const { username: user, password, port } = new URL(cluster.superuserUrl)
    admin = await createConnection({ host: cluster.primary.host, port: Number(port), user, password })
    await admin.query("create user keyed@'%' identified by 'right' require x509")
  }, 240_000)

  afterAll(async () => {
    await admin.end()
    await cluster.destroy()
  })

  /** Serves this certificate to new connections from now on. */
  async function useCertificate({ cert, key }: Certificate): Promise<void> {
    const [[files]] = await admin.query<({ cert: string; key: string } & RowDataPacket)[]>('select @@ssl_cert as cert, @@ssl_key as `key`')
    if (!files) throw new Error('the server does not say where its certificate is')
    await replaceFile(cluster, files.cert, cert)
    await replaceFile(cluster, files.key, key)
    await admin.query(reload)
  }

  function settings(host: string, tls: TlsSettings, login: { user?: string; password?: string } = {}): ConnectSettings {
    const { username: user, password, port, pathname } = new URL(cluster.url)
    return {
      target: {
        scheme: engine, hosts: [{ host, port: Number(port) }], targetSessionAttrs: 'any', user, password, database: pathname.slice(1),
        tls, parameters: {}, driverOptions: {}, ...login,
      },
      readOnly: false, connectTimeoutMs: 20_000, statementTimeoutMs: 30_000, maxPreparedStatements: 20,
    }
  }

  /** What a connection attempt came to: over TLS, in the clear, or why not. */
  async function outcome(host: string, tls: TlsSettings, login?: { user?: string; password?: string; database?: string }): Promise<string> {
    try {
      const connection = await driver.connect(settings(host, tls, login))
      try {
        const { rows } = await connection.query<{ Value: string }>(statement("show session status like 'Ssl_cipher'"))
        return rows[0]?.Value === '' ? 'plain' : 'tls'
      } finally {
        await connection.close()
      }
    } catch (error) {
      return `refused: ${driver.dialect.describeError(error).kind}`
    }
  }

  describe.each(table)('with the authority given and %s', (_, host, certificate, expected) => {
    beforeAll(() => useCertificate(certificate))
    test.each(MODES)('sslmode=%s', async (mode) => {
      expect(await outcome(host, { mode, ca: authority.cert })).toBe(expected[mode])
    })
  })

  if (!table.includes(EXPIRED)) {
    test('an expired certificate is not even served', async () => {
      await expect(useCertificate(EXPIRED[2])).rejects.toThrow(/Invalid certificates/)
    })
  }

  describe('without an authority', () => {
    beforeAll(() => useCertificate(makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'] })))
    test.each([
      ['disable', 'plain'], ['allow', 'plain'], ['prefer', 'tls'], ['require', 'tls'], ['verify-ca', REFUSED], ['verify-full', REFUSED],
    ] as const)('sslmode=%s of a self-signed certificate: %s', async (mode, expected) => {
      expect(await outcome('localhost', { mode })).toBe(expected)
    })
  })

  describe('a good certificate', () => {
    beforeAll(() => useCertificate(makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'], issuer })))

    test('a name other than the host is checked when it is given', async () => {
      const tls = { mode: 'verify-full', ca: authority.cert } as const
      expect(await outcome('127.0.0.1', { ...tls, serverName: 'localhost' })).toBe('tls')
      expect(await outcome('127.0.0.1', tls)).toBe(REFUSED)
    })

    test('a client certificate logs in where the account demands one', async () => {
      const client = makeCertificate({ commonName: 'keyed', issuer })
      const tls = { mode: 'verify-full', ca: authority.cert } as const
      const login = { user: 'keyed', password: 'right', database: '' }
      expect(await outcome('localhost', { ...tls, cert: client.cert, key: client.key }, login)).toBe('tls')
      expect(await outcome('localhost', tls, login)).toBe('refused: authentication')
    })

    test('a statement on a TLS session is cancelled over TLS', async () => {
      const connection = await driver.connect(settings('localhost', { mode: 'verify-full', ca: authority.cert }))
      try {
        const sleeping = connection.query(statement('select sleep(20)')).then(() => undefined, (error: unknown) => error)
        let ended = false
        void sleeping.then(() => { ended = true })
        while (!ended) {
          await connection.cancel?.()
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        expect(driver.dialect.describeError(await sleeping).kind).toBe('cancelled')
      } finally {
        await connection.close()
      }
    })

    test('sslmode=allow goes over to TLS when the server demands it', async () => {
      await admin.query('set global require_secure_transport = on')
      try {
        expect(await outcome('localhost', { mode: 'allow', ca: authority.cert })).toBe('tls')
        expect(await outcome('localhost', { mode: 'disable' })).toMatch(/^refused: /)
      } finally {
        await admin.query('set global require_secure_transport = off')
      }
    })
  })
})
