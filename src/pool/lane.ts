import type { Limits } from '../core/deadline.js'
import { QueryCancelledError, type SluiceError } from '../core/errors.js'
import type { DriverResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import { listen, unlisten, type AbortListener } from '../core/abort.js'
import { CANCEL_GRACE_MS, limitError } from './guarded.js'
import type { Loan } from './loan.js'

/** A statement has to find another way: nothing was wrong with it. */
export const MOVED = Symbol('moved')

/** What became of a statement on a lane. */
export type LaneAnswer<Row> = DriverResult<Row> | typeof MOVED

/** What a lane needs of those who made it. */
export interface LaneHost {
  readonly name: string
  explain(cause: unknown, sql: string): SluiceError
  /** A statement took so long on the server. */
  observe(text: string, ms: number): void
  /** Statements were sent off to other connections, after the server had got them. */
  moved(statements: number): void
  /** The lane is empty and has given its connection back. */
  ended(lane: Lane): void
}

/** The head of a lane may keep the others waiting so long; then they are moved and the lane takes no more. */
const STUCK_MS = 20

/** One statement on a lane, from the caller's side. Settles once. */
class Passenger implements AbortListener {
  readonly text: string
  readonly limits: Limits
  readonly since = performance.now()
  readonly promise: Promise<LaneAnswer<unknown>>
  settled = false
  #resolve!: (answer: LaneAnswer<unknown>) => void
  #reject!: (error: SluiceError) => void
  readonly #lane: Lane

  constructor(lane: Lane, text: string, limits: Limits) {
    this.#lane = lane
    this.text = text
    this.limits = limits
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (limits.signal) listen(limits.signal, this)
  }

  onAbort(): void { this.#lane.giveUp(this, 'abort') }

  resolve(answer: LaneAnswer<unknown>): void {
    if (this.#settle()) this.#resolve(answer)
  }

  reject(error: SluiceError): void {
    if (this.#settle()) this.#reject(error)
  }

  #settle(): boolean {
    if (this.settled) return false
    this.settled = true
    if (this.limits.signal) unlisten(this.limits.signal, this)
    return true
  }
}

/**
 * A connection shared by many quick reads at once: they travel back to back and are answered in order.
 *
 * ```
 * open ── head over STUCK_MS: those behind it are moved ──> stuck ── the head ends ──> open
 *   │                                                         └── the head's time is over: cancelled ──> closing ── no end ──> dropped
 *   └── asked to end, or cancelled ──> closing ── empty ──> gone (the connection goes back, or away after a cancel)
 * ```
 *
 * Only proven reads that call nothing that may wait ride here, so running one twice is harmless: that is what makes moving
 * (and a cancel that hits a neighbour) safe.
 */
export class Lane {
  readonly #loan: Loan
  readonly #host: LaneHost
  readonly #passengers: Passenger[] = []
  #state: 'open' | 'stuck' | 'closing' | 'gone' = 'open'
  #headSince = 0
  /** The head at the last look. */
  #seen: Passenger | undefined
  /** When a cancel was sent; undefined when none was. */
  #cancelledAt: number | undefined
  /** `performance.now()` of the last statement taken. */
  usedAt = performance.now()
  readonly openedAt = performance.now()

  constructor(loan: Loan, host: LaneHost) {
    this.#loan = loan
    this.#host = host
    loan.connection.pipeline?.(true)
  }

  get depth(): number { return this.#passengers.length }
  get open(): boolean { return this.#state === 'open' && !this.#loan.connection.broken }

  run<Row>(statement: Statement, limits: Limits): Promise<LaneAnswer<Row>> {
    const passenger = new Passenger(this, statement.text, limits)
    if (this.#passengers.push(passenger) === 1) this.#headSince = passenger.since
    this.usedAt = passenger.since
    this.#loan.connection.query(statement).then(
      (result) => { this.#answered(passenger, result) },
      (cause: unknown) => { this.#failed(passenger, cause) },
    )
    return passenger.promise as Promise<LaneAnswer<Row>>
  }

  /** Takes no more statements; gives the connection back when those under way have ended. */
  end(): void {
    if (this.#state === 'gone') return
    this.#state = 'closing'
    this.#leaveWhenEmpty()
  }

  /**
   * Looks for a head that holds up the others, and for statements whose time is over.
   *
   * @param fair - this process has not been busy since the last look: what has not been answered is the server's doing
   */
  check(now: number, fair = true): void {
    const head = this.#passengers[0]
    if (!head) {
      if (this.#loan.connection.broken) this.end()
      return
    }
    // neither an answer nor the cancel came through: the connection is dead, or the server is
    if (this.#cancelledAt !== undefined && now - this.#cancelledAt > CANCEL_GRACE_MS) {
      this.#loan.connection.destroy()
      return
    }
    // seen twice: answers may have been waiting in the socket while this process was busy
    if (fair && this.#state === 'open' && head === this.#seen && now - this.#headSince > STUCK_MS) {
      this.#state = 'stuck'
      this.#moveAllBut(head)
    }
    this.#seen = fair ? head : undefined
    for (const passenger of this.#passengers) {
      if (!passenger.settled && passenger.limits.expiresAt <= now) this.giveUp(passenger, 'timeout')
    }
  }

  #answered(passenger: Passenger, result: DriverResult<unknown>): void {
    this.#next(passenger)
    passenger.resolve(result)
    this.#leaveWhenEmpty()
  }

  #failed(passenger: Passenger, cause: unknown): void {
    this.#next(passenger)
    const error = this.#host.explain(cause, passenger.text)
    // a cancel that was meant for another one
    if (this.#cancelledAt !== undefined && error instanceof QueryCancelledError) this.#move([passenger])
    else passenger.reject(error)
    this.#leaveWhenEmpty()
  }

  /** The head has ended: what is behind it begins now. */
  #next(passenger: Passenger): void {
    const now = performance.now()
    if (this.#passengers[0] === passenger) {
      this.#passengers.shift()
      this.#host.observe(passenger.text, now - this.#headSince)
      this.#headSince = now
    } else {
      // sent once more by the driver, behind the others
      this.#passengers.splice(this.#passengers.indexOf(passenger), 1)
    }
    if (this.#state === 'stuck') this.#state = 'open'
  }

  /** @internal the limits of a statement are reached: the running one is cancelled, any other one only dropped */
  giveUp(passenger: Passenger, reason: 'timeout' | 'abort'): void {
    if (passenger.settled) return
    const running = this.#passengers[0] === passenger
    const ms = Math.round(performance.now() - passenger.since)
    passenger.reject(limitError(reason, this.#host.name, passenger.text, passenger.limits, { ms, dropped: !running }))
    if (!running) return
    this.#state = 'closing'
    this.#cancelledAt = performance.now()
    this.#moveAllBut(passenger)
    this.#loan.connection.cancel?.().catch(() => { this.#loan.connection.destroy() })
  }

  #moveAllBut(head: Passenger): void {
    this.#move(this.#passengers.filter((passenger) => passenger !== head))
  }

  #move(passengers: readonly Passenger[]): void {
    const waiting = passengers.filter(({ settled }) => !settled)
    if (waiting.length > 0) this.#host.moved(waiting.length)
    for (const passenger of waiting) passenger.resolve(MOVED)
  }

  #leaveWhenEmpty(): void {
    if (this.#state !== 'closing' || this.#passengers.length > 0) return
    this.#state = 'gone'
    // a wire cancel may still be under way: nobody else may meet it
    if (this.#cancelledAt !== undefined || this.#loan.connection.broken) this.#loan.discard('a lane with a cancelled statement')
    else {
      this.#loan.connection.pipeline?.(false)
      this.#loan.release()
    }
    this.#host.ended(this)
  }
}
