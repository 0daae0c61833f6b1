import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/core/errors.js'
import { loadConfig, moduleError } from '../../../src/config/file.js'
import { resolve } from './schemes.js'

let dir = ''
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'sluice-config-')) })
afterAll(() => { rmSync(dir, { recursive: true }) })

let count = 0
function write(extension: string, text: string): string {
  const path = join(dir, `config-${String(count++)}.${extension}`)
  writeFileSync(path, text)
  return path
}

const loadText = (extension: string, text: string, env: Record<string, string> = {}) => loadConfig(write(extension, text), { env })

async function refused(promise: Promise<unknown>): Promise<ConfigError> {
  const error: unknown = await promise.then(() => undefined, (thrown: unknown) => thrown)
  if (error instanceof ConfigError) return error
  throw error instanceof Error ? error : new Error('expected a ConfigError, got none')
}

const fixture = (name: string): string => join(import.meta.dirname, '../../fixtures/configs', name)
const url = 'postgres://app@db1/shop'

describe('the sample files', () => {
  it('component.yaml is refused as it stands, because it encrypts with no key, and says how to make one', async () => {
    const error = await refused(loadConfig(fixture('component.yaml')))
    expect(error.message).toBe('component.yaml: backup.encryption: expected a key (make one with: age-keygen -o backup-key.txt), got none')
    expect(error.hint).toMatch(/backup\.encryption_key: age1…/)
  })

  it.each([
    ['a recipient', 'encryption: true', 'encryption: true\n  encryption_key: age1qqq', { recipients: ['age1qqq'], identities: [], passphrase: undefined }],
    ['a recipient before the switch', 'encryption: true', 'recipients: [age1qqq]\n  encryption: true', { recipients: ['age1qqq'], identities: [], passphrase: undefined }],
    ['recipients', 'encryption: true', 'encryption: true\n  recipients: [age1a, age1b]', { recipients: ['age1a', 'age1b'], identities: [], passphrase: undefined }],
    ['an identity', 'encryption: true', 'encryption: { key: AGE-SECRET-KEY-1X }', { recipients: [], identities: ['AGE-SECRET-KEY-1X'], passphrase: undefined }],
    ['a passphrase', 'encryption: true', 'encryption_key: correct horse', { recipients: [], identities: [], passphrase: 'correct horse' }],
    ['no encryption', 'encryption: true', 'encryption: false\n  encryption_key: age1qqq', undefined],
  ])('component.yaml loads with %s', async (_what, from, to, encryption) => {
    const { readFile } = await import('node:fs/promises')
    const text = (await readFile(fixture('component.yaml'), 'utf8')).replace(from, to)
    const options = resolve(await loadText('yaml', text), { DATABASE_URL: url })
    expect(options.pool).toMatchObject({
      min: 10, max: 100, idleTimeoutMs: 300_000, acquireTimeoutMs: 5_000, maxLifetimeMs: 1_800_000, validationQuery: 'SELECT 1',
    })
    expect(options.routing).toMatchObject({ reads: 'replica', strategy: 'round-robin', maxReplicationLagMs: 100 })
    expect(options.backup).toMatchObject({
      schedule: { cron: '0 0 * * *', timezone: 'UTC' }, retentionDays: 30, location: 's3://backups', compression: true, verify: true,
    })
    expect(options.backup.encryption).toEqual(encryption)
  })

  it('component.yaml asks for PostgreSQL, so another engine in the environment is refused', async () => {
    const config = await loadText('yaml', 'database: { engine: { type: postgresql, version: "14.5" } }')
    expect(() => resolve(config, { DATABASE_URL: 'mysql://db1/shop' })).toThrow('DATABASE_URL: expected a server of the configured engine (postgresql), got mysql')
  })

  it('environment.env loads', async () => {
    const options = resolve(await loadConfig(fixture('environment.env')))
    expect(options.primary).toMatchObject({ name: 'localhost:5432', target: { user: 'postgres', password: 'your_password', database: 'fortress' } })
    expect(options.replicas.map(({ name }) => name)).toEqual(['replica1.example.com:5432', 'replica2.example.com:5432'])
    expect(options.pool).toMatchObject({ max: 25, maxIdle: 5, maxLifetimeMs: 300_000, idleTimeoutMs: 60_000 })
    expect(options.backup).toMatchObject({ location: 'file:/var/backups/postgres', retentionDays: 7, compression: true, parallelJobs: 4 })
  })

  it('manager.json loads as several databases, its times in seconds', async () => {
    const { databases = {} } = await loadConfig(fixture('manager.json'))
    expect(Object.keys(databases)).toEqual(['primary', 'readonly'])
    const primary = resolve(databases['primary'])
    expect(primary).toMatchObject({ readOnly: false, createIfMissing: false, echo: false, primary: { name: 'localhost:5432', target: { user: 'user' } } })
    expect(primary.pool).toMatchObject({ max: 5, maxOverflow: 10, acquireTimeoutMs: 30_000, maxLifetimeMs: 3_600_000, validation: 'always' })
    expect(resolve(databases['readonly'])).toMatchObject({ readOnly: true, pool: { max: 3 } })
  })

  it('store.yaml loads, its times in seconds', async () => {
    const options = resolve(await loadConfig(fixture('store.yaml')))
    expect(options.primary.target).toMatchObject({ scheme: 'file', database: 'app.db', parameters: { cache: 'shared', mode: 'rwc' } })
    expect(options.pool).toMatchObject({ max: 25, maxIdle: 5, maxLifetimeMs: 300_000 })
    expect(options.cache).toMatchObject({ max: 1_000, ttlMs: 300_000 })
    expect(options.metrics).toMatchObject({ enabled: true, collectIntervalMs: 10_000 })
  })
})

describe('a file', () => {
  it('may use the options\' own names, in camelCase or snake_case, with times as numbers or texts', async () => {
    const camel = await loadText('yml', `{ primary: '${url}', statementTimeoutMs: 1500, pool: { acquireTimeoutMs: 2s }, maxPreparedStatements: 7 }`)
    const snake = await loadText('json', JSON.stringify({
      primary: url, statement_timeout_ms: 1500, pool: { acquire_timeout: 2 }, max_prepared_statements: 7,
    }))
    for (const config of [camel, snake]) {
      expect(resolve(config)).toMatchObject({ primary: { name: 'db1:5432' }, statementTimeoutMs: 1_500, pool: { acquireTimeoutMs: 2_000 }, maxPreparedStatements: 7 })
    }
  })

  it('takes every section', async () => {
    const options = resolve(await loadText('yaml', `
primary: { host: db1, port: "5433", username: app, dbname: shop, ssl: { mode: require, server_name: x }, weight: 2 }
replicas: [postgres://db2, { host: db3, zone: b, name: third }]
direct_url: postgres://db1:5555
routing: { strategy: least_connections, fallback_to_primary: { max_share: 0.5 }, max_replication_lag_bytes: 100, write_functions: [f] }
consistency: { causal_reads: global, causal_reads_timeout: 200ms }
cache: false
health: { interval: 1s, failure_threshold: 3 }
retry: { reads: 1, base_delay: 5ms }
types: { bigint: bigint }
metrics: false
alerts: { connection_threshold: 0.5, query_latency: 2 }
migrations: { dir: db/migrations, lock_timeout: 1m }
slow_query: 200ms
query_log_level: info
failover_timeout: 0
driver_options: { keepAlive: true }
`))
    expect(options).toMatchObject({
      primary: { name: 'db1:5433', weight: 2, target: { user: 'app', database: 'shop', tls: { mode: 'require', serverName: 'x' }, driverOptions: { keepAlive: true } } },
      replicas: [{ name: 'db2:5432' }, { name: 'third', zone: 'b' }], direct: { name: 'db1:5555' },
      routing: { strategy: 'least-connections', fallbackToPrimary: { maxShare: 0.5 }, maxReplicationLagBytes: 100, writeFunctions: ['f'] },
      consistency: { causalReads: 'global', causalReadsTimeoutMs: 200 }, cache: undefined, health: { intervalMs: 1_000, failureThreshold: 3 },
      retry: { reads: 1, baseDelayMs: 5 }, types: { bigint: 'bigint' }, metrics: { enabled: false }, alerts: { connectionThreshold: 0.5, queryLatencyMs: 2_000 },
      migrations: { dir: 'db/migrations', lockTimeoutMs: 60_000 }, slowQueryMs: 200, queryLogLevel: 'info', failoverTimeoutMs: 0,
    })
  })

  it('is filled from the environment, also where a number or a flag is expected', async () => {
    const text = 'primary: "postgres://app:${PASSWORD}@db1/shop"\npool: { max: "${MAX:-4}", idle_timeout: "${IDLE}" }\nread_only: ${RO}\n'
    const options = resolve(await loadText('yaml', text, { PASSWORD: 'x', IDLE: '90', RO: 'true' }))
    expect(options).toMatchObject({ primary: { target: { password: 'x' } }, pool: { max: 4, idleTimeoutMs: 90_000 }, readOnly: true })
    const error = await refused(loadText('yaml', text, { PASSWORD: 'x', RO: 'true' }))
    expect(error.message).toMatch(/^config-\d+\.yaml: pool\.idle_timeout: expected the environment variable IDLE, got none$/)
  })

  it('cannot be restructured by a variable', async () => {
    const config = await loadText('yaml', 'primary: { host: db1, password: "${P}" }', { P: 'a", host: "evil' })
    expect(resolve(config).primary).toMatchObject({ name: 'db1:5432', target: { password: 'a", host: "evil' } })
  })

  it('combines driver and datasource', async () => {
    const target = async (text: string) => resolve(await loadText('yaml', text)).primary.target
    expect(await target('{ driver: sqlite3, datasource: app.db }')).toMatchObject({ scheme: 'sqlite', database: 'app.db' })
    expect(await target('{ driver: sqlite3, datasource: ":memory:" }')).toMatchObject({ scheme: 'sqlite', database: ':memory:' })
    expect(await target('{ driver: pgx, datasource: "postgresql://db1/x" }')).toMatchObject({ scheme: 'postgresql' })
    expect(await target('{ engine: postgres, primary: "postgres://db1/x" }')).toMatchObject({ scheme: 'postgres', database: 'x' })
    expect(await target('{ primary: "postgres://db1/x", engine: postgres }')).toMatchObject({ scheme: 'postgres', database: 'x' })
    expect((await refused(loadText('yaml', '{ driver: pgx, datasource: "mysql://db1/x" }'))).message).toMatch(/datasource: expected a URL of the engine named beside it \(postgres\)/)
    expect((await refused(loadText('yaml', '{ driver: postgres, datasource: "host=db1 password=Pa55phrase" }'))).message)
      .toMatch(/datasource: expected a URL like postgres:\/\/user:password@host\/database, got a text in another form$/)
  })

  it('gives SQLAlchemy\'s -1 for "never recycle" its meaning', async () => {
    expect(await loadText('json', '{"dbs":{"a":{"url":"postgres://h/x","pool_recycle":-1,"pool_pre_ping":false},"b":"postgres://i/x"}}'))
      .toEqual({ databases: { a: { primary: { url: 'postgres://h/x' }, pool: { maxLifetimeMs: 0, validation: 'never' } }, b: { primary: 'postgres://i/x' } } })
  })

  it('switches replicas to "on request" by read_replicas.enabled: false', async () => {
    expect(await loadText('yaml', 'connection_pool: { read_replicas: { enabled: false, urls: [postgres://r/x] } }'))
      .toEqual({ routing: { reads: 'primary' }, replicas: ['postgres://r/x'] })
  })

  it.each([
    ['js', 'export default { primary: "postgres://db1/shop", pool: { max: 3 } }'],
    ['mjs', 'export const config = { primary: "postgres://db1/shop", pool: { max: 3 } }'],
    ['mjs', 'export default async () => ({ primary: "postgres://db1/shop", pool: { max: 3 } })'],
    ['ts', 'const max: number = 3; export default { primary: "postgres://db1/shop", pool: { max } }'],
  ])('may be a module (.%s)', async (extension, text) => {
    expect(resolve(await loadText(extension, text))).toMatchObject({ primary: { name: 'db1:5432' }, pool: { max: 3 } })
  })

  it('that is a module may hold functions and loggers', async () => {
    const config = await loadText('mjs', `
export default {
  primary: { host: 'db1', password: () => 'x' }, logger: { debug() {}, info() {}, warn() {}, error() {} },
  observers: [{ query() {} }], routing: { strategy: (nodes) => nodes[0] },
}`)
    const options = resolve(config)
    expect([options.primary.target.password, options.routing.strategy, options.logger?.info].map((one) => typeof one)).toEqual(['function', 'function', 'function'])
  })

  it('that is empty of addresses leaves them to the environment', async () => {
    expect(resolve(await loadText('yaml', 'pool: { max: 3 }'), { DATABASE_URL: url, DB_MAX_IDLE_CONNS: '2' }))
      .toMatchObject({ primary: { name: 'db1:5432' }, pool: { max: 3, maxIdle: 2 } })
  })
})

describe('a wrong file', () => {
  it.each([
    ['yaml', 'a: 1\nb: [1, 2\n', /expected valid YAML, got .* at line \d, column \d+$/],
    ['yaml', 'pool:\n  max: 1\n max: 2\n', /expected valid YAML, got .* at line 3, column \d+$/],
    ['yaml', 'pool:\n  max: 1\n  max: 2\n', /expected valid YAML, got duplicate key at line 3, column 3$/],
    ['yaml', 'primary: *Pa55phrase\n', /expected valid YAML, got .*alias/],
    ['yaml', 'just text', /content: expected an object of options, got a text$/],
    ['yaml', '', /content: expected an object of options, got null$/],
    ['json', '{\n  "primary": "postgres://a:Pa55phrase@h/x",\n  oops\n}', /expected valid JSON, got .* at line 3, column \d+$/],
    ['json', '{"a": Pa55phrase}', /expected valid JSON, got a syntax error/],
    ['json', '', /expected valid JSON, got a syntax error/],
    ['js', 'export default { a: ', /expected a module that exports options as default, got \w*Error while loading it/],
    ['mjs', 'throw new TypeError("Pa55phrase")', /expected a module that exports options as default, got TypeError while loading it$/],
    ['mjs', 'export default 5', /content: expected an object of options, got a number$/],
    ['toml', 'a = 1', /expected a file ending in .yaml, .yml, .json, .js, .mjs, .ts or .env, got '.toml'/],
    ['yaml', 'connection_pool: { max_conections: 5 }', /connection_pool\.max_conections: expected a known option, got an unknown name$/],
    ['yaml', 'pool: 5', /pool: expected an object, got a number$/],
    ['yaml', 'pool: { max_open: 5, max_connections: 6 }', /pool\.max_connections: expected one value for pool\.max, got a second one$/],
    ['yaml', 'pool: { max_open: many }', /pool\.max_open \(pool\.max\): expected a whole number of at least 1, got the text 'many'$/],
    ['yaml', 'pool: { idle_timeout: soon }', /pool\.idle_timeout: expected a duration like '30s', '5m' or '100ms', or a number of seconds, got the text 'soon'$/],
    ['yaml', 'pool: { idleTimeoutMs: soon }', /or a number of milliseconds, got the text 'soon'$/],
    ['yaml', 'connection_pool: { min_connections: 20, max_connections: 5 }',
      /connection_pool\.min_connections \(pool\.min\): expected at most pool\.max \(5\), got 20$/],
    ['yaml', 'primary: { host: h, password: 5 }', /primary\.password: expected a text or a function, got a number$/],
    ['yaml', 'replicas: [{ host: h, prot: 5 }]', /replicas\.0\.prot: expected a known option, got an unknown name$/],
    ['yaml', 'replicas: [{ host: h, port: x }]', /replicas\.0\.port: expected a whole number from 1 to 65535, got the text 'x'$/],
    ['json', '{"dbs": {"a": {"pool_size": 0}}}', /dbs\.a\.pool_size \(pool\.max\): expected a whole number of at least 1, got 0$/],
    ['json', '{"dbs": {}, "pool": {}}', /pool: expected nothing beside dbs, got an option$/],
    ['json', '{"dbs": []}', /dbs: expected an object of databases by name, got an empty list$/],
    ['json', '{"dbs": {"a": 5}}', /dbs\.a: expected a URL or an object of options, got a number$/],
    ['env', 'DB_HOST=h\nDB_PORT=x', /DB_PORT: expected a whole number, got the text 'x'$/],
  ])('(.%s) %j is refused', async (extension, text, message) => {
    const error = await refused(loadText(extension, text))
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^config-\d+\./)
    expect(`${error.message} ${error.hint ?? ''}`).not.toContain('Pa55phrase')
  })

  it('suggests names in the style of the file', async () => {
    expect((await refused(loadText('yaml', 'connection_pool: { max_conections: 5 }'))).hint).toBe("did you mean 'max_connections'?")
    expect((await refused(loadText('yaml', 'connectionPool: { maxConections: 5 }'))).hint).toBe("did you mean 'maxConnections'?")
  })

  it('that is not there is named', async () => {
    expect((await refused(loadConfig('/nowhere/sluice.yaml'))).message).toBe('/nowhere/sluice.yaml: expected a file that can be read, got ENOENT')
    expect((await refused(loadConfig('/nowhere/sluice.js'))).message).toMatch(/sluice\.js: expected a module/)
  })

  it('in TypeScript on a runtime without type stripping says what to do', () => {
    const error = moduleError('sluice.ts', Object.assign(new TypeError('Unknown file extension'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' }))
    expect(error.message).toMatch(/^sluice\.ts: expected a runtime that can load TypeScript, got one that cannot \(Node\.js \d/)
    expect(error.hint).toMatch(/22\.18/)
  })
})
