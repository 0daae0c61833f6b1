import type { Limits } from '../core/deadline.js'

/** Rows fetched per round trip unless the caller says otherwise. */
export const DEFAULT_BATCH_SIZE = 100

/**
 * A stream that may be cut from outside (its transaction ends, or its limits come, while nobody reads on): the cursor is
 * closed, and a consumer who comes back gets an error instead of a silently short result.
 */
export class OpenStream {
  readonly #batches: AsyncGenerator<unknown[], void, undefined>
  readonly #free: () => void
  readonly #cutError: () => Error
  #suspended = false
  #cut: Promise<void> | undefined

  /** @param free - called when it was cut and the connection can be used again */
  constructor(batches: AsyncGenerator<unknown[], void, undefined>, free: () => void, cutError: () => Error) {
    this.#batches = batches
    this.#free = free
    this.#cutError = cutError
  }

  /** It has handed out a batch and waits for the consumer to come back. */
  get suspended(): boolean { return this.#suspended && !this.#cut }

  async *read<Row>(): AsyncGenerator<Row[], void, undefined> {
    try {
      for (;;) {
        const next = await this.#batches.next()
        if (this.#cut) throw this.#cutError()
        if (next.done) return
        this.#suspended = true
        yield next.value as Row[]
        this.#suspended = false
        if (this.#cut) throw this.#cutError()
      }
    } finally {
      this.#suspended = false
      await (this.#cut ?? this.#batches.return())
    }
  }

  /** Closes the cursor now. Resolves when the connection is free; never rejects. */
  cut(): Promise<void> {
    return this.#cut ??= this.#batches.return().then(this.#free, this.#free)
  }
}

/**
 * Limits of a stream without a `timeoutMs` of its own: `statementTimeoutMs` bounds each round trip, not the time the
 * consumer takes for all rows. `expiresAt` therefore moves: it is read anew whenever something is sent.
 */
export function streamLimits(perBatchMs: number, expiresAt: number, signal: AbortSignal | undefined): Limits {
  return new MovingLimits(perBatchMs === 0 ? Infinity : perBatchMs, expiresAt, signal)
}

/** The limits that hold while the consumer has a batch: those of single round trips do not. */
export function perCall(limits: Limits): Limits {
  return limits instanceof MovingLimits ? limits.whole : limits
}

class MovingLimits implements Limits {
  readonly signal: AbortSignal | undefined
  readonly #perBatchMs: number
  readonly #expiresAt: number

  constructor(perBatchMs: number, expiresAt: number, signal: AbortSignal | undefined) {
    this.#perBatchMs = perBatchMs
    this.#expiresAt = expiresAt
    this.signal = signal
  }

  get whole(): Limits { return { expiresAt: this.#expiresAt, signal: this.signal } }

  get expiresAt(): number { return Math.min(this.#expiresAt, performance.now() + this.#perBatchMs) }
}
