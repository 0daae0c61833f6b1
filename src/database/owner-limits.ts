import { limitsFrom, UNLIMITED, type Limits } from '../core/deadline.js'
import { listen, unlisten } from '../core/abort.js'
import type { QueryOptions } from '../core/queryable.js'
import { streamLimits } from './open-stream.js'

/** The limits of whoever owns a connection for a while: they bound each statement, beside the statement's own. */
export class OwnerLimits {
  readonly #statementTimeoutMs: number
  /** Aborts what the owner has started, when the owner itself is over. */
  readonly #owner = new AbortController()
  readonly #onAbort = { onAbort: (): void => { this.#owner.abort(this.#limits.signal?.reason) } }
  #limits: Limits = UNLIMITED

  constructor(statementTimeoutMs: number) { this.#statementTimeoutMs = statementTimeoutMs }

  /** Every later statement ends by then at the latest. */
  set(limits: Limits): void {
    this.#limits = limits
    if (limits.signal?.aborted) this.#onAbort.onAbort()
    else if (limits.signal) listen(limits.signal, this.#onAbort)
  }

  /** Ends what is running or waiting now. */
  abort(reason: Error): void { this.#owner.abort(reason) }

  /** The owner gives the connection back. */
  end(): void { if (this.#limits.signal) unlisten(this.#limits.signal, this.#onAbort) }

  /** Of so many statements that travel together. */
  of(options: QueryOptions, statements = 1): Limits {
    const { expiresAt } = limitsFrom(options.timeoutMs ?? this.#statementTimeoutMs * statements)
    return { expiresAt: Math.min(expiresAt, this.#limits.expiresAt), signal: this.#signalOf(options) }
  }

  ofStream(options: QueryOptions): Limits {
    if (options.timeoutMs !== undefined) return this.of(options)
    return streamLimits(this.#statementTimeoutMs, this.#limits.expiresAt, this.#signalOf(options))
  }

  /** Our own statements are not cut off by the end of what they end: only the owner's own limits hold. */
  ofControl(): Limits {
    const { expiresAt } = limitsFrom(this.#statementTimeoutMs)
    return { expiresAt: Math.min(expiresAt, this.#limits.expiresAt), signal: this.#limits.signal }
  }

  #signalOf({ signal }: QueryOptions): AbortSignal {
    const own = this.#owner.signal
    return signal && signal !== this.#limits.signal ? AbortSignal.any([signal, own]) : own
  }
}
