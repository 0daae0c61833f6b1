import type { PasswordSource, SslMode, TargetSessionAttrs } from '../core/driver.js'
import type { Logger } from '../core/logger.js'
import type { Observer } from '../core/observer.js'
import type { RetryPolicy } from '../core/queryable.js'
import type { EjectionSettings, HealthSettings, IdempotencySettings, PoolSettings, RetrySettings, RoutingSettings, TypeSettings } from '../core/settings.js'
import type {
  AlertSettings, BackupKeep, BackupSettings, CacheSettings, ConsistencySettings, MetricsSettings, MigrationSettings,
} from './resolved.js'

/** All fields optional, `undefined` meaning "left out". */
export type Loose<Settings> = { readonly [Key in keyof Settings]?: Settings[Key] | undefined }

/** TLS of one server. PEM text, or the path of a PEM file, which is read when the options are resolved. */
export interface TlsOptions {
  /** Default `verify-full`. */
  readonly mode?: SslMode | undefined
  /** Certificates to trust; `'system'` = those of the runtime (the default). */
  readonly ca?: string | undefined
  /** Client certificate. */
  readonly cert?: string | undefined
  /** Private key of the client certificate. */
  readonly key?: string | undefined
  /** Unlocks an encrypted `key`. */
  readonly passphrase?: string | undefined
  /** Name to expect in the certificate when it is not the host connected to. */
  readonly serverName?: string | undefined
}

/**
 * One server as an object. Either `url`, or `host`/`hosts` and the rest; a `url` may be completed by any field that is
 * not an address.
 *
 * What a replica leaves out (engine, user, database, TLS, application name, parameters) it takes from the primary; the
 * password too, unless it logs in as another user.
 */
export interface NodeOptions {
  /** The server as a URL: `postgres://user:password@host:5432/database?sslmode=verify-full`. */
  readonly url?: string | undefined
  /** A URL scheme that names the engine; default `postgres`. */
  readonly engine?: string | undefined
  /** Host name, address, or a unix socket's folder (begins with `/`); default `localhost`. */
  readonly host?: string | undefined
  /** 1 to 65535; default: the engine's own. */
  readonly port?: number | undefined
  /** Several addresses of one server, tried in order, `'db1:5432'`. Instead of `host` and `port`. */
  readonly hosts?: readonly string[] | undefined
  /** Which of several hosts is wanted; default `any`. */
  readonly targetSessionAttrs?: TargetSessionAttrs | undefined
  readonly user?: string | undefined
  /** A text, or a function asked anew for every connection (rotation, IAM tokens). */
  readonly password?: PasswordSource | undefined
  /** Database name, or the file of an embedded engine. */
  readonly database?: string | undefined
  /** `true` = `'verify-full'`, `false` = `'disable'`; default `prefer`, and `disable` over a unix socket. */
  readonly ssl?: boolean | SslMode | TlsOptions | undefined
  /** Shown in the server's list of sessions. */
  readonly applicationName?: string | undefined
  /** Further connection parameters, as a URL's query would carry them: `{ options: '-c search_path=app' }`. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** Handed to the npm client as they are, over the database's own `driverOptions`. */
  readonly driverOptions?: Readonly<Record<string, unknown>> | undefined
  /** What the server is called in results, logs and metrics; default `host:port`. */
  readonly name?: string | undefined
  /** Share of reads relative to the other replicas, above 0; default 1. */
  readonly weight?: number | undefined
  /** Availability zone, as a label. */
  readonly zone?: string | undefined
}

/** How statements find their node. */
export interface RoutingOptions extends Loose<Omit<RoutingSettings, 'fallbackToPrimary' | 'ejection'>> {
  /** May reads run on the primary when no replica qualifies? `maxShare`: up to which share of all reads, 0 to 1. */
  readonly fallbackToPrimary?: boolean | { readonly maxShare: number } | undefined
  /** Replicas that are far slower than the others, or fail whenever they get work, are given no reads for a while; `false`: never. */
  readonly ejection?: boolean | Loose<EjectionSettings> | undefined
}

/** Keys of encrypted backups; at least one of them. */
export interface BackupEncryptionOptions {
  /** Public keys, `age1…`. */
  readonly recipients?: readonly string[] | undefined
  /** Private keys, `AGE-SECRET-KEY-1…`. */
  readonly identities?: readonly string[] | undefined
  readonly passphrase?: string | undefined
}

/** Where backups go and how they are made. */
export interface BackupOptions extends Loose<Omit<BackupSettings, 'encryption' | 'schedule' | 'keep'>> {
  readonly encryption?: false | BackupEncryptionOptions | undefined
  /** A cron expression, with its time zone (default `UTC`). */
  readonly schedule?: string | { readonly cron: string; readonly timezone?: string | undefined } | undefined
  readonly keep?: Loose<BackupKeep> | undefined
}

/**
 * What `new Database(options)` and `Database.open(options)` take. Everything is optional; without `primary` the
 * servers come from the environment. Unknown names are refused. Defaults and ranges: docs/configuration.md.
 */
export interface DatabaseOptions {
  /** The server that takes writes: a URL or an object. Left out: `DATABASE_URL` or the `DB_*` variables. */
  readonly primary?: string | NodeOptions | undefined
  /** Servers that take reads, of the same engine as the primary. */
  readonly replicas?: readonly (string | NodeOptions)[] | undefined
  /** The primary past a transaction pooler, for migrations, LISTEN and maintenance. */
  readonly directUrl?: string | NodeOptions | undefined
  /** Connection pool of each node. */
  readonly pool?: Loose<PoolSettings> | undefined
  readonly routing?: RoutingOptions | undefined
  readonly consistency?: Loose<ConsistencySettings> | undefined
  /** The query cache; `false` = the `cache` option of calls is ignored. */
  readonly cache?: boolean | (Loose<CacheSettings> & { readonly enabled?: boolean | undefined }) | undefined
  readonly health?: Loose<HealthSettings> | undefined
  /** Also as one policy for everything: `maxAttempts` for `reads` and `transactions`, `timeoutMs` for `statementTimeoutMs`. */
  readonly retry?: (Loose<RetrySettings> & RetryPolicy) | undefined
  /** Where the keys of `idempotencyKey` are kept, and for how long. */
  readonly idempotency?: Loose<IdempotencySettings> | undefined
  /** Milliseconds one call may take unless it says otherwise; 0 = no limit. Default 30 000. */
  readonly statementTimeoutMs?: number | undefined
  /** Milliseconds to open one connection; 0 = no limit. Default 5 000, or the URL's `connect_timeout` (seconds). */
  readonly connectTimeoutMs?: number | undefined
  /** Milliseconds work waits for a primary; outranks `pool.acquireTimeoutMs`; 0 = fail at once. Default 30 000. */
  readonly failoverTimeoutMs?: number | undefined
  /** Refuse writes before they leave, on the whole database. Default false. */
  readonly readOnly?: boolean | undefined
  /** Create the database when the server says it does not exist. Default false. */
  readonly createIfMissing?: boolean | undefined
  /** Handed to the npm client of every node as they are. */
  readonly driverOptions?: Readonly<Record<string, unknown>> | undefined
  /** Prepared statements kept per connection; 0 = never prepare. Default 100. */
  readonly maxPreparedStatements?: number | undefined
  readonly types?: Loose<TypeSettings> | undefined
  /** Level at which finished statements are logged. Default `debug`. */
  readonly queryLogLevel?: 'debug' | 'info' | 'warn' | 'silent' | undefined
  /** Print every statement in a form for people. Default false. */
  readonly echo?: boolean | undefined
  readonly metrics?: boolean | Loose<MetricsSettings> | undefined
  readonly alerts?: Loose<AlertSettings> | undefined
  readonly migrations?: Loose<MigrationSettings> | undefined
  readonly backup?: BackupOptions | undefined
  /** A statement at least this slow is logged as a warning; 0 = none is. Default 1 000. */
  readonly slowQueryMs?: number | undefined
  /** Any pino-shaped logger; silent when left out. */
  readonly logger?: Logger | undefined
  /** Told of queries, connections, transactions; they watch and never steer. */
  readonly observers?: readonly Observer[] | undefined
}
