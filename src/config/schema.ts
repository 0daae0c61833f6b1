import { createRequire } from 'node:module'
import type * as ZodPackage from 'zod'
import type { z as Zod } from 'zod'
import { isRecord, MAX_TIMER_MS, quoted } from './fields.js'

/** libpq's `sslmode` words. */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
/** libpq's `target_session_attrs` words. */
export const SESSION_ATTRS = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const

const STRATEGIES = ['round-robin', 'least-connections', 'weighted', 'fastest-response', 'random'] as const
/** Options that have settings of their own, or are only switched on and off. */
const SWITCH = 'true, false or an object'
const LOG_METHODS = ['debug', 'info', 'warn', 'error'] as const

/** The shapes options are checked against. */
export type Schemas = ReturnType<typeof buildSchemas>

let schemas: Schemas | undefined

/** zod is loaded here, when options are first checked: importing the package stays cheap. */
export function loadSchemas(): Schemas {
  schemas ??= buildSchemas((createRequire(import.meta.url)('zod') as typeof ZodPackage).z)
  return schemas
}

function buildSchemas(z: ZodModule) {
  const fields = buildFields(z)
  return { database: databaseSchema(z, fields), node: nodeSchema(fields), tls: tlsSchema(fields) }
}

type ZodModule = typeof Zod
type Fields = ReturnType<typeof buildFields>

// Every check of a field carries the same text, what the option expects, whichever way a value fails it.
function buildFields(z: ZodModule) {
  const within = (expected: string, min: number, max: number) =>
    z.number(expected).int(expected).min(min, expected).max(max, expected).optional()
  const custom = <T>(expected: string, test: (value: unknown) => boolean) => z.custom<T>(test, expected).optional()
  return {
    custom,
    whole: (min: number, max = Number.MAX_SAFE_INTEGER) =>
      within(`a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${String(min)}` : `from ${String(min)} to ${String(max)}`}`, min, max),
    ms: (min = 0) => within(`a whole number of milliseconds from ${String(min)} to ${String(MAX_TIMER_MS)}`, min, MAX_TIMER_MS),
    share: custom<number>('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1),
    atLeast0: custom<number>('a number of at least 0', (value) => typeof value === 'number' && value >= 0 && Number.isFinite(value)),
    above0: custom<number>('a number above 0', (value) => typeof value === 'number' && value > 0 && Number.isFinite(value)),
    flag: z.boolean('true or false').optional(),
    text: z.string('a text').min(1, 'a text').optional(),
    texts: z.array(z.string('a text').min(1, 'a text'), 'a list of texts').optional(),
    oneOf: <const Words extends readonly string[]>(words: Words) => z.enum(words, `one of ${quoted(words)}`).optional(),
    fn: custom<() => unknown>('a function', (value) => typeof value === 'function'),
    record: custom<Record<string, unknown>>('an object', isRecord),
    textRecord: z.record(z.string(), z.string('a text'), 'an object of texts').optional(),
    object: <Shape extends Zod.ZodRawShape>(shape: Shape, expected = 'an object') => z.strictObject(shape, expected),
  }
}

// Servers are texts or objects; the objects are checked one by one with the node's own schema, for clear paths.
function databaseSchema(z: ZodModule, f: Fields) {
  const isServer = (value: unknown): boolean => (typeof value === 'string' && value !== '') || isRecord(value)
  const expectedServer = 'a URL or an object'
  return f.object({
    primary: f.custom(expectedServer, isServer),
    replicas: z.array(z.custom(isServer, expectedServer), 'a list of URLs or objects').optional(),
    directUrl: f.custom(expectedServer, isServer),
    pool: poolSchema(f), routing: routingSchema(f), backup: backupSchema(f),
    consistency: f.object({ causalReads: f.oneOf(['off', 'session', 'global']), causalReadsTimeoutMs: f.ms() }).optional(),
    cache: f.object({
      enabled: f.flag, max: f.whole(1), maxBytes: f.whole(1), ttlMs: f.ms(), swrMs: f.ms(),
      invalidation: f.oneOf(['process', 'notify']), whileDisconnected: f.oneOf(['bypass', 'serve']),
      store: f.custom('a cache store with the methods get, set and deleteTagged (redisStore makes one)', isStore),
    }, SWITCH).optional(),
    health: f.object({ intervalMs: f.ms(1), timeoutMs: f.ms(1), failureThreshold: f.whole(1) }).optional(),
    retry: f.object({
      reads: f.whole(0, 100), transactions: f.whole(0, 100), baseDelayMs: f.ms(), maxDelayMs: f.ms(), perTryTimeoutMs: f.ms(), budget: f.atLeast0,
      maxAttempts: f.whole(1, 101), timeoutMs: f.ms(), backoff: f.object({ baseDelayMs: f.ms(), maxDelayMs: f.ms() }).optional(),
    }).optional(),
    idempotency: f.object({ table: f.text, keepMs: f.ms(1) }).optional(),
    statementTimeoutMs: f.ms(), connectTimeoutMs: f.ms(), failoverTimeoutMs: f.ms(), slowQueryMs: f.ms(),
    readOnly: f.flag, createIfMissing: f.flag, echo: f.flag,
    driverOptions: f.record, maxPreparedStatements: f.whole(0),
    types: f.object({ bigint: f.oneOf(['string', 'bigint', 'number']) }).optional(),
    queryLogLevel: f.oneOf(['debug', 'info', 'warn', 'silent']),
    metrics: f.object({ enabled: f.flag, collectIntervalMs: f.ms(1), collectQueryStats: f.flag, registry: f.record }, SWITCH).optional(),
    alerts: f.object({ connectionThreshold: f.share, queryLatencyMs: f.ms(), onAlert: f.fn }).optional(),
    migrations: f.object({
      dir: f.text, seeds: f.text, schema: f.text, lockTimeoutMs: f.ms(),
      sources: z.array(f.object({ service: f.text.unwrap(), dir: f.text.unwrap() }), 'a list of { service, dir }').optional(),
    }).optional(),
    logger: f.custom('a logger with the methods debug, info, warn and error', isLogger),
    observers: z.array(z.custom(isRecord, 'an object with observer methods'), 'a list of observers').optional(),
  })
}

function isStore(value: unknown): boolean {
  return isRecord(value) && ['get', 'set', 'deleteTagged'].every((method) => typeof value[method] === 'function')
}

function isLogger(value: unknown): boolean {
  return isRecord(value) && LOG_METHODS.every((method) => typeof value[method] === 'function')
}

function nodeSchema(f: Fields) {
  const isMode = (value: unknown): boolean => typeof value === 'boolean' || isRecord(value) || SSL_MODES.some((mode) => mode === value)
  return f.object({
    url: f.text, engine: f.text, host: f.text, port: f.whole(1, 65_535), hosts: f.texts,
    targetSessionAttrs: f.oneOf(SESSION_ATTRS), user: f.text,
    password: f.custom('a text or a function', (value) => typeof value === 'string' || typeof value === 'function'),
    database: f.text, ssl: f.custom(`true, false, an object, or one of ${quoted(SSL_MODES)}`, isMode),
    applicationName: f.text, parameters: f.textRecord, driverOptions: f.record, name: f.text, weight: f.above0, zone: f.text,
  })
}

function tlsSchema(f: Fields) {
  return f.object({ mode: f.oneOf(SSL_MODES), ca: f.text, cert: f.text, key: f.text, passphrase: f.text, serverName: f.text })
}

function poolSchema(f: Fields) {
  return f.object({
    min: f.whole(0), max: f.whole(1), maxIdle: f.whole(0), acquireTimeoutMs: f.ms(), idleTimeoutMs: f.ms(), maxLifetimeMs: f.ms(),
    maxLifetimeJitterMs: f.ms(), maxUses: f.whole(0), validation: f.oneOf(['idle', 'always', 'never']), validationQuery: f.text,
    leakDetectionMs: f.ms(), maxWaiting: f.whole(0), maxOverflow: f.whole(0), lanes: f.whole(0),
  }).optional()
}

function routingSchema(f: Fields) {
  return f.object({
    reads: f.oneOf(['replica', 'primary']),
    strategy: f.custom(`one of ${quoted(STRATEGIES)}, or a function`,
      (value) => typeof value === 'function' || STRATEGIES.some((name) => name === value)),
    ejection: f.object({ latencyFactor: f.above0, minLatencyMs: f.ms(), baseMs: f.ms(1), maxMs: f.ms(1), maxShare: f.share }, SWITCH).optional(),
    fallbackToPrimary: f.object({ maxShare: f.share.unwrap() }, SWITCH).optional(),
    maxReplicationLagMs: f.ms(), maxReplicationLagBytes: f.whole(0), writeFunctions: f.texts, readOnlyFunctions: f.texts,
  }).optional()
}

function backupSchema(f: Fields) {
  return f.object({
    location: f.text, retentionDays: f.whole(1), format: f.oneOf(['custom', 'directory', 'plain']), compression: f.flag,
    parallelJobs: f.whole(1, 256), verify: f.flag,
    encryption: f.object({ recipients: f.texts, identities: f.texts, passphrase: f.text }).optional(),
    schedule: f.object({ cron: f.text.unwrap(), timezone: f.text }).optional(),
    keep: f.object({
      last: f.whole(0), hourly: f.whole(0), daily: f.whole(0), weekly: f.whole(0), monthly: f.whole(0), yearly: f.whole(0),
    }).optional(),
    toolsDir: f.text, spoolDir: f.text, signingKey: f.text, pingUrl: f.text,
  }).optional()
}
