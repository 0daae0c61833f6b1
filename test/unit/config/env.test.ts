import { describe, expect, it } from 'vitest'
import { environment } from '../../../src/config/env.js'
import { configErrorOf, errorOf, resolve } from './schemes.js'

describe('the environment', () => {
  it('with nothing set is refused by naming DATABASE_URL and the embedded choices', () => {
    for (const input of [undefined, {}, { pool: { max: 3 } }, { primary: { engine: 'postgres' } }]) {
      const error = configErrorOf(input, {})
      expect(error.message).toMatch(/DATABASE_URL/)
      expect(error.message).toMatch(/sqlite:app\.db/)
      expect(error.message).toMatch(/pglite:\.\/data/)
      expect(error.message).toMatch(/embedded databases need no server/)
      expect(error.option).toBe('primary')
    }
  })

  it('is not asked when the options name the server', () => {
    const env = { DATABASE_URL: 'postgres://other/x', DB_MAX_OPEN_CONNS: 'nonsense', DATABASE_REPLICA_URLS: 'postgres://other2/x' }
    const options = resolve('postgres://db1/shop', env)
    expect(options.primary.name).toBe('db1:5432')
    expect(options.replicas).toEqual([])
    expect(options.pool.max).toBe(10)
  })

  it('gives the servers by DATABASE_URL and DATABASE_REPLICA_URLS', () => {
    const options = resolve(undefined, {
      DATABASE_URL: 'postgres://app:secret@a:1,b:2/shop',
      DATABASE_REPLICA_URLS: 'postgres://app@c,d:3/shop, postgres://reader:x@e/shop',
    })
    expect(options.primary.name).toBe('a:1,b:2')
    expect(options.replicas.map(({ name, target }) => [name, target.user, target.password])).toEqual([
      ['c:5432,d:3', 'app', 'secret'], ['e:5432', 'reader', 'x'],
    ])
  })

  it('gives the servers by the DB_* family', () => {
    const options = resolve(undefined, {
      DB_HOST: 'db1', DB_PORT: '5433', DB_USER: 'app', DB_PASSWORD: 'secret', DB_NAME: 'shop', DB_SSLMODE: 'require',
      DB_REPLICA_HOSTS: 'r1, r2:6000,[::1]',
    })
    expect(options.primary).toMatchObject({
      name: 'db1:5433', target: { scheme: 'postgres', user: 'app', password: 'secret', database: 'shop', tls: { mode: 'require' } },
    })
    expect(options.replicas.map(({ name }) => name)).toEqual(['r1:5433', 'r2:6000', '[::1]:5433'])
    for (const { target } of options.replicas) expect(target).toMatchObject({ user: 'app', password: 'secret', database: 'shop', tls: { mode: 'require' } })
  })

  it('reads PGPASSWORD where DB_PASSWORD is not set', () => {
    expect(resolve(undefined, { DB_HOST: 'h', PGPASSWORD: 'p' }).primary.target.password).toBe('p')
    expect(resolve(undefined, { DB_HOST: 'h', PGPASSWORD: 'p', DB_PASSWORD: 'd' }).primary.target.password).toBe('d')
  })

  it('reads DB_HOST as one host, several, a socket folder or an IPv6 address', () => {
    const hosts = (host: string) => resolve(undefined, { DB_HOST: host, DB_PORT: '7' }).primary.target.hosts
    expect(hosts('a,b:8')).toEqual([{ host: 'a', port: 7 }, { host: 'b', port: 8 }])
    expect(hosts('/run/postgresql')).toEqual([{ host: '/run/postgresql', port: 7 }])
    expect(hosts('::1')).toEqual([{ host: '::1', port: 7 }])
  })

  it('means PostgreSQL by DB_* unless DB_DRIVER says otherwise', () => {
    expect(resolve(undefined, { DB_NAME: 'shop' }).primary.target).toMatchObject({ scheme: 'postgres', hosts: [{ host: 'localhost', port: 5432 }] })
    expect(resolve(undefined, { DB_DRIVER: 'mysql', DB_HOST: 'h' }).primary.target).toMatchObject({ scheme: 'mysql', hosts: [{ host: 'h', port: 3306 }] })
    expect(resolve(undefined, { DB_DRIVER: 'sqlite3', DB_NAME: 'app.db' }).primary.target).toMatchObject({ scheme: 'sqlite', database: 'app.db', hosts: [] })
    expect(errorOf(() => resolve(undefined, { DB_DRIVER: 'oracle', DB_HOST: 'h' })).message).toMatch(/unknown engine 'oracle:'/)
  })

  it('lets DATABASE_URL win over every address of DB_*, while the limits of DB_* hold', () => {
    const options = resolve(undefined, {
      DATABASE_URL: 'postgres://db1/shop', DB_HOST: 'other', DB_PORT: 'nonsense', DB_USER: 'other', DB_PASSWORD: 'other', DB_NAME: 'other',
      DB_SSLMODE: 'nonsense', DB_REPLICA_HOSTS: 'other2', DB_DRIVER: 'mysql', DB_MAX_OPEN_CONNS: '7',
    })
    expect(options.primary).toMatchObject({ name: 'db1:5432', target: { scheme: 'postgres', user: undefined, password: undefined, database: 'shop' } })
    expect(options.replicas).toEqual([])
    expect(options.pool.max).toBe(7)
  })

  it('gives limits and times', () => {
    const options = resolve(undefined, {
      DATABASE_URL: 'postgres://db1/shop', DB_MAX_OPEN_CONNS: '25', DB_MAX_IDLE_CONNS: '5', DB_CONN_MAX_LIFETIME: '1h30m',
      DB_CONN_MAX_IDLE_TIME: '1m', DB_STATEMENT_TIMEOUT: '30s', DB_CONNECT_TIMEOUT: '250ms',
    })
    expect(options.pool).toMatchObject({ max: 25, maxIdle: 5, maxLifetimeMs: 5_400_000, idleTimeoutMs: 60_000 })
    expect(options.statementTimeoutMs).toBe(30_000)
    expect(options.connectTimeoutMs).toBe(250)
  })

  it('gives way to the options, one by one', () => {
    const env = { DATABASE_URL: 'postgres://db1/shop', DATABASE_REPLICA_URLS: 'postgres://db2/shop', DB_MAX_OPEN_CONNS: '25', DB_MAX_IDLE_CONNS: '5' }
    const options = resolve({ pool: { max: 8 }, replicas: [] }, env)
    expect(options.pool).toMatchObject({ max: 8, maxIdle: 5 })
    expect(options.replicas).toEqual([])
  })

  it('completes a primary that names no address', () => {
    const password = () => 'token'
    const options = resolve({ primary: { name: 'main', password } }, { DATABASE_URL: 'postgres://app:old@db1/shop' })
    expect(options.primary).toMatchObject({ name: 'main', target: { hosts: [{ host: 'db1', port: 5432 }], user: 'app', password } })
  })

  it('must name the engine the options ask for', () => {
    expect(configErrorOf({ primary: { engine: 'mysql' } }, { DATABASE_URL: 'postgres://db1/shop' }).message)
      .toBe('DATABASE_URL: expected a server of the configured engine (mysql), got postgres')
  })

  it('reads BACKUP_DIR, and its companions only beside it', () => {
    const env = { DATABASE_URL: 'postgres://db1/shop', RETENTION_DAYS: '7', COMPRESSION: 'false', PARALLEL_JOBS: '2' }
    expect(resolve(undefined, { ...env, BACKUP_DIR: '/var/backups' }).backup)
      .toMatchObject({ location: 'file:/var/backups', retentionDays: 7, compression: false, parallelJobs: 2 })
    expect(resolve(undefined, { ...env, BACKUP_DIR: 's3://bucket/x' }).backup.location).toBe('s3://bucket/x')
    expect(resolve(undefined, { ...env, COMPRESSION: 'nonsense' }).backup.retentionDays).toBeUndefined()
  })

  it('counts an empty variable as not set', () => {
    expect(resolve(undefined, { DATABASE_URL: '', DB_HOST: 'h', DB_PORT: '', DB_PASSWORD: '', PGPASSWORD: 'p' }).primary)
      .toMatchObject({ name: 'h:5432', target: { password: 'p' } })
  })

  it.each([
    [{ DATABASE_URL: 'nonsense' }, 'DATABASE_URL: expected a URL like postgres://user:password@host:5432/database, got a text without a scheme'],
    [{ DATABASE_URL: 'postgres://h/x', DATABASE_REPLICA_URLS: 'db2' }, 'DATABASE_REPLICA_URLS: expected a URL like postgres://user:password@host:5432/database, got a text without a scheme'],
    [{ DATABASE_URL: 'postgres://h/x', DATABASE_REPLICA_URLS: 'mysql://h/x' }, "DATABASE_REPLICA_URLS: expected a server of the primary's engine (postgres), got mysql"],
    [{ DATABASE_URL: 'postgres://h/x?sslmode=none' }, "DATABASE_URL (sslmode): expected one of 'disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', got the text 'none'"],
    [{ DB_HOST: 'postgres://h' }, 'DB_HOST: expected a host name, got a URL'],
    [{ DB_HOST: 'h', DB_PORT: '5432x' }, "DB_PORT: expected a whole number, got the text '5432x'"],
    [{ DB_HOST: 'h', DB_PORT: '0' }, 'DB_PORT: expected a port from 1 to 65535, got 0'],
    [{ DB_HOST: 'h', DB_SSLMODE: 'verify_full' }, "DB_SSLMODE: expected one of 'disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', got the text 'verify_full'"],
    [{ DB_HOST: 'h', DB_REPLICA_HOSTS: 'a,,b' }, 'DB_REPLICA_HOSTS: expected a host between the commas, got none'],
    [{ DB_HOST: 'h', DB_REPLICA_HOSTS: 'a:x' }, 'DB_REPLICA_HOSTS: expected a port from 1 to 65535, got something else after the host'],
    [{ DB_HOST: 'h', DB_REPLICA_HOSTS: 'a,a' }, "DB_REPLICA_HOSTS: expected another server than replicas.0, got the same one ('a:5432')"],
    [{ DB_HOST: 'h', DB_MAX_OPEN_CONNS: 'ten' }, "DB_MAX_OPEN_CONNS: expected a whole number, got the text 'ten'"],
    [{ DB_HOST: 'h', DB_MAX_OPEN_CONNS: '0' }, 'DB_MAX_OPEN_CONNS (pool.max): expected a whole number of at least 1, got 0'],
    [{ DB_HOST: 'h', DB_MAX_OPEN_CONNS: '5', DB_MAX_IDLE_CONNS: '6' }, 'DB_MAX_IDLE_CONNS (pool.maxIdle): expected at most pool.max (5), got 6'],
    [{ DB_HOST: 'h', DB_CONN_MAX_LIFETIME: '300' }, "DB_CONN_MAX_LIFETIME: expected a duration with its unit ('30s', '5m', '100ms', '1h30m'), got the text '300'"],
    [{ DB_HOST: 'h', DB_CONN_MAX_IDLE_TIME: '5 minutes' }, "DB_CONN_MAX_IDLE_TIME: expected a duration with its unit ('30s', '5m', '100ms', '1h30m'), got a text"],
    [{ DB_HOST: 'h', DB_STATEMENT_TIMEOUT: '-1s' }, "DB_STATEMENT_TIMEOUT: expected a duration with its unit ('30s', '5m', '100ms', '1h30m'), got the text '-1s'"],
    [{ DB_HOST: 'h', DB_CONNECT_TIMEOUT: '30d' }, "DB_CONNECT_TIMEOUT: expected a duration up to 24 days, got the text '30d'"],
    [{ DB_HOST: 'h', BACKUP_DIR: '/b', COMPRESSION: 'gzip' }, "COMPRESSION: expected true or false, got the text 'gzip'"],
  ])('%o is refused by naming the variable', (env, message) => {
    expect(configErrorOf(undefined, env).message).toBe(message)
  })

  it('of the process is the default', () => {
    expect(environment()['TZ']).toBe(process.env['TZ'])
  })
})
