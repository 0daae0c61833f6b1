import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SluiceError } from '../../../src/core/errors.js'
import { loadConfig } from '../../../src/config/file.js'
import { Database } from '../../../src/facade/database.js'
import { resolve, visibleText } from './schemes.js'

const SPLITTERS = ['@', '/', ':', '?', '#', '%', '&', '=', ',', ' ', '\'', '"', '\\', '[', ']', '{', '}', '$', '*', '!', '0', 'a']

/** Passwords with every character that splits URLs, around a mark that nothing else contains. */
const PASSWORD = fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8, unit: fc.constantFrom(...SPLITTERS) }))
  .map(([before, after]) => `${before}Zq9Xv7Kp${after}`)
const MARK = 'Zq9Xv7Kp'

/** Ways to go wrong beside a password, so that there is a message at all. */
const SLIP = fc.constantFrom<object>(
  {}, { pool: { max: '5' } }, { pool: { min: 9, max: 1 } }, { unknown: 1 }, { replicas: ['mysql://x/y'] }, { replicas: [{ host: 'a:b' }] },
  { replicas: 5 }, { echo: 'x' }, { backup: { encryption: true } },
)

/** Places a password can be put into, as options or as an environment. */
type Place = (password: string) => { readonly options?: object | string; readonly env?: Record<string, string> }
const PLACES: Readonly<Record<string, Place>> = {
  'a raw URL': (password) => ({ options: { primary: `postgres://app:${password}@db1/shop` } }),
  'a raw URL with a wrong mode': (password) => ({ options: { primary: `postgres://app:${password}@db1/shop?sslmode=none` } }),
  'a raw URL of an unknown engine': (password) => ({ options: { primary: `oracle://app:${password}@db1/shop` } }),
  'an escaped URL': (password) => ({ options: { primary: `postgres://app:${encodeURIComponent(password)}@db1:x/shop` } }),
  'a URL\'s parameter': (password) => ({ options: { primary: `postgres://db1/shop?password=${encodeURIComponent(password)}&ssl=x` } }),
  'a URL\'s raw parameter': (password) => ({ options: { primary: `postgres://db1/shop?password=${password}` } }),
  'a URL\'s key password': (password) => ({ options: { primary: `postgres://db1/shop?sslpassword=${encodeURIComponent(password)}&sslcert=/x` } }),
  'a raw replica': (password) => ({ options: { primary: 'postgres://db1/shop', replicas: [`postgres://app:${password}@db2/shop`] } }),
  'an option': (password) => ({ options: { primary: { host: 'db1', prot: 1, password } } }),
  'a misspelt option': (password) => ({ options: { primary: { host: 'db1', pasword: password } } }),
  'a password of a wrong type': (password) => ({ options: { primary: { host: 'db1', password: [password] } } }),
  'the TLS key': (password) => ({ options: { primary: { host: 'db1', ssl: { key: password, cert: '-----BEGIN' } } } }),
  'the TLS passphrase': (password) => ({ options: { primary: { host: 'db1', ssl: { passphrase: password, mode: 'x' } } } }),
  'the host': (password) => ({ options: { primary: { host: `postgres://app:${password}@db1/shop` } } }),
  'driver options': (password) => ({ options: { primary: { host: 'db1', port: 'x' }, driverOptions: { password } } }),
  'a backup passphrase': (password) => ({ options: { primary: 'postgres://db1', backup: { encryption: { passphrase: password, identities: password } } } }),
  'options that are the URL': (password) => ({ options: `postgres://app:${password}@db1:/shop` }),
  'DATABASE_URL': (password) => ({ options: {}, env: { DATABASE_URL: `postgres://app:${password}@db1/shop` } }),
  'DATABASE_URL without a scheme': (password) => ({ options: {}, env: { DATABASE_URL: `//app:${password}@db1/shop` } }),
  'DATABASE_REPLICA_URLS': (password) => ({ options: {}, env: { DATABASE_URL: 'postgres://db1', DATABASE_REPLICA_URLS: `postgres://app:${password}@db2/x` } }),
  'DB_PASSWORD': (password) => ({ options: {}, env: { DB_HOST: 'db1', DB_PORT: 'x', DB_PASSWORD: password } }),
  'PGPASSWORD': (password) => ({ options: {}, env: { DB_HOST: 'a:b:c', PGPASSWORD: password } }),
  'DB_HOST': (password) => ({ options: {}, env: { DB_HOST: `postgres://app:${password}@db1` } }),
}

describe('no password given anywhere appears in an error', () => {
  it.each(Object.entries(PLACES))('in %s', (_name, place) => {
    fc.assert(fc.property(PASSWORD, SLIP, (password, slip) => {
      const { options = {}, env = {} } = place(password)
      try {
        resolve(typeof options === 'string' ? options : { ...slip, ...options }, env)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(SluiceError)
        expect(visibleText(thrown as SluiceError)).not.toContain(MARK)
      }
    }), { numRuns: 100 })
  })

  describe('of a file', () => {
    let dir = ''
    beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'sluice-secrets-')) })
    afterAll(() => { rmSync(dir, { recursive: true }) })

    it.each(['yaml', 'json', 'env'])('.%s, however broken', async (extension) => {
      await fc.assert(fc.asyncProperty(PASSWORD, SLIP, async (password, slip) => {
        const path = join(dir, `x.${extension}`)
        writeFileSync(path, extension === 'env' ? `DB_HOST=h\nDB_PORT=x\nDB_PASSWORD=${password}`
          : JSON.stringify({ ...slip, primary: `postgres://a:${MARK}@h/x` }).replace(MARK, () => password))
        try {
          await loadConfig(path, { env: {} })
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(SluiceError)
          expect(visibleText(thrown as SluiceError)).not.toContain(MARK)
        }
      }), { numRuns: 60 })
    })
  })
})

it('a database that lands in a log takes no password there', () => {
  const db = new Database({ primary: 'postgres://app:hunter2@127.0.0.1:1/shop', replicas: ['postgres://app:hunter3@127.0.0.1:2/shop'] })
  const loaded = { request: { db, bound: db.with({ label: 'x' }) } }
  for (const text of [JSON.stringify(loaded), inspect(loaded, { depth: null })]) expect(text).not.toMatch(/hunter/)
})
