import type { ResolvedOptions } from './resolved.js'

/** Settings that have a default: everything but the servers. */
export type DefaultSettings = Omit<ResolvedOptions, 'primary' | 'replicas' | 'direct' | 'cache'>
  & { readonly cache: NonNullable<ResolvedOptions['cache']> }

/** What holds where nothing was given. docs/configuration.md repeats every value, and a test keeps the two equal. */
export const DEFAULTS: DefaultSettings = {
  pool: {
    min: 0, max: 10, maxIdle: undefined, acquireTimeoutMs: 5_000, idleTimeoutMs: 30_000, maxLifetimeMs: 1_800_000,
    maxLifetimeJitterMs: 60_000, maxUses: 0, validation: 'idle', validationQuery: undefined,
    leakDetectionMs: 0, maxWaiting: 10_000, maxOverflow: 0, lanes: 2,
  },
  routing: {
    reads: 'replica', strategy: 'round-robin', fallbackToPrimary: { maxShare: 1 }, maxReplicationLagMs: 10_000,
    ejection: { latencyFactor: 5, minLatencyMs: 100, baseMs: 5_000, maxMs: 300_000, maxShare: 0.5 },
    maxReplicationLagBytes: undefined, writeFunctions: [], readOnlyFunctions: [],
  },
  consistency: { causalReads: 'session', causalReadsTimeoutMs: 100 },
  cache: { max: 1_000, maxBytes: undefined, ttlMs: 5_000, swrMs: 0, invalidation: 'process', whileDisconnected: 'bypass', store: undefined },
  health: { intervalMs: 2_000, timeoutMs: 1_000, failureThreshold: 2 },
  retry: { reads: 2, transactions: 5, baseDelayMs: 10, maxDelayMs: 1_000, perTryTimeoutMs: 0, budget: 1 },
  idempotency: { table: 'sluice_idempotency', keepMs: 86_400_000 },
  statementTimeoutMs: 30_000,
  connectTimeoutMs: 5_000,
  failoverTimeoutMs: 30_000,
  readOnly: false,
  createIfMissing: false,
  maxPreparedStatements: 100,
  types: { bigint: 'string' },
  queryLogLevel: 'debug',
  echo: false,
  metrics: { enabled: true, collectIntervalMs: 10_000, collectQueryStats: true, registry: undefined },
  alerts: { connectionThreshold: 0.8, queryLatencyMs: 1_000, onAlert: undefined },
  migrations: { dir: 'migrations', sources: undefined, seeds: undefined, schema: 'sluice', lockTimeoutMs: 60_000 },
  backup: {
    location: 'file:./backups', retentionDays: undefined, format: 'custom', compression: true, parallelJobs: 4,
    encryption: undefined, verify: false, schedule: undefined,
    keep: { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
    toolsDir: undefined, spoolDir: undefined, signingKey: undefined, pingUrl: undefined,
  },
  slowQueryMs: 1_000,
  logger: undefined,
  observers: [],
}
