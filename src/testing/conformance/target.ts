import type { ConnectSettings, Driver } from '../../core/driver.js'
import type { ErrorKind } from '../../core/error-facts.js'

/** A value that is sent as a parameter, cast to a type by the server, and read back. */
export interface ValueRoundTrip {
  /** Completes "a value travels unchanged: …". */
  readonly name: string
  /** The engine's type name, as `cast(… as type)` takes it. */
  readonly type: string
  readonly sent: unknown
  readonly received: unknown
}

/** SQL for what no standard has a text for. Every engine brings its own. */
export interface ConformanceSql {
  readonly values: readonly ValueRoundTrip[]
  /** The engine's type for text of any length. */
  readonly textType: string
  /** A statement that runs for half a minute. */
  readonly sleep: string
  /** Ends another session, by its id. */
  terminate(sessionId: number): string
  /** Makes a wait for a lock fail after 100 ms, in this session. */
  readonly lockTimeout: string
  /** Changes something of the session that a reset must undo, and reads it back as one value. */
  readonly changeSession: string
  readonly readSession: string
  /** How many prepared statements this session has on the server, as one value; undefined = cannot be asked. */
  readonly preparedCount: string | undefined
  /** Whether two transactions that update the same row at `repeatable read` conflict. */
  readonly conflictsOnUpdate: boolean
  /** A cast of a parameter that is not a number to one; the parameter's value must not show in the error. */
  readonly badNumber: string
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
