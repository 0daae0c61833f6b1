import type { Limits } from '../core/deadline.js'
import type { Connection } from '../core/driver.js'
import type { SluiceError } from '../core/errors.js'
import type { ErrorContext } from '../core/explain.js'
import type { Notifier } from '../core/notify.js'
import type { PoolSettings } from '../core/settings.js'
import type { Loan } from './loan.js'
import type { Holder, PoolStats } from './stats.js'

/** What a pool is made of. */
export interface PoolParts {
  /** Name of the node, shown in errors and events. */
  readonly name: string
  /** Opens one connection within the node's connect timeout; `signal` aborts when the pool closes. */
  readonly connect: (signal: AbortSignal) => Promise<Connection>
  /** Explains an error of the npm client. */
  readonly explain: (cause: unknown, context: ErrorContext) => SluiceError
  readonly notifier: Notifier
}

/** A wish for a connection. */
export interface AcquireRequest {
  readonly limits: Limits
  readonly label: string | undefined
  readonly text: string | undefined
  /** The transaction that will hold the loan, or on whose behalf it is asked; see `Pool.acquire`. */
  readonly owner: object | undefined
  /** Transactions that cannot go on before this request is answered. */
  readonly owners?: readonly object[]
}

/** Exclusive loans of the connections to one node. */
export class Pool {
  constructor(_settings: PoolSettings, _parts: PoolParts) { /* follows */ }

  /** Opens `settings.min` connections. */
  open(): Promise<void> { return Promise.reject(new Error('not yet')) }
  acquire(_request: AcquireRequest): Promise<Loan> { return Promise.reject(new Error('not yet')) }
  /** A loan when an idle connection is at hand, without waiting. */
  tryAcquire(_request: AcquireRequest): Loan | undefined { throw new Error('not yet') }
  stats(): PoolStats { throw new Error('not yet') }
  holders(): readonly Holder[] { throw new Error('not yet') }
  configure(_settings: Partial<PoolSettings>): void { throw new Error('not yet') }
  /** Replaces all connections without failing a statement: idle ones now, lent ones when they return. */
  reset(): Promise<void> { return Promise.reject(new Error('not yet')) }
  close(_options: { readonly drainMs: number }): Promise<void> { return Promise.reject(new Error('not yet')) }
}
