import { timerMs, type Limits } from '../core/deadline.js'
import { listen, unlisten, type AbortListener } from '../core/abort.js'
import type { Loan } from './loan.js'

/** A wish for a connection. */
export interface AcquireRequest {
  readonly limits: Limits
  /** Who asks, for people: a route, a job, a transaction's name. */
  readonly label: string | undefined
  /** The statement it is asked for. */
  readonly text: string | undefined
  /** The transaction that will hold the loan; undefined for one statement's loan, which ends by itself. */
  readonly owner: object | undefined
  /** Transactions that cannot go on, and so cannot give their connections back, before this request is answered. */
  readonly owners?: readonly object[]
  /** The loan is meant to last: no leak. */
  readonly lasting?: boolean
  /** Wants this node and no other: it is not sent away while the node is in doubt. */
  readonly loyal?: boolean
  /** Whoever asks can do without: `Pool.divert` may answer it with undefined. */
  readonly divertible?: boolean
}

/** What a waiter tells its pool. */
export interface WaiterHost {
  /** Its time is over, or its signal aborted. */
  gaveUp(waiter: Waiter, reason: 'timeout' | 'abort'): void
}

/** One caller waiting for a connection. Settles once: with a loan, with an error, or by being sent elsewhere. */
export class Waiter implements AbortListener {
  readonly request: AcquireRequest
  readonly since: number
  /** `performance.now()` after which it gives up. */
  readonly expiresAt: number
  /** Where it was asked; only with leak detection. */
  readonly capture: Error | undefined
  /** undefined: diverted. */
  readonly promise: Promise<Loan | undefined>
  resolve!: (loan: Loan | undefined) => void
  reject!: (error: Error) => void
  next: Waiter | undefined = undefined
  previous: Waiter | undefined = undefined
  readonly #host: WaiterHost
  #timer: NodeJS.Timeout | undefined

  constructor(host: WaiterHost, request: AcquireRequest, since: number, acquireTimeoutMs: number, capture: Error | undefined) {
    this.#host = host
    this.request = request
    this.since = since
    this.capture = capture
    this.expiresAt = Math.min(request.limits.expiresAt, acquireTimeoutMs > 0 ? since + acquireTimeoutMs : Infinity)
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** The request's own limit came first, not `acquireTimeoutMs`. */
  get limited(): boolean { return this.expiresAt === this.request.limits.expiresAt }

  /**
   * Starts listening and counting. The timer keeps the process alive, unlike every other one of the pool: somebody
   * awaits this wait, and it always ends.
   */
  arm(): void {
    const { signal } = this.request.limits
    if (signal) listen(signal, this)
    if (this.expiresAt === Infinity) return
    this.#timer = setTimeout(onTimeout, timerMs(this.expiresAt - performance.now()), this)
  }

  disarm(): void {
    clearTimeout(this.#timer)
    const { signal } = this.request.limits
    if (signal) unlisten(signal, this)
  }

  onAbort(): void {
    this.#host.gaveUp(this, 'abort')
  }

  /** @internal */
  onTimeout(): void {
    this.#host.gaveUp(this, 'timeout')
  }
}

function onTimeout(waiter: { onTimeout(): void }): void {
  waiter.onTimeout()
}

/** Waiters in order of arrival: a linked list, so that joining, leaving from anywhere and serving take constant time. */
export class WaitingLine {
  #head: Waiter | undefined
  #tail: Waiter | undefined
  #length = 0
  /** How many waiting requests each transaction is behind. */
  readonly #owners = new Map<object, number>()

  get length(): number { return this.#length }

  /** The one waiting longest. */
  get head(): Waiter | undefined { return this.#head }

  join(waiter: Waiter): void {
    waiter.previous = this.#tail
    if (this.#tail) this.#tail.next = waiter
    else this.#head = waiter
    this.#tail = waiter
    this.#length++
    this.#countOwners(waiter.request, 1)
    waiter.arm()
  }

  /** Takes the head out of the line. */
  shift(): Waiter | undefined {
    const head = this.#head
    if (head) this.leave(head)
    return head
  }

  leave(waiter: Waiter): void {
    if (waiter.previous) waiter.previous.next = waiter.next
    else this.#head = waiter.next
    if (waiter.next) waiter.next.previous = waiter.previous
    else this.#tail = waiter.previous
    waiter.next = waiter.previous = undefined
    this.#length--
    this.#countOwners(waiter.request, -1)
    waiter.disarm()
  }

  /** How long the first one that counts has been waiting; 0 without one. */
  longestWaitMs(now: number, counts: (request: AcquireRequest) => boolean): number {
    for (const { request, since } of this) if (counts(request)) return now - since
    return 0
  }

  /** Sends up to `most` of those who can do without a connection elsewhere. */
  divert(most: number, wanted: (request: AcquireRequest) => boolean): void {
    let left = most
    for (const waiter of this) {
      if (left <= 0) return
      if (!waiter.request.divertible || !wanted(waiter.request)) continue
      left--
      this.leave(waiter)
      waiter.resolve(undefined)
    }
  }

  /** Whether a transaction waits for a connection of this pool. */
  isWaiting(owner: object): boolean { return this.#owners.has(owner) }

  /** Whether each of these loans is held by a transaction that waits here, or would with this request. */
  holdsUpAll(loans: Iterable<{ readonly owner: object | undefined }>, { owner, owners = [] }: AcquireRequest): boolean {
    if (owner === undefined && owners.length === 0) return false
    for (const { owner: holder } of loans) {
      if (!holder) return false
      if (holder !== owner && !owners.includes(holder) && !this.isWaiting(holder)) return false
    }
    return true
  }

  *[Symbol.iterator](): Generator<Waiter> {
    let waiter = this.#head
    while (waiter) {
      const { next } = waiter
      yield waiter
      waiter = next
    }
  }

  #countOwners(request: AcquireRequest, change: 1 | -1): void {
    if (request.owner) this.#count(request.owner, change)
    if (request.owners) for (const owner of request.owners) this.#count(owner, change)
  }

  #count(owner: object, change: 1 | -1): void {
    const count = (this.#owners.get(owner) ?? 0) + change
    if (count > 0) this.#owners.set(owner, count)
    else this.#owners.delete(owner)
  }
}
