import { UNLIMITED, withTimeout } from '../core/deadline.js'
import type { SluiceError } from '../core/errors.js'
import type { PoolSettings } from '../core/settings.js'
import { describeHolder, type Evidence } from './evidence.js'
import { captureBorrower, watchForLeak } from './leak.js'
import { Loan, type LoanHost } from './loan.js'
import type { CloseReason, Member } from './member.js'
import type { PoolParts } from './pool-parts.js'
import { cancelledWaiting, deadlock, poolClosed, queueFull, timedOutWaiting, waitOver } from './refusals.js'
import type { Holder, PoolStats } from './stats.js'
import { Supply } from './supply.js'
import { Waiter, WaitingLine, type AcquireRequest, type WaiterHost } from './waiting.js'

export type { PoolParts } from './pool-parts.js'
export type { AcquireRequest } from './waiting.js'

/** How long a closing pool waits for what it has told to end. */
const CLOSE_PATIENCE_MS = 2_000

/**
 * Exclusive loans of the connections to one node.
 *
 * Invariants: a connection has one borrower at most; at most `max + maxOverflow` connections exist, those being opened
 * and closed included; callers are served in order of arrival; every wait ends (served, timed out, aborted, refused or
 * closed).
 */
export class Pool {
  readonly #name: string
  readonly #parts: PoolParts
  readonly #supply: Supply
  readonly #line = new WaitingLine()
  readonly #loans = new Set<Loan>()
  readonly #loanHost: LoanHost
  readonly #waiterHost: WaiterHost
  readonly #tells: { readonly acquire: boolean; readonly release: boolean }
  #settings: PoolSettings
  readonly #counts = { acquireCount: 0, waitCount: 0, waitDurationMs: 0, acquireTimeouts: 0 }
  #closed = false
  #closing: Promise<void> | undefined
  #onDrained: (() => void) | undefined

  constructor(settings: PoolSettings, parts: PoolParts) {
    const { name } = parts
    this.#settings = settings
    this.#parts = parts
    this.#name = name
    this.#tells = { acquire: parts.notifier.listens('acquire'), release: parts.notifier.listens('release') }
    this.#waiterHost = { gaveUp: (waiter, reason) => { this.#gaveUp(waiter, reason) } }
    this.#loanHost = {
      name,
      explain: (cause, sql, neverSent) => parts.explain(cause, { node: name, sql, neverSent }),
      returned: (loan, member, discard) => { this.#returned(loan, member, discard) },
      cutOff: (member) => { this.#supply.members.close(member, 'cut-off') },
      endedTwice: (loan) => { this.#warn('SLUICE_DOUBLE_RELEASE', 'a loan was given back twice', loan) },
    }
    this.#supply = new Supply(settings, parts, {
      waiting: () => this.#line.length,
      serve: (member, now) => { this.#serve(member, now) },
      failed: (error, permanent) => { this.#connectFailed(error, permanent) },
    })
  }

  /**
   * Opens `settings.min` connections.
   *
   * @throws ConnectionError at once when the server refuses for good, after `acquireTimeoutMs` when it cannot be reached
   */
  async open(): Promise<void> {
    this.#supply.start()
    const request: AcquireRequest = { limits: UNLIMITED, label: 'sluice: opening pool.min', text: undefined, owner: undefined, loyal: true }
    const loans = await Promise.allSettled(Array.from({ length: this.#supply.minAtOnce }, () => this.acquire(request)))
    for (const loan of loans) if (loan.status === 'fulfilled') loan.value.release()
    for (const loan of loans) if (loan.status === 'rejected') throw loan.reason
  }

  /**
   * Lends a connection, in order of arrival.
   *
   * When every connection is held by a transaction that itself waits in this line (this request's `owner` and `owners`
   * included), no wait could end: the request is refused at once.
   *
   * @throws PoolTimeoutError after `acquireTimeoutMs`; ConnectionError instead when no connection could be made;
   * QueryTimeoutError or QueryCancelledError when the request's own limits end first; PoolQueueFullError,
   * PoolDeadlockError and PoolClosedError at once
   */
  acquire(request: AcquireRequest): Promise<Loan> {
    const capture = this.#settings.leakDetectionMs > 0 ? captureBorrower() : undefined
    const loan = this.#take(request, capture)
    // only divertible requests are ever diverted
    return loan ? Promise.resolve(loan) : this.#wait(request, capture) as Promise<Loan>
  }

  /** As {@link Pool.acquire}, for one statement that may be sent another way meanwhile: then undefined. */
  acquireOrDivert(request: AcquireRequest & { readonly divertible: true }): Promise<Loan | undefined> { return this.acquire(request) }

  /** Takes up to `most` callers whose requests can do without out of the line. */
  divert(most: number, wanted: (request: AcquireRequest) => boolean): void { this.#line.divert(most, wanted) }

  /** A loan when an idle connection is at hand and nobody waits; undefined when `acquire` would wait or refuse. */
  tryAcquire(request: AcquireRequest): Loan | undefined {
    return this.#take(request, this.#settings.leakDetectionMs > 0 ? captureBorrower() : undefined)
  }

  get settings(): PoolSettings { return this.#settings }
  stats(): PoolStats {
    const { members, connecting, connectFailures } = this.#supply
    return {
      max: this.#settings.max, openConnections: members.all.size, inUse: this.#loans.size, idle: members.idle.length,
      checking: Math.max(0, members.all.size - members.idle.length - this.#loans.size),
      connecting, connectFailures, waiting: this.#line.length, ...this.#counts, ...members.fates,
    }
  }

  /** Loans made, ever. */
  get lent(): number { return this.#counts.acquireCount }

  /** Callers waiting now. */
  get waiting(): number { return this.#line.length }

  /** Whether a loan could be made at once. */
  get hasIdle(): boolean { return this.#supply.members.idle.length > 0 }

  /** Milliseconds the first caller in the line that counts has been waiting; 0 without one. */
  longestWaitMs(now: number, counts: (request: AcquireRequest) => boolean): number { return this.#line.longestWaitMs(now, counts) }

  /** Who holds a connection now. */
  holders(): readonly Holder[] {
    const now = performance.now()
    return Array.from(this.#loans, (loan) => loan.holder(now))
  }

  /** Changes limits at run time: more room serves waiters at once, less closes connections as they come back. */
  configure(settings: Partial<PoolSettings>): void {
    this.#settings = { ...this.#settings, ...settings }
    this.#supply.configure(this.#settings)
  }

  /** Replaces all connections without failing a statement: idle ones now, lent ones when they return. */
  reset(): Promise<void> { return this.#supply.reset() }

  /** Refuses who waits here and could go elsewhere; what is lent stays lent. */
  turnAway(error: SluiceError): void { for (const waiter of this.#line) if (!waiter.request.loyal) this.#refuse(waiter, error) }

  /** Gives up a dead server: who waits gets `error`, who runs loses its connection; later callers try anew. */
  abandon(error: SluiceError): void {
    for (const waiter of this.#line) this.#refuse(waiter, error)
    this.#supply.abandon()
  }

  /** Refuses callers, waits `drainMs` for loans, drops the rest and warns who held them. Idempotent; never rejects. */
  close(options: { readonly drainMs: number }): Promise<void> {
    this.#closed = true
    this.#closing ??= this.#close(options.drainMs)
    return this.#closing
  }

  async #close(drainMs: number): Promise<void> {
    for (const waiter of this.#line) this.#refuse(waiter, poolClosed(this.#name))
    const shut = this.#supply.shut()
    if (this.#loans.size > 0 && drainMs > 0) {
      const drained = new Promise<void>((resolve) => { this.#onDrained = resolve })
      await withTimeout(drained, drainMs, () => poolClosed(this.#name)).catch(() => undefined)
    }
    this.#cutOff(drainMs)
    const rest = shut.then(() => this.#supply.quiet())
    await withTimeout(rest, CLOSE_PATIENCE_MS, () => poolClosed(this.#name)).catch(() => undefined)
  }

  #cutOff(drainMs: number): void {
    if (this.#loans.size === 0) return
    const holders = this.holders().map((holder) => `\n  ${describeHolder(holder)}`).join('')
    this.#warn('SLUICE_POOL_CUT_OFF', `pool "${this.#name}" was closed; ${this.#loans.size} loans were not given back within ${drainMs} ms${holders}`)
    for (const loan of this.#loans) {
      clearTimeout(loan.leakTimer)
      loan.cutOff()
    }
  }

  #take(request: AcquireRequest, capture: Error | undefined): Loan | undefined {
    const { expiresAt, signal } = request.limits
    if (this.#closed || this.#line.length > 0 || signal?.aborted) return undefined
    const now = performance.now()
    const member = expiresAt > now ? this.#supply.take(now) : undefined
    if (!member) return undefined
    const loan = this.#lend(member, request, now, capture)
    if (this.#tells.acquire) this.#tellAcquire(0, undefined)
    return loan
  }

  #wait(request: AcquireRequest, capture: Error | undefined): Promise<Loan | undefined> {
    const refusal = this.#refusal(request)
    if (refusal) {
      this.#tellAcquire(0, refusal)
      return Promise.reject(refusal)
    }
    this.#supply.start()
    const waiter = new Waiter(this.#waiterHost, request, performance.now(), this.#settings.acquireTimeoutMs, capture)
    this.#line.join(waiter)
    this.#supply.pump()
    return waiter.promise
  }

  /** Why this request may not even wait. */
  #refusal(request: AcquireRequest): SluiceError | undefined {
    const { signal, expiresAt } = request.limits
    const { maxWaiting } = this.#settings
    if (this.#closed) return poolClosed(this.#name)
    if (signal?.aborted) return cancelledWaiting(this.#name, request)
    if (expiresAt <= performance.now()) return timedOutWaiting(this.#name, 0, request, undefined)
    if (maxWaiting > 0 && this.#line.length >= maxWaiting) return queueFull(this.#name, maxWaiting, this.#evidence())
    return this.#neverEnds(request) ? deadlock(this.#name, this.#evidence()) : undefined
  }

  /** Every connection is lent to a transaction that would be waiting here itself. */
  #neverEnds(request: AcquireRequest): boolean {
    if (this.#loans.size < Math.max(this.#supply.limit, this.#supply.backend.taken)) return false
    return this.#line.holdsUpAll(this.#loans, request)
  }

  #lend(member: Member, request: AcquireRequest, now: number, capture: Error | undefined): Loan {
    member.uses++
    const loan = new Loan(this.#loanHost, member, request, now, capture)
    this.#loans.add(loan)
    this.#counts.acquireCount++
    const { leakDetectionMs } = this.#settings
    if (leakDetectionMs > 0 && !request.lasting) watchForLeak(loan, leakDetectionMs, this.#name, this.#parts.notifier)
    return loan
  }

  #serve(member: Member, now: number): void {
    const waiter = this.#line.shift()
    if (!waiter) return
    const waitMs = now - waiter.since
    this.#counts.waitCount++
    this.#counts.waitDurationMs += waitMs
    waiter.resolve(this.#lend(member, waiter.request, now, waiter.capture))
    this.#tellAcquire(waitMs, undefined)
  }

  #returned(loan: Loan, member: Member, discard: string | undefined): void {
    this.#loans.delete(loan)
    clearTimeout(loan.leakTimer)
    if (this.#tells.release) this.#parts.notifier.notify('release', { node: this.#name, heldMs: performance.now() - loan.lentAt })
    this.#supply.takeBack(member, discard === undefined ? this.#unclean(loan, member) : 'discarded', discard)
    if (this.#loans.size === 0) this.#onDrained?.()
  }

  #unclean(loan: Loan, { connection, tainted }: Member): CloseReason | undefined {
    if (connection.broken) return 'broken'
    if (loan.running > 0 || connection.inFlight > 0) {
      this.#warn('SLUICE_UNCLEAN_RELEASE', 'a connection came back with a statement still running and was thrown away', loan)
      return 'in-flight'
    }
    if (connection.idle === false) {
      this.#warn('SLUICE_UNCLEAN_RELEASE', 'a connection came back inside a transaction and was thrown away', loan)
      return 'open-transaction'
    }
    return tainted ? 'unsettled' : undefined
  }

  #gaveUp(waiter: Waiter, reason: 'timeout' | 'abort'): void {
    if (reason === 'abort') return void this.#refuse(waiter, cancelledWaiting(this.#name, waiter.request))
    this.#counts.acquireTimeouts++
    const waitedMs = Math.round(performance.now() - waiter.since)
    const why = waitOver(this.#name, waitedMs, this.#evidence(), this.#supply.failure)
    this.#refuse(waiter, waiter.limited ? timedOutWaiting(this.#name, waitedMs, waiter.request, why) : why)
  }

  #connectFailed(error: SluiceError, permanent: boolean): void {
    const nothingOpen = this.#supply.members.all.size === 0
    for (const waiter of this.#line) {
      // without a deadline of its own a wait for a server that is gone would never end
      if (permanent || (nothingOpen && waiter.expiresAt === Infinity)) this.#refuse(waiter, error)
    }
  }

  #refuse(waiter: Waiter, error: SluiceError): void {
    this.#line.leave(waiter)
    waiter.reject(error)
    this.#tellAcquire(performance.now() - waiter.since, error)
  }

  #evidence(): Evidence {
    const { head } = this.#line
    let entangled = 0
    for (const { owner } of this.#loans) if (owner && this.#line.isWaiting(owner)) entangled++
    return {
      stats: this.stats(), holders: this.holders(), oldestWaitMs: head && performance.now() - head.since, entangled, limit: this.#supply.limit,
    }
  }

  #tellAcquire(waitMs: number, error: SluiceError | undefined): void {
    if (this.#tells.acquire) this.#parts.notifier.notify('acquire', { node: this.#name, waitMs, error })
  }

  #warn(code: string, message: string, loan?: Loan): void {
    const about = loan ? `: ${describeHolder(loan.holder(performance.now()))}` : ''
    this.#parts.notifier.notify('warning', { code, node: this.#name, message: message + about, error: loan?.capture })
  }
}
