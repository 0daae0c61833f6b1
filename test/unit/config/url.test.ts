import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UnknownEngineError } from '../../../src/core/errors.js'
import { parseServerUrl, splitUrls } from '../../../src/config/url.js'
import { configErrorOf, errorOf, resolve, SCHEMES } from './schemes.js'

const target = (url: string) => resolve(url).primary.target

describe('a server URL', () => {
  it.each([
    ['postgres://app:secret@db1:5433/shop', { hosts: [{ host: 'db1', port: 5433 }], user: 'app', password: 'secret', database: 'shop' }],
    ['postgresql://db1/shop', { scheme: 'postgresql', hosts: [{ host: 'db1', port: 5432 }], user: undefined, password: undefined }],
    ['POSTGRES://db1/shop', { scheme: 'postgres' }],
    ['  postgres://db1/shop\n', { database: 'shop' }],
    ['mysql://app@db1/shop', { scheme: 'mysql', hosts: [{ host: 'db1', port: 3306 }] }],
    ['postgresql+psycopg2://u:p@db1/shop', { scheme: 'postgresql', user: 'u', password: 'p' }],
    ['postgres://', { hosts: [{ host: 'localhost', port: 5432 }], database: undefined }],
    ['postgres:///shop', { hosts: [{ host: 'localhost', port: 5432 }], database: 'shop' }],
    ['postgres://:5433/shop', { hosts: [{ host: 'localhost', port: 5433 }] }],
    ['postgres://a%40b:p%40ss%2F%3A%25@db1/sh%20op', { user: 'a@b', password: 'p@ss/:%', database: 'sh op' }],
    ['postgres://u:p@ss#1@db1/shop', { user: 'u', password: 'p@ss#1', hosts: [{ host: 'db1', port: 5432 }] }],
    ['postgres://u:a:b@db1/shop', { user: 'u', password: 'a:b' }],
    ['postgres://u:@db1/shop', { user: 'u', password: '' }],
    ['postgres://db1/shop?user=u&password=p+q&dbname=other', { user: 'u', password: 'p+q', database: 'other' }],
    ['postgres://[::1]:5433/shop', { hosts: [{ host: '::1', port: 5433 }] }],
    ['postgres://[fe80::1%25eth0]/shop', { hosts: [{ host: 'fe80::1%eth0', port: 5432 }] }],
    ['postgres://%2Frun%2Fpostgresql/shop', { hosts: [{ host: '/run/postgresql', port: 5432 }], tls: { mode: 'disable' } }],
    ['postgres://%2Frun%2Fpostgresql:5433/shop', { hosts: [{ host: '/run/postgresql', port: 5433 }] }],
    ['postgres:///shop?host=/run/postgresql', { hosts: [{ host: '/run/postgresql', port: 5432 }], tls: { mode: 'disable' } }],
    ['postgres:///shop?host=::1&port=5433', { hosts: [{ host: '::1', port: 5433 }] }],
    ['postgres://a:5432,b:5433,[::1]/shop?target_session_attrs=read-write',
      { hosts: [{ host: 'a', port: 5432 }, { host: 'b', port: 5433 }, { host: '::1', port: 5432 }], targetSessionAttrs: 'read-write' }],
    ['postgres:///shop?host=a,b&port=1,2', { hosts: [{ host: 'a', port: 1 }, { host: 'b', port: 2 }] }],
    ['postgres://a,b/shop?port=7', { hosts: [{ host: 'a', port: 7 }, { host: 'b', port: 7 }] }],
    ['postgres://db1/shop?application_name=my%20app&options=-c%20search_path%3Dapp&statement_timeout=5s&foo=bar',
      { applicationName: 'my app', parameters: { options: '-c search_path=app', statement_timeout: '5s', foo: 'bar' } }],
    ['postgres://db1/shop?uselibpqcompat=true&sslmode=require', { tls: { mode: 'require' }, parameters: {} }],
    ['postgres://db1/shop?a=1&a=2', { parameters: { a: '2' } }],
    ['sqlite:app.db', { scheme: 'sqlite', hosts: [], database: 'app.db', tls: { mode: 'disable' } }],
    ['sqlite::memory:', { database: ':memory:' }],
    ['sqlite:///var/lib/app.db', { database: '/var/lib/app.db' }],
    ['sqlite:./my%20app.db?mode=ro', { database: './my app.db', parameters: { mode: 'ro' } }],
    ['file:app.db?cache=shared&mode=rwc', { scheme: 'file', database: 'app.db', parameters: { cache: 'shared', mode: 'rwc' } }],
    ['pglite://memory', { scheme: 'pglite', database: ':memory:' }],
    ['pglite:./data', { database: './data' }],
  ])('%s is read as libpq or the engine would', (url, expected) => {
    expect(target(url)).toMatchObject(expected)
  })

  it.each([
    ['db1:5432/shop', UnknownEngineError, /unknown engine 'db1:'/],
    ['just a text', undefined, /primary: expected a URL like .*, got a text without a scheme/],
    ['postgres:db1/shop', undefined, /got a text without \/\/ after 'postgres:'/],
    ['postgres://db1:54x2/shop', undefined, /expected a port from 1 to 65535/],
    ['postgres://db1:0/shop', undefined, /expected a port from 1 to 65535/],
    ['postgres://db1:65536/shop', undefined, /expected a port from 1 to 65535/],
    ['postgres://a,,b/shop', undefined, /expected a host between the commas/],
    ['postgres://::1/shop', undefined, /expected addresses like host:5432 or \[::1\]:5432/],
    ['postgres://u:p%zz@db1/shop', undefined, /% signs are followed by two hex digits/],
    ['postgres://u:pa/ss@db1/shop', undefined, /expected a port from 1 to 65535|unescaped '@'/],
    ['postgres://u:12/ss@db1/shop', undefined, /unescaped '@' after its first '\/'/],
    ['postgres://u:12?ss@db1/shop', undefined, /without a name or without '='/],
    ['postgres://db1/shop?sslmode=verify', undefined, /primary \(sslmode\): expected one of 'disable'.*got the text 'verify'/],
    ['postgres://db1/shop?ssl=maybe', undefined, /primary \(ssl\): expected true or false/],
    ['postgres://db1/shop?target_session_attrs=master', undefined, /primary \(target_session_attrs\): expected one of 'any'/],
    ['postgres://db1/shop?connect_timeout=5s', undefined, /primary \(connect_timeout\): expected whole seconds/],
    ['postgres://a,b/shop?port=1,2,3', undefined, /primary \(port\): expected one port, or one for each of 2 hosts, got 3/],
    ['postgres://db1/shop?=x', undefined, /without a name/],
    ['sqlite:', undefined, /expected a file, or :memory:, after 'sqlite:'/],
    ['sqlite://?mode=ro', undefined, /expected a file, or :memory:/],
  ])('%s is refused', (url, kind, message) => {
    const error = errorOf(() => resolve(url))
    if (kind !== undefined) expect(error).toBeInstanceOf(kind)
    expect(error.message).toMatch(message)
  })

  it('names its node by host and port, all of them', () => {
    expect(resolve('postgres://db1/shop').primary.name).toBe('db1:5432')
    expect(resolve('postgres://a,[::1]:7/shop').primary.name).toBe('a:5432,[::1]:7')
    expect(resolve('postgres:///x?host=/run/pg').primary.name).toBe('/run/pg:5432')
    expect(resolve('sqlite:app.db').primary.name).toBe('sqlite:app.db')
  })

  it('gives connect_timeout in seconds, and zero or less for no limit', () => {
    expect(resolve('postgres://db1/shop').primary.connectTimeoutMs).toBe(5_000)
    expect(resolve('postgres://db1/shop?connect_timeout=7')).toMatchObject({ connectTimeoutMs: 7_000, primary: { connectTimeoutMs: 7_000 } })
    expect(resolve('postgres://db1/shop?connect_timeout=-1').primary.connectTimeoutMs).toBe(0)
    expect(resolve({ primary: 'postgres://db1/shop?connect_timeout=7', connectTimeoutMs: 1 }).primary.connectTimeoutMs).toBe(7_000)
  })

  it('does not take the unknown scheme of a registered driver for unknown', () => {
    const schemes = [...SCHEMES, { scheme: 'cockroach', defaultPort: 26_257, embedded: false }]
    expect(parseServerUrl('cockroach://db1/shop', 'primary', schemes).scheme).toBe('cockroach')
  })
})

describe('a list of URLs', () => {
  it('is split before schemes only', () => {
    expect(splitUrls('postgres://a:5432,b:5433/shop?x=1, postgres://c,d/shop,postgresql://e/shop')).toEqual([
      'postgres://a:5432,b:5433/shop?x=1', 'postgres://c,d/shop', 'postgresql://e/shop',
    ])
    expect(splitUrls('sqlite:a.db,sqlite:b.db')).toEqual(['sqlite:a.db', 'sqlite:b.db'])
    expect(splitUrls('postgres://u:a,b@h/x')).toEqual(['postgres://u:a,b@h/x'])
  })
})

describe('TLS', () => {
  let dir = ''
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-tls-'))
    for (const name of ['ca', 'cert', 'key']) writeFileSync(join(dir, `${name}.pem`), pem)
    writeFileSync(join(dir, 'empty.pem'), 'nothing')
  })
  afterAll(() => { rmSync(dir, { recursive: true }) })

  const tls = (query: string) => target(`postgres://db1/shop?${query.replaceAll('DIR', dir)}`).tls

  it.each(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'])('sslmode=%s is itself', (mode) => {
    expect(tls(`sslmode=${mode}`).mode).toBe(mode)
  })

  it('is preferred by default, as libpq does, and never used over a unix socket', () => {
    expect(target('postgres://db1/shop').tls).toEqual({ mode: 'prefer' })
    expect(target('postgres:///shop?host=/run/pg&sslmode=verify-full').tls).toEqual({ mode: 'disable' })
  })

  it('require with a root certificate checks it, as libpq does', () => {
    expect(tls('sslmode=require&sslrootcert=DIR/ca.pem')).toMatchObject({ mode: 'verify-ca', ca: pem })
    expect(tls('sslmode=prefer&sslrootcert=DIR/ca.pem')).toMatchObject({ mode: 'prefer', ca: pem })
  })

  it('reads certificate and key, and hands on the passphrase', () => {
    expect(tls('sslmode=verify-full&sslcert=DIR/cert.pem&sslkey=DIR/key.pem&sslpassword=x')).toMatchObject({ cert: pem, key: pem, passphrase: 'x' })
  })

  it('sslrootcert=system means verify-full, and nothing weaker', () => {
    expect(tls('sslrootcert=system')).toMatchObject({ mode: 'verify-full', ca: undefined })
    expect(configErrorOf('postgres://db1/shop?sslrootcert=system&sslmode=require').message)
      .toBe("primary (sslmode): expected 'verify-full' when the root certificates are those of the system, got 'require'")
  })

  it('ssl=true is sslmode=require, as libpq reads it', () => {
    expect(tls('ssl=true').mode).toBe('require')
    expect(tls('ssl=0').mode).toBe('disable')
    expect(tls('ssl=true&sslmode=verify-full').mode).toBe('verify-full')
  })

  it('refuses files that hold no PEM text', () => {
    expect(configErrorOf(`postgres://db1/shop?sslrootcert=${dir}/empty.pem`).message).toMatch(/sslrootcert.* holds no PEM text/)
  })

  it('as an option: true checks everything, an object too unless it says otherwise', () => {
    const of = (ssl: unknown) => resolve({ primary: { host: 'db1', ssl } }).primary.target.tls
    expect(of(true)).toMatchObject({ mode: 'verify-full' })
    expect(of(false)).toEqual({ mode: 'disable' })
    expect(of('require')).toMatchObject({ mode: 'require' })
    expect(of({ ca: pem })).toMatchObject({ mode: 'verify-full', ca: pem })
    expect(of({ mode: 'require', ca: join(dir, 'ca.pem') })).toMatchObject({ mode: 'verify-ca', ca: pem })
    expect(of({ serverName: 'db.internal' })).toMatchObject({ mode: 'verify-full', serverName: 'db.internal' })
  })
})
