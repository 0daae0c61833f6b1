import type { Connection } from '../core/driver.js'
import type { SluiceError } from '../core/errors.js'
import type { ErrorContext } from '../core/explain.js'
import type { Notifier } from '../core/notify.js'

/** What a pool is made of. */
export interface PoolParts {
  /** Name of the node, shown in errors and events. */
  readonly name: string
  /** Opens one connection within the node's connect timeout; `signal` aborts when the pool closes. */
  readonly connect: (signal: AbortSignal) => Promise<Connection>
  /** Explains an error of the npm client. */
  readonly explain: (cause: unknown, context: ErrorContext) => SluiceError
  readonly notifier: Notifier
  /** The server gave no answer to a ping on an idle connection that began then (`performance.now()`). */
  readonly silent?: (startedAt: number) => void
}
