import type { CacheStore } from '../core/cache-store.js'
import type { ConnectionTarget } from '../core/driver.js'
import type { Logger } from '../core/logger.js'
import type { Observer } from '../core/observer.js'
import type { HealthSettings, IdempotencySettings, PoolSettings, RetrySettings, RoutingSettings, TypeSettings } from '../core/settings.js'

/** One server after parsing: where it is, what it is called, how much of the reads it takes. */
export interface ResolvedNode {
  /** The `name` option, else `host:port`. Unique within a database. */
  readonly name: string
  readonly target: ConnectionTarget
  /** Share of reads relative to the other replicas; above 0. */
  readonly weight: number
  /** Availability zone, as a label. */
  readonly zone: string | undefined
  /** Longest wait for a connection to this server: its URL's `connect_timeout`, else the database's. 0 = no limit. */
  readonly connectTimeoutMs: number
}

/** Read your own writes. */
export interface ConsistencySettings {
  /** Whose writes a read must see: nobody's, those of its session, those of this process. */
  readonly causalReads: 'off' | 'session' | 'global'
  /** Longest wait for a replica to catch up before the primary is asked. */
  readonly causalReadsTimeoutMs: number
}

/** The query cache. It holds only what calls with the `cache` option put there. */
export interface CacheSettings {
  /** Entries kept at most. */
  readonly max: number
  /** Size of all entries at most, in bytes; undefined = no limit. */
  readonly maxBytes: number | undefined
  /** Age at which an entry is stale. */
  readonly ttlMs: number
  /** How long a stale entry may still be served while it is refreshed. */
  readonly swrMs: number
  /** Who hears of writes: only this process, or every process, by the server's notifications (LISTEN/NOTIFY). */
  readonly invalidation: 'process' | 'notify'
  /** What the cache does while the notifications of others do not arrive. */
  readonly whileDisconnected: 'bypass' | 'serve'
  /** Where several processes keep their rows together; undefined = in this process's memory. */
  readonly store: CacheStore | undefined
}

/** Metrics in Prometheus' form. */
export interface MetricsSettings {
  readonly enabled: boolean
  /** How often gauges that cost a query are refreshed. */
  readonly collectIntervalMs: number
  /** Count and time single statements as well. */
  readonly collectQueryStats: boolean
  /** A prom-client registry to register with; undefined = one of our own. */
  readonly registry: object | undefined
}

/**
 * Something crossed a threshold, or is below it again.
 *
 * - `connections`: share of `pool.max` in use
 * - `query-latency`: mean milliseconds of the statements since the last check
 * - `replication-lag`: milliseconds; the threshold is `routing.maxReplicationLagMs`
 * - `no-primary`: 1 while there is none
 */
export interface Alert {
  readonly kind: 'connections' | 'query-latency' | 'replication-lag' | 'no-primary'
  readonly state: 'raised' | 'cleared'
  readonly node: string | undefined
  readonly value: number
  readonly threshold: number
  readonly message: string
}

/** When to call `onAlert`. */
export interface AlertSettings {
  /** Share of `pool.max` in use, 0 to 1. */
  readonly connectionThreshold: number
  readonly queryLatencyMs: number
  readonly onAlert: ((alert: Alert) => void) | undefined
}

/** Several services keep their migrations apart. */
export interface MigrationSource {
  readonly service: string
  readonly dir: string
}

/** Where migrations are and where their history is kept. */
export interface MigrationSettings {
  readonly dir: string
  /** Several folders; outranks `dir`. */
  readonly sources: readonly MigrationSource[] | undefined
  /** Folder of the seeds; undefined: there are none. */
  readonly seeds: string | undefined
  /** Schema of the history tables. */
  readonly schema: string
  /** Longest wait for another process that migrates; 0 = no limit. */
  readonly lockTimeoutMs: number
}

/** Keys of encrypted backups (age v1). At least one of the three is set. */
export interface BackupEncryption {
  /** Public keys, `age1…`: enough to write backups. */
  readonly recipients: readonly string[]
  /** Private keys, `AGE-SECRET-KEY-1…`: needed to read them. */
  readonly identities: readonly string[]
  readonly passphrase: string | undefined
}

/** Where backups go and how they are made. */
export interface BackupSettings {
  /** `file:./backups` or `s3://bucket/prefix`. */
  readonly location: string
  /** Days a backup is kept; undefined = for ever. */
  readonly retentionDays: number | undefined
  readonly format: 'custom' | 'directory' | 'plain'
  readonly compression: boolean
  readonly parallelJobs: number
  readonly encryption: BackupEncryption | undefined
  /** Read every backup again after it was written. */
  readonly verify: boolean
  readonly schedule: { readonly cron: string; readonly timezone: string } | undefined
  /** Backups kept beside `retentionDays`, by calendar. */
  readonly keep: BackupKeep
  /** Folder of pg_dump and its family; undefined = where packages put them, and PATH. */
  readonly toolsDir: string | undefined
  /** Folder for what must lie on disk meanwhile (format `directory`); undefined = the system's temporary folder. */
  readonly spoolDir: string | undefined
  /** Secret text that manifests are signed with. */
  readonly signingKey: string | undefined
  /** Asked (GET) at the start, success and failure of scheduled backups: a dead man's switch. */
  readonly pingUrl: string | undefined
}

/** How many backups are kept for each span of the calendar. */
export interface BackupKeep {
  readonly last: number
  readonly hourly: number
  readonly daily: number
  readonly weekly: number
  readonly monthly: number
  readonly yearly: number
}

/** Every setting of one database, with its default where nothing was given. Frozen, also inside. */
export interface ResolvedOptions {
  readonly primary: ResolvedNode
  readonly replicas: readonly ResolvedNode[]
  /** The primary past any pooler, from `directUrl`. */
  readonly direct: ResolvedNode | undefined
  readonly pool: PoolSettings
  readonly routing: RoutingSettings
  readonly consistency: ConsistencySettings
  /** undefined = switched off with `cache: false`. */
  readonly cache: CacheSettings | undefined
  readonly health: HealthSettings
  readonly retry: RetrySettings
  readonly idempotency: IdempotencySettings
  readonly statementTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly failoverTimeoutMs: number
  readonly readOnly: boolean
  readonly createIfMissing: boolean
  readonly maxPreparedStatements: number
  readonly types: TypeSettings
  readonly queryLogLevel: 'debug' | 'info' | 'warn' | 'silent'
  readonly echo: boolean
  readonly metrics: MetricsSettings
  readonly alerts: AlertSettings
  readonly migrations: MigrationSettings
  readonly backup: BackupSettings
  readonly slowQueryMs: number
  readonly logger: Logger | undefined
  readonly observers: readonly Observer[]
}
