import type { IsolationLevel } from '../core/dialect.js'
import type { RetryPolicy } from '../core/queryable.js'

/** Options of a transaction. */
export interface TransactionOptions {
  readonly isolationLevel?: IsolationLevel | undefined
  /** The server refuses writes; it may then run on a replica (not when serializable, where replicas refuse that). */
  readonly readOnly?: boolean | undefined
  /** PostgreSQL, serializable read-only: wait for a snapshot that cannot fail. */
  readonly deferrable?: boolean | undefined
  /** Re-runs of the whole callback after a deadlock or serialization failure; default `retry.transactions`. */
  readonly retries?: number | undefined
  /** How the whole of it is tried again; default `retry`. `retries` and `timeoutMs` outrank it. */
  readonly retry?: RetryPolicy | undefined
  /** Milliseconds for all attempts together. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Name in metrics and errors; transactions of one name that keep conflicting are run one at a time. */
  readonly name?: string | undefined
  /** Label of the caller (a route, a job), shown where connections are held; default `name`. */
  readonly label?: string | undefined
  /** A position, from `db.causalToken()`, that a read-only transaction must include. */
  readonly causalToken?: string | undefined
  /** Where a read-only transaction runs. */
  readonly target?: 'primary' | 'replica' | undefined
  /** `false`: a transaction of its own, even inside another one. */
  readonly ambient?: boolean | undefined
  /**
   * The transaction is done once for this key, however often it is asked for, also across a failover: then it may run again
   * when its connection is lost, too. Who asks again gets what it returned the first time, as JSON. 1 to 255 characters, made
   * anew for each piece of work and kept by whoever may repeat it. The answer is remembered for `idempotency.keepMs`.
   */
  readonly idempotencyKey?: string | undefined
}
