import type { SluiceError } from './errors.js'
import type { Route } from './result.js'

/** Role of a node at this moment. */
export type Role = 'primary' | 'replica'

/** One attempt to run one statement has ended. `error` is undefined when it succeeded. */
export interface QueryEvent {
  /** SQL text with placeholders; parameter values are never part of an event. */
  readonly text: string
  readonly name: string | undefined
  readonly label: string | undefined
  readonly node: string
  readonly role: Role
  readonly route: Route
  readonly command: string | undefined
  readonly rowCount: number
  /** Milliseconds, waiting for a connection included. */
  readonly durationMs: number
  /** 1 for the first attempt. */
  readonly attempt: number
  readonly error: SluiceError | undefined
}

/** A connection was lent, or a wait for one ended in an error. */
export interface AcquireEvent {
  readonly node: string
  readonly waitMs: number
  readonly error: Error | undefined
}

/** A connection was opened or closed, or an attempt to open one failed. */
export interface ConnectEvent {
  readonly node: string
  readonly action: 'opened' | 'closed' | 'failed'
  /** Milliseconds it took to open; 0 for `closed`. */
  readonly durationMs: number
  /** Why it was closed: `idle`, `lifetime`, `uses`, `broken`, `reset`, `shutdown`, … */
  readonly reason: string | undefined
  readonly error: Error | undefined
}

/** A transaction ended. */
export interface TransactionEvent {
  readonly name: string | undefined
  readonly node: string
  readonly outcome: 'committed' | 'rolled-back' | 'unknown'
  /** Re-runs after the first attempt. */
  readonly retries: number
  readonly durationMs: number
}

/** A node changed its state as seen by this process. */
export interface NodeEvent {
  readonly node: string
  readonly role: Role
  readonly from: string
  readonly to: string
  readonly reason: string
}

/** A leaked loan, a failed background job, a misrouted statement: things an operator wants to read. */
export interface WarningEvent {
  readonly code: string
  readonly node: string | undefined
  readonly message: string
  readonly error: Error | undefined
}

/**
 * Watches and never steers: a throwing observer is ignored (and reported once as a warning event). Every method is
 * optional; where nobody listens no event object is made.
 */
export interface Observer {
  query?(event: QueryEvent): void
  acquire?(event: AcquireEvent): void
  connect?(event: ConnectEvent): void
  transaction?(event: TransactionEvent): void
  node?(event: NodeEvent): void
  warning?(event: WarningEvent): void
}
