import { describe, expect, it } from 'vitest'
import { DEFAULTS } from '../../../src/config/defaults.js'
import { resolve } from './schemes.js'

const url = 'postgres://app:secret@db1:5432/shop'

describe('resolved options', () => {
  it('have the documented default where nothing was given', () => {
    const { primary, replicas, direct, ...settings } = resolve(url)
    expect(settings).toEqual(DEFAULTS)
    expect(replicas).toEqual([])
    expect(direct).toBeUndefined()
    expect(primary).toEqual({
      name: 'db1:5432', weight: 1, zone: undefined, connectTimeoutMs: 5_000,
      target: {
        scheme: 'postgres', hosts: [{ host: 'db1', port: 5432 }], targetSessionAttrs: 'any', user: 'app', password: 'secret', database: 'shop',
        tls: { mode: 'prefer' }, applicationName: undefined, parameters: {}, driverOptions: {},
      },
    })
  })

  it('treat undefined as left out, at every depth', () => {
    expect(resolve({ primary: url, pool: { max: undefined, maxIdle: undefined }, retry: undefined, cache: { ttlMs: undefined } }))
      .toEqual(resolve(url))
  })

  it('keep what was given beside the defaults of the same section', () => {
    const options = resolve({ primary: url, pool: { max: 3 }, routing: { strategy: 'random' }, alerts: { queryLatencyMs: 5 } })
    expect(options.pool).toEqual({ ...DEFAULTS.pool, max: 3 })
    expect(options.routing).toEqual({ ...DEFAULTS.routing, strategy: 'random' })
    expect(options.alerts).toEqual({ ...DEFAULTS.alerts, queryLatencyMs: 5 })
  })

  it('take the shorthands', () => {
    const options = resolve({
      primary: url, metrics: false, cache: false, routing: { fallbackToPrimary: false },
      backup: { encryption: false, schedule: '0 0 * * *' },
    })
    expect(options.metrics.enabled).toBe(false)
    expect(options.cache).toBeUndefined()
    expect(options.routing.fallbackToPrimary).toEqual({ maxShare: 0 })
    expect(options.backup).toMatchObject({ encryption: undefined, schedule: { cron: '0 0 * * *', timezone: 'UTC' } })
    expect(resolve({ primary: url, cache: true }).cache).toEqual(DEFAULTS.cache)
    expect(resolve({ primary: url, routing: { fallbackToPrimary: true } }).routing.fallbackToPrimary).toEqual({ maxShare: 1 })
    expect(resolve({ primary: url, routing: { fallbackToPrimary: { maxShare: 0.3 } } }).routing.fallbackToPrimary).toEqual({ maxShare: 0.3 })
  })

  it('give a short lifetime a tenth as jitter, unless the jitter is given', () => {
    expect(resolve({ primary: url, pool: { maxLifetimeMs: 60_000 } }).pool.maxLifetimeJitterMs).toBe(6_000)
    expect(resolve({ primary: url, pool: { maxLifetimeMs: 60_000, maxLifetimeJitterMs: 60_000 } }).pool.maxLifetimeJitterMs).toBe(60_000)
  })

  it('are frozen to the bottom, without touching what belongs to the caller', () => {
    const given = {
      primary: { host: 'db1', driverOptions: { ssl: { a: 1 } } }, replicas: [{ host: 'db2' }], routing: { writeFunctions: ['f'] },
      observers: [{ query: () => undefined }], logger: { debug: () => 0, info: () => 0, warn: () => 0, error: () => 0 },
    }
    const options = resolve(given)
    for (const part of [options, options.pool, options.routing.writeFunctions, options.replicas, options.replicas[0]?.target.hosts[0],
      options.primary.target.driverOptions, options.observers]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
    for (const own of [given.routing.writeFunctions, given.observers[0], given.logger, given.primary.driverOptions.ssl]) {
      expect(Object.isFrozen(own)).toBe(false)
    }
    expect(options.logger).toBe(given.logger)
    expect(options.primary.target.driverOptions['ssl']).toBe(given.primary.driverOptions.ssl)
    expect(options.observers[0]).toBe(given.observers[0])
  })

  it('keep password functions as they are', () => {
    const password = () => Promise.resolve('secret')
    expect(resolve({ primary: { host: 'db1', password } }).primary.target.password).toBe(password)
  })

  it('complete a URL by an object around it', () => {
    const password = () => 'rotated'
    const { primary } = resolve({ primary: { url, name: 'main', zone: 'a', password, applicationName: 'shop', parameters: { x: '1' } } })
    expect(primary).toMatchObject({ name: 'main', zone: 'a', target: { user: 'app', password, applicationName: 'shop', parameters: { x: '1' } } })
  })

  it('hand driver options to every node, a node\'s own over the database\'s', () => {
    const { primary, replicas } = resolve({ primary: url, replicas: [{ host: 'db2', driverOptions: { b: 3 } }], driverOptions: { a: 1, b: 2 } })
    expect(primary.target.driverOptions).toEqual({ a: 1, b: 2 })
    expect(replicas[0]?.target.driverOptions).toEqual({ a: 1, b: 3 })
  })
})

describe('a replica', () => {
  const replica = (server: unknown, primary: unknown = `${url}?sslmode=require&application_name=shop&options=-c%20a%3Db&connect_timeout=9`) =>
    resolve({ primary, replicas: [server] }).replicas[0]

  it('takes what it leaves out from the primary', () => {
    expect(replica('postgres://app@db2/shop')).toMatchObject({
      name: 'db2:5432', connectTimeoutMs: 9_000,
      target: { user: 'app', password: 'secret', applicationName: 'shop', tls: { mode: 'require' }, parameters: { options: '-c a=b' } },
    })
    expect(replica({ host: 'db2' })).toMatchObject({ target: { scheme: 'postgres', user: 'app', password: 'secret', database: 'shop' } })
    expect(replica('postgres://db2')?.target.database).toBe('shop')
  })

  it('keeps what it says', () => {
    expect(replica('postgres://app:other@db2:7/shop2?sslmode=disable&options=x')).toMatchObject({
      name: 'db2:7', target: { password: 'other', database: 'shop2', tls: { mode: 'disable' }, parameters: { options: 'x' } },
    })
  })

  it('never gets the password of another user', () => {
    expect(replica('postgres://reader@db2/shop')?.target.password).toBeUndefined()
    expect(replica({ host: 'db2', user: 'reader' })?.target.password).toBeUndefined()
  })

  it('never gets an address, a name, a weight or a certificate\'s name of the primary', () => {
    const primary = { url: 'postgres://a,b/shop?target_session_attrs=read-write', name: 'main', weight: 5, zone: 'z', ssl: { serverName: 'a' } }
    expect(replica({ host: 'db2' }, primary)).toMatchObject({
      name: 'db2:5432', weight: 1, zone: undefined,
      target: { hosts: [{ host: 'db2', port: 5432 }], targetSessionAttrs: 'any', tls: { mode: 'verify-full', serverName: undefined } },
    })
  })

  it('may use another scheme of the same engine', () => {
    expect(replica('postgresql://db2/shop')?.target.scheme).toBe('postgresql')
    expect(resolve({ primary: 'mysql://db1/x', replicas: ['mariadb://db2/x'] }).replicas[0]?.target.scheme).toBe('mariadb')
  })
})

describe('directUrl', () => {
  it('is a node of its own that logs in as the primary does', () => {
    const { direct } = resolve({ primary: 'postgres://app:secret@pooler:6432/shop', directUrl: 'postgres://db1/shop' })
    expect(direct).toMatchObject({ name: 'db1:5432', target: { user: 'app', password: 'secret' } })
  })
})
