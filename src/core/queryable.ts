import type { ExecuteResult, QueryResult } from './result.js'
import type { DataSource, SqlInput } from './statement.js'

/** How one call uses the query cache. */
export interface CallCacheOptions {
  /** Rows younger than this are fresh to this call; default `cache.ttlMs`. */
  readonly ttlMs?: number | undefined
  /** For so long after that they are still taken, and refreshed in the background; default `cache.swrMs`. */
  readonly swrMs?: number | undefined
  /** Names to invalidate them by: `db.cache.invalidate({ tags: ['dashboard'] })`. */
  readonly tags?: readonly string[] | undefined
  /** Tables they depend on beside those the text shows: what a view or a function reads. */
  readonly tables?: readonly string[] | undefined
  /** Stands for text and parameters; the caller answers for it that the same key always means the same rows. */
  readonly key?: string | undefined
  /** Inside a transaction that has changed nothing so far: take rows that others have committed. Never fills the cache. */
  readonly inTransaction?: boolean | undefined
}

/** How often, for how long and at what pace work is tried. */
export interface RetryPolicy {
  /** Milliseconds for all tries together. */
  readonly timeoutMs?: number | undefined
  /** Tries at most, the first included. */
  readonly maxAttempts?: number | undefined
  /** Pauses between tries: a random time up to `baseDelayMs`, doubled each time, up to `maxDelayMs`. */
  readonly backoff?: { readonly baseDelayMs?: number | undefined; readonly maxDelayMs?: number | undefined } | undefined
  /**
   * Milliseconds for one try of a read or of a transaction: then it is cancelled on the server and tried again, a read on another
   * node where there is one. A single write is never cut short by it.
   */
  readonly perTryTimeoutMs?: number | undefined
}

/** Options of one call, all optional. */
export interface QueryOptions {
  /** Where to run it. Outranks hints and classification, outside a transaction. */
  readonly target?: 'primary' | 'replica' | undefined
  /** Refuse anything but a proven read, before it leaves. */
  readonly readOnly?: boolean | undefined
  /** Milliseconds for everything: waiting, retries, the server's work. Overrides `statementTimeoutMs`. 0 = no limit. */
  readonly timeoutMs?: number | undefined
  /** Cancels the statement on the server. */
  readonly signal?: AbortSignal | undefined
  /** Use a server-side prepared statement. */
  readonly prepare?: boolean | undefined
  /** Name of this statement in logs and metrics. */
  readonly name?: string | undefined
  /** Label of the caller (a route, a job), shown where connections are held. */
  readonly label?: string | undefined
  /** Serve from and fill the query cache; only proven reads are. */
  readonly cache?: boolean | CallCacheOptions | undefined
  /** A position, from `db.causalToken()`, that the answer must include. */
  readonly causalToken?: string | undefined
  /** Only a replica at most this far behind. */
  readonly maxReplicationLagMs?: number | undefined
  /** How it is tried again; default `retry`. Inside a transaction only the whole of it is. */
  readonly retry?: RetryPolicy | undefined
  /** `false`: do not join the surrounding transaction. */
  readonly ambient?: boolean | undefined
}

/** The options with nothing set; shared so that the hot path allocates none. */
export const NO_OPTIONS: QueryOptions = Object.freeze({})

/** The one method of Standard Schema v1 (standardschema.dev) that rows are checked with: zod, valibot, arktype, … */
export interface RowSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** What a schema answers for one row. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined }[] }

/** Options of the calls that return rows. */
export interface RowOptions<Row> extends QueryOptions {
  /** Checks and converts each row. */
  readonly schema?: RowSchema<Row> | undefined
}

/** Options of `stream`. */
export interface StreamOptions<Row> extends RowOptions<Row> {
  /** Rows fetched per round trip; default 100. */
  readonly batchSize?: number | undefined
}

/** Options of the calls that only change data. */
export interface ChangeOptions extends QueryOptions {
  /**
   * The change is made once for this key, however often it is asked for, also across a failover: then it may be sent again
   * when its answer was lost. Who asks again, with the same values, gets the first answer. 1 to 255 characters; not inside a transaction, which has a
   * key of its own. Remembered for `idempotency.keepMs`.
   */
  readonly idempotencyKey?: string | undefined
}

/** One entry of a batch: text, with parameters, or a fragment. */
export type BatchEntry = SqlInput | readonly [text: string, params?: readonly unknown[]]

/** One row to store: columns and their values. */
export type InsertRow = Readonly<Record<string, unknown>>

/** What everything that can run statements offers: `Database`, `Transaction`, a pinned connection, `db.primary`, … */
export interface Queryable {
  /** Runs one statement and returns all its rows. */
  query<Row = Record<string, unknown>>(sql: SqlInput, params?: readonly unknown[], options?: RowOptions<Row>): Promise<QueryResult<Row>>
  query<Row = Record<string, unknown>>(sql: SqlInput, options: RowOptions<Row>): Promise<QueryResult<Row>>
  /** Runs one statement on the primary. */
  execute(sql: SqlInput, params?: readonly unknown[], options?: ChangeOptions): Promise<ExecuteResult>
  execute(sql: SqlInput, options: ChangeOptions): Promise<ExecuteResult>
  /** Exactly one row; `NoRowsError` or `TooManyRowsError` otherwise. */
  one<Row = Record<string, unknown>>(sql: SqlInput, params?: readonly unknown[], options?: RowOptions<Row>): Promise<Row>
  one<Row = Record<string, unknown>>(sql: SqlInput, options: RowOptions<Row>): Promise<Row>
  /** One row or `undefined`; `TooManyRowsError` for more. */
  maybeOne<Row = Record<string, unknown>>(sql: SqlInput, params?: readonly unknown[], options?: RowOptions<Row>): Promise<Row | undefined>
  maybeOne<Row = Record<string, unknown>>(sql: SqlInput, options: RowOptions<Row>): Promise<Row | undefined>
  /** The rows; none is fine. */
  many<Row = Record<string, unknown>>(sql: SqlInput, params?: readonly unknown[], options?: RowOptions<Row>): Promise<Row[]>
  many<Row = Record<string, unknown>>(sql: SqlInput, options: RowOptions<Row>): Promise<Row[]>
  /** First column of the one row, or `undefined` without a row. A `schema` checks that value, not the row. */
  value<Value = unknown>(sql: SqlInput, params?: readonly unknown[], options?: RowOptions<Value>): Promise<Value | undefined>
  value<Value = unknown>(sql: SqlInput, options: RowOptions<Value>): Promise<Value | undefined>
  /**
   * Rows as they arrive, with back-pressure. Leaving the loop early closes the cursor and returns the connection.
   *
   * `timeoutMs` spans the whole stream, the consumer's own time included; without it `statementTimeoutMs` bounds each
   * round trip. Inside a transaction no other statement can run while the loop is being read: it is refused.
   */
  stream<Row = Record<string, unknown>>(sql: SqlInput, params?: readonly unknown[], options?: StreamOptions<Row>): AsyncIterable<Row>
  stream<Row = Record<string, unknown>>(sql: SqlInput, options: StreamOptions<Row>): AsyncIterable<Row>
  /** Several statements as one transaction, in the fewest round trips. */
  batch(entries: readonly BatchEntry[], options?: QueryOptions): Promise<QueryResult[]>
  /**
   * Stores many rows in few statements, all of them or none; returns how many there were. The columns are those of the first
   * row, and every row has them all: `null` where there is no value.
   *
   * @param table - its name, `users` or `app.users`; quoted as it is written
   * @throws `ConfigError` a row has other columns than the first one; nothing was sent
   * @example
   * ```ts
   * await db.insertMany('users', [{ id: 1, email: 'a@example.com' }, { id: 2, email: 'b@example.com' }])
   * ```
   */
  insertMany(table: string, rows: readonly InsertRow[], options?: ChangeOptions): Promise<{ rowsAffected: number }>
  /**
   * Stores bulk data from a source, at the pace of the server: all of it, or nothing. Never repeated once the source was read.
   *
   * @param sql - one statement that reads from its client: `copy users (id, email) from stdin (format csv)`
   * @param source - a `Readable`, or anything that gives chunks of text or bytes in the format the statement names
   * @throws `QueryError` the engine cannot (`features.copyIn`), or the source has failed: that is its `cause`
   * @example
   * ```ts
   * import { createReadStream } from 'node:fs'
   *
   * const { rowsAffected } = await db.copyFrom('copy users from stdin (format csv)', createReadStream('users.csv'))
   * ```
   */
  copyFrom(sql: string, source: DataSource, options?: QueryOptions): Promise<ExecuteResult>
  /**
   * Bulk data as it comes, in the format the statement names, at the pace of the consumer. It is a read, and goes where reads
   * go. Leaving the loop early ends the statement; inside a transaction the rest of the data is read and thrown away.
   *
   * @param sql - one statement that writes to its client: `copy (select * from users) to stdout (format csv)`
   * @throws `QueryError` the engine cannot (`features.copyOut`)
   * @example
   * ```ts
   * import { createWriteStream } from 'node:fs'
   * import { pipeline } from 'node:stream/promises'
   *
   * await pipeline(db.copyTo('copy users to stdout (format csv)'), createWriteStream('users.csv'))
   * ```
   */
  copyTo(sql: string, options?: QueryOptions): AsyncIterable<Buffer>
}
