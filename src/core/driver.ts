import type { Dialect } from './dialect.js'
import type { DumpTools } from './dump.js'
import type { DriverResult } from './result.js'
import type { TypeSettings } from './settings.js'
import type { Statement } from './statement.js'
import type { ConnectionTarget, HostPort } from './target.js'

export type { ConnectionTarget, HostPort, PasswordSource, SslMode, TargetSessionAttrs, TlsSettings } from './target.js'

/** Everything a driver needs to open one connection. */
export interface ConnectSettings {
  readonly target: ConnectionTarget
  /** Open the session read-only, so that a misrouted write is refused loudly. */
  readonly readOnly: boolean
  readonly connectTimeoutMs: number
  /** Server-side statement timeout as a backstop behind the client's own deadline; 0 = none. */
  readonly statementTimeoutMs: number
  /** Server-side prepared statements kept per connection; 0 = never prepare. */
  readonly maxPreparedStatements: number
  /** How 64-bit integers arrive; undefined = as strings. */
  readonly types?: TypeSettings | undefined
}

/** What the driver learnt about the server while connecting. */
export interface ServerFacts {
  /** Version as the server says it, `18.4`. */
  readonly version: string
  /** Comparable version number, `180004` for 18.4. */
  readonly versionNumber: number
  /** The address this connection reached. */
  readonly address: HostPort | undefined
  /** A transaction pooler (PgBouncer) stands between: no named statements, no session state. */
  readonly pooled: boolean
}

/** A message of LISTEN/NOTIFY. */
export interface Notification {
  readonly channel: string
  /** Empty when none was given. */
  readonly payload: string
}

/** What became of several statements sent in one round trip. */
export interface BatchResult {
  /** Of the statements that the server has done, from the first one on. */
  readonly results: readonly DriverResult[]
  /** The first failure, and which statement it belongs to; what comes after `results` was not run. */
  readonly failure: { readonly at: number; readonly cause: unknown } | undefined
}

/**
 * One physical connection.
 *
 * Invariants: a method never throws synchronously; after `broken` is true every call rejects; `query` rejects with the
 * npm client's own error (the dialect's `describeError` explains it). A connection does not queue for itself: callers
 * send one statement at a time unless the dialect's `features.pipelining` says otherwise.
 */
export interface Connection {
  /** The server's name for this session (PostgreSQL backend pid, MySQL thread id). */
  readonly id: number
  readonly server: ServerFacts
  /** The socket is gone or the protocol state is unknown: discard it. */
  readonly broken: boolean
  /** Statements sent and not yet answered. */
  readonly inFlight: number
  /** Whether the server-side session is outside any transaction block; undefined where the engine cannot tell. */
  readonly idle: boolean | undefined
  /** A statement with `data` to read (`features.copyIn`) is given it, at the server's pace; a source that fails undoes the statement. */
  query<Row = Record<string, unknown>>(statement: Statement): Promise<DriverResult<Row>>
  /**
   * Several statements in one round trip, in order, each text a single statement and none of them COPY. The first failure
   * ends the rest unrun; rejects only when the server's answer is not known, or nothing was sent.
   */
  batch?(statements: readonly Statement[]): Promise<BatchResult>
  /**
   * Rows in batches; stopping early closes the cursor and leaves the connection usable. Of a statement with `data: 'out'`
   * (`features.copyOut`) the batches are of `Buffer`s.
   */
  stream?<Row = Record<string, unknown>>(statement: Statement, options: { readonly batchSize: number }): AsyncIterable<Row[]>
  /**
   * Asks the server, on another connection, to stop the statement now running here. Resolves when the server has taken
   * the request (not when the statement has ended); rejects when it could not be delivered.
   */
  cancel?(): Promise<void>
  /**
   * Switches pipelining on or off; only while nothing is in flight. While it is on, several statements may be in flight at
   * once: they are answered in order, each under its own implicit transaction, and an error of one does not touch the next.
   */
  pipeline?(on: boolean): void
  /** Calls `listener` for every notification that arrives on this session; returns the way to stop it. */
  subscribe?(listener: (notification: Notification) => void): () => void
  /** Back to the state of a new session (`DISCARD ALL`). Rejects when that is not certain. */
  reset?(): Promise<void>
  ping(): Promise<void>
  /** Ends the session politely. Never rejects. */
  close(): Promise<void>
  /** Drops the socket now. Idempotent. */
  destroy(): void
}

/** An engine: its facts, always loaded, and the way to a connection, loaded on first use. */
export interface Driver {
  readonly dialect: Dialect
  /**
   * Checks what only this engine knows of a target (URL parameters, `driverOptions`), when a database is made.
   *
   * @throws {@link ConfigError} naming the parameter
   */
  check?(settings: ConnectSettings): void
  /**
   * Whether read-only connections of the same storage may serve reads beside the primary: an embedded engine's file. A
   * database without replicas then gets a node of readers.
   */
  readers?(target: ConnectionTarget): boolean
  /**
   * A database is made of this target: what lives in memory must outlive the connections that come and go, until the
   * returned function is called.
   */
  keep?(target: ConnectionTarget): () => void | Promise<void>
  /**
   * Starts an engine inside this process, where that takes longer than one waits for a connection. Called when a database
   * is connected; a connection that finds none started starts it too.
   */
  start?(settings: ConnectSettings): Promise<void>
  /**
   * Opens one connection. Rejects with the npm client's own error; never leaves a socket behind, also when `signal`
   * aborts or `connectTimeoutMs` passes.
   */
  connect(settings: ConnectSettings, signal?: AbortSignal): Promise<Connection>
  /** How its databases are dumped and restored by programs; loaded when backups are made. */
  dump?(): Promise<DumpTools>
}
