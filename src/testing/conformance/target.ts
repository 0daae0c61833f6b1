import type { ConnectSettings, Driver } from '../../core/driver.js'
import type { ErrorKind } from '../../core/error-facts.js'

/**
 * What a value is, whatever the engine calls its type. Every engine brings at least one value of each kind its
 * `features` do not deny.
 */
export type ValueKind =
  | 'integer' | 'bigint' | 'numeric' | 'float' | 'boolean' | 'date' | 'timestamp' | 'instant' | 'json' | 'array' | 'bytes' | 'other'

/** A value that is sent as a parameter, cast to a type by the server, and read back. */
export interface ValueRoundTrip {
  readonly kind: ValueKind
  /** Completes "a value travels as documented: …". */
  readonly name: string
  /** The engine's type name, as `cast(… as type)` takes it. */
  readonly type: string
  readonly sent: unknown
  readonly received: unknown
}

/** SQL for what no standard has a text for. Every engine brings its own. */
export interface ConformanceSql {
  readonly values: readonly ValueRoundTrip[]
  /** The engine's type for text of any length, as `cast(… as type)` takes it. */
  readonly textType: string
  /** Definition of a key column that the engine fills in: `id integer primary key`. */
  readonly generatedKey: string
  /** A statement that runs for half a minute; undefined without `features.cancel`. */
  readonly sleep: string | undefined
  /** Ends another session, by its id; undefined with `features.embedded`. */
  readonly terminate: ((sessionId: number) => string) | undefined
  /** Makes a wait for a lock fail soon (a second at most), in this session; undefined without `features.concurrentConnections`. */
  readonly lockTimeout: string | undefined
  /** Changes something of the session that a reset must undo, and reads it back as one value. */
  readonly changeSession: string
  readonly readSession: string
  /** How many prepared statements this session has on the server, as one value; undefined = cannot be asked. */
  readonly preparedCount: string | undefined
  /** A statement with one parameter whose value does not fit and must not show in the error. */
  readonly badValue: string
  /** A query of a hundred rows, `n` from 1, that fails when it comes to row 55. */
  readonly failsHalfway: string
}

/** What is tested, and against which server. */
export interface ConformanceTarget {
  readonly driver: Driver
  /** A login that may create tables (`conformance_…`) in a scratch database and end its own other sessions. */
  readonly settings: ConnectSettings
  readonly sql: ConformanceSql
  /** Settings whose `connect` must be refused, and as what. */
  readonly refused: readonly { readonly kind: ErrorKind; readonly settings: ConnectSettings }[]
}

/** One test, free of any test runner: `run` resolves when it has passed and rejects with an AssertionError when not. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}
