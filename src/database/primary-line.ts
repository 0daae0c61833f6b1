import { timerMs, type Limits } from '../core/deadline.js'
import { NoPrimaryError, PoolClosedError, PoolQueueFullError, QueryCancelledError, QueryTimeoutError, type SluiceError } from '../core/errors.js'
import { listen, unlisten, type AbortListener } from '../core/abort.js'
import type { Roles } from '../router/roles.js'

/** What the line is made of. */
export interface PrimaryLineParts {
  readonly roles: Roles
  /** Longest wait of one call; 0 = nobody waits. */
  readonly failoverTimeoutMs: number
  /** Callers waiting at most; 0 = any number. */
  readonly maxWaiting: number
  /** Asks all nodes at once, and goes on asking until there is a primary. */
  readonly seek: () => void
}

/** What one call has waited for already: several waits share one `failoverTimeoutMs`. */
export interface Patience {
  /** `performance.now()` when it first found no primary; undefined until then. */
  since: number | undefined
}

/**
 * Work that needs a primary while there is none, in order of arrival. When there is one again it goes on in that order.
 *
 * Invariant: every wait ends: served, refused (no primary in time, a split brain), at the caller's own limits, or closed.
 */
export class PrimaryLine {
  readonly #parts: PrimaryLineParts
  readonly #waiting = new Set<PrimaryWait>()
  #closed = false

  constructor(parts: PrimaryLineParts) { this.#parts = parts }

  /** Calls waiting now. */
  get length(): number { return this.#waiting.size }

  /** Something changed: serves everybody when there is a primary, and those who may go elsewhere when a node came up. */
  changed(): void {
    const { roles } = this.#parts
    if (roles.writable) for (const wait of this.#waiting) wait.serve()
    else if (roles.isSplit) for (const wait of this.#waiting) wait.refuse(roles.missing(0))
  }

  /** A node takes reads that took none: reads look around again, whether there is a primary or not. */
  readsMayGo(): void {
    for (const wait of this.#waiting) if (wait.reads) wait.serve()
  }

  /**
   * What `pick` gives, as soon as it does not throw for the lack of a primary.
   *
   * @throws NoPrimaryError after `failoverTimeoutMs`, at once for a split brain; QueryTimeoutError or QueryCancelledError
   * when the caller's own limits end first
   */
  async once<T>(pick: () => T | Promise<T>, limits: Limits, patience: Patience, reads = false): Promise<T> {
    for (;;) {
      try {
        return await pick()
      } catch (error) {
        if (!(error instanceof NoPrimaryError)) throw error
        await this.wait(limits, patience, reads, error)
      }
    }
  }

  /** Waits for a primary; `because` is what a caller hears who must not wait. */
  wait(limits: Limits, patience: Patience, reads: boolean, because: SluiceError): Promise<void> {
    const { roles, failoverTimeoutMs, maxWaiting, seek } = this.#parts
    const now = performance.now()
    patience.since ??= now
    if (this.#closed) return Promise.reject(closed())
    if (failoverTimeoutMs === 0) return Promise.reject(because instanceof NoPrimaryError ? because : roles.missing(0))
    if (roles.isSplit) return Promise.reject(roles.missing(0))
    if (limits.signal?.aborted) return Promise.reject(cancelled(limits))
    if (maxWaiting > 0 && this.#waiting.size >= maxWaiting) return Promise.reject(full(maxWaiting))
    const wait = new PrimaryWait(limits, patience.since + failoverTimeoutMs, reads, {
      left: () => { this.#waiting.delete(wait) },
      late: (waitedMs) => roles.missing(waitedMs),
      since: patience.since,
    })
    this.#waiting.add(wait)
    seek()
    return wait.promise
  }

  /** Refuses everybody, now and from now on. */
  close(): void {
    this.#closed = true
    for (const wait of this.#waiting) wait.refuse(closed())
  }
}

interface WaitHost {
  left(): void
  late(waitedMs: number): SluiceError
  readonly since: number
}

/** One call waiting. Settles once. */
class PrimaryWait implements AbortListener {
  readonly promise: Promise<void>
  /** A read, which a replica could answer too. */
  readonly reads: boolean
  readonly #limits: Limits
  readonly #host: WaitHost
  readonly #timer: NodeJS.Timeout
  #resolve!: () => void
  #reject!: (error: SluiceError) => void

  constructor(limits: Limits, expiresAt: number, reads: boolean, host: WaitHost) {
    this.reads = reads
    this.#limits = limits
    this.#host = host
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const own = limits.expiresAt < expiresAt
    const endsAt = Math.min(limits.expiresAt, expiresAt)
    // keeps the process alive: somebody awaits this wait, and it always ends
    this.#timer = setTimeout(() => { this.refuse(this.#late(own)) }, timerMs(endsAt - performance.now()))
    if (limits.signal) listen(limits.signal, this)
  }

  onAbort(): void { this.refuse(cancelled(this.#limits)) }

  serve(): void {
    this.#leave()
    this.#resolve()
  }

  refuse(error: SluiceError): void {
    this.#leave()
    this.#reject(error)
  }

  #late(own: boolean): SluiceError {
    const waitedMs = performance.now() - this.#host.since
    const missing = this.#host.late(waitedMs)
    if (!own) return missing
    return new QueryTimeoutError(`the statement's time was over after ${String(Math.round(waitedMs))} ms without a primary; it was never sent`, {
      neverSent: true, transient: true, cause: missing, hint: 'timeoutMs (or statementTimeoutMs) is shorter than failoverTimeoutMs',
    })
  }

  #leave(): void {
    this.#host.left()
    clearTimeout(this.#timer)
    if (this.#limits.signal) unlisten(this.#limits.signal, this)
  }
}

function cancelled({ signal }: Limits): QueryCancelledError {
  return new QueryCancelledError('the caller\'s signal aborted the wait for a primary; the statement was never sent', { neverSent: true, cause: signal?.reason })
}

function closed(): PoolClosedError {
  return new PoolClosedError('the database was closed while work waited for a primary')
}

function full(limit: number): PoolQueueFullError {
  return new PoolQueueFullError(`${String(limit)} callers wait for a primary already (pool.maxWaiting)`)
}
