/**
 * A snapshot of one pool. Counters count from the pool's construction; the names follow Go's `sql.DBStats` where that
 * has one.
 */
export interface PoolStats {
  /** Connections this pool may hold open; `maxOverflow` comes on top. */
  readonly max: number
  /** Open now: `inUse + idle + checking`. */
  readonly openConnections: number
  /** Lent to a caller. */
  readonly inUse: number
  readonly idle: number
  /** Open, neither lent nor idle: being pinged, or being settled after a cancelled statement. */
  readonly checking: number
  /** Being opened. */
  readonly connecting: number
  /** Callers waiting for a connection. */
  readonly waiting: number
  /** Loans that had to wait, ever. */
  readonly waitCount: number
  /** Milliseconds waited for loans, ever. */
  readonly waitDurationMs: number
  /** Loans made, ever. */
  readonly acquireCount: number
  /** Waits that ended because their time was over. */
  readonly acquireTimeouts: number
  /** Connections opened, ever. */
  readonly opened: number
  /** Attempts to open a connection that failed. */
  readonly connectFailures: number
  /** Closed because `maxIdle` were idle already. */
  readonly maxIdleClosed: number
  /** Closed by `idleTimeoutMs`. */
  readonly maxIdleTimeClosed: number
  /** Closed by `maxLifetimeMs`. */
  readonly maxLifetimeClosed: number
  /** Closed by `maxUses`. */
  readonly maxUsesClosed: number
  /** Thrown away because they were broken, or not certain to be clean. */
  readonly brokenClosed: number
}

/** Who holds a connection, and since when. */
export interface Holder {
  readonly ageMs: number
  /** The borrower's label: a route, a job, a transaction's name. */
  readonly label: string | undefined
  /** Text of the last statement sent, with placeholders. */
  readonly text: string | undefined
  /** What the connection is doing. */
  readonly state: 'running' | 'idle in transaction' | 'idle'
  /** Milliseconds in that state. */
  readonly stateMs: number
  /** The loan belongs to a transaction. */
  readonly transaction: boolean
  /** The borrower's stack, only with `leakDetectionMs`. */
  readonly stack: string | undefined
}
