/** Limits of one node's connection pool, all set. Times in milliseconds; 0 switches a limit off. */
export interface PoolSettings {
  /** Connections kept open when idle. */
  readonly min: number
  /** Connections open at most (per node). */
  readonly max: number
  /** Idle connections kept at most; undefined = `max`. */
  readonly maxIdle: number | undefined
  /** Longest wait for a connection. */
  readonly acquireTimeoutMs: number
  /** An idle connection above `min` is closed after this. */
  readonly idleTimeoutMs: number
  /** A connection is replaced at this age, plus or minus {@link maxLifetimeJitterMs}. */
  readonly maxLifetimeMs: number
  readonly maxLifetimeJitterMs: number
  /** A connection is replaced after so many loans. */
  readonly maxUses: number
  /** `idle`: ping before a loan when idle for over a second; `always`; `never`. */
  readonly validation: 'idle' | 'always' | 'never'
  /** SQL used as the ping; undefined = the driver's own. */
  readonly validationQuery: string | undefined
  /** A loan held longer is reported with the borrower's stack. */
  readonly leakDetectionMs: number
  /** Callers waiting at most; the next one is refused at once. */
  readonly maxWaiting: number
  /** Temporary connections beyond `max`, closed when returned. */
  readonly maxOverflow: number
  /** Of `max`, connections that quick reads may share (pipelined); 0 = every statement gets one of its own. */
  readonly lanes: number
}

/** Chooses one of the nodes that qualify; called synchronously for every read. */
export type BalanceFunction = (nodes: readonly BalanceCandidate[]) => BalanceCandidate

/** What a balancing strategy may look at. */
export interface BalanceCandidate {
  readonly name: string
  readonly weight: number
  /** Statements sent to this node and not yet answered. */
  readonly inFlight: number
  /** Peak-EWMA of the response time, milliseconds; 0 before the first answer. */
  readonly responseMs: number
  readonly lagMs: number | undefined
}

/** Names of the built-in balancing strategies. */
export type BalanceStrategy = 'round-robin' | 'least-connections' | 'weighted' | 'fastest-response' | 'random'

/** When a replica that answers is given no reads for a while all the same. */
export interface EjectionSettings {
  /** Its mean response time is so many times that of the other replicas (the median of their means) … */
  readonly latencyFactor: number
  /** … and at least so many milliseconds longer. */
  readonly minLatencyMs: number
  /** Milliseconds the first time; doubled each further time, less a random share of up to a quarter. */
  readonly baseMs: number
  readonly maxMs: number
  /** Share of the replicas that may be ejected at once, 0 to 1, rounded down; 0 = none ever is. */
  readonly maxShare: number
}

/** How statements find their node. */
export interface RoutingSettings {
  /** `primary`: replicas only on request. */
  readonly reads: 'replica' | 'primary'
  readonly strategy: BalanceStrategy | BalanceFunction
  /** May reads run on the primary when no replica qualifies, and up to which share of all reads (0 to 1)? */
  readonly fallbackToPrimary: { readonly maxShare: number }
  readonly ejection: EjectionSettings
  readonly maxReplicationLagMs: number
  readonly maxReplicationLagBytes: number | undefined
  /** Functions that write, in addition to everything unknown. */
  readonly writeFunctions: readonly string[]
  /** Own functions that only read: `app.price`, `slugify`. */
  readonly readOnlyFunctions: readonly string[]
}

/** Retries of single statements and whole transactions. */
export interface RetrySettings {
  /** Re-runs of a read after the first attempt. */
  readonly reads: number
  /** Re-runs of a whole transaction after a deadlock or serialization failure. */
  readonly transactions: number
  readonly baseDelayMs: number
  readonly maxDelayMs: number
  /** Milliseconds for one try of a read or a transaction, after which it is cancelled and tried again; 0 = only the limit of the call. */
  readonly perTryTimeoutMs: number
  /** Tries of statements that failed, at most, for each statement of the last ten to twenty seconds; a hundred are always allowed. */
  readonly budget: number
}

/** Where idempotency keys are kept. */
export interface IdempotencySettings {
  /** Name of the table, `sluice_idempotency` or `app.keys`; it is made when the first key is used. */
  readonly table: string
  /** Milliseconds after which a key may be forgotten: work that is repeated later is done again. */
  readonly keepMs: number
}

/** Probing of nodes. */
export interface HealthSettings {
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Consecutive failures until a node counts as down. */
  readonly failureThreshold: number
}

/** How values arrive, the same on every engine. */
export interface TypeSettings {
  /** 64-bit integers: text (never wrong), `bigint`, or a number that throws when it would not be exact. */
  readonly bigint: 'string' | 'bigint' | 'number'
}
