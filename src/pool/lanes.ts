import { limitsFrom, withTimeout, type Limits } from '../core/deadline.js'
import { detached } from '../core/detached.js'
import type { SluiceError } from '../core/errors.js'
import type { DriverResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import { Lane, MOVED, type LaneAnswer, type LaneHost } from './lane.js'
import type { Loan } from './loan.js'
import type { AcquireRequest, Pool } from './pool.js'
import { answerAfter } from './question.js'
import { StatementTimes } from './statement-times.js'

/** How often lanes with statements under way are looked at. */
const WATCH_MS = 10
/** A lane without statements gives its connection back after this. */
const IDLE_MS = 500
/** A lane gives its connection back at this age, so that the pool can renew it. */
const MAX_AGE_MS = 60_000
/** Statements on one lane before the next one is opened, and at most. */
const COMFORTABLE_DEPTH = 32
const MAX_DEPTH = 256
/** A statement that would wait longer than this on a lane takes an idle connection when there is one. */
const ALONE_MS = 1
/** A caller waiting longer than this for an exclusive loan gets a lane's connection … */
const PATIENCE_MS = 5
/** … and one that could ride a lane as well, after this. */
const QUICK_PATIENCE_MS = 100
/** After giving way, no lane is opened for so long. */
const YIELD_MS = 100
/** How long a lane waits for its own connection. */
const OPEN_MS = 1_000
/** Runs of one text after which it is worth knowing how far the server is. */
const RUNS_TO_MEASURE = 3
/** Round trips measured before the first lane. */
const PINGS = 3

/** What lanes are made of. */
export interface LanesParts {
  readonly name: string
  readonly pool: Pool
  /** Lanes at most; 0 = off. */
  readonly max: () => number
  explain(cause: unknown, sql: string): SluiceError
}

/**
 * Shared, pipelined connections of one node, for statements known to be quick. Lanes are loans of the pool like any other,
 * inside `pool.max`, and give way when callers wait for exclusive ones.
 */
export class Lanes {
  readonly #parts: LanesParts
  readonly #times = new StatementTimes()
  readonly #lanes: Lane[] = []
  readonly #host: LaneHost
  #moved = 0
  #opening = false
  #measured = false
  #closed = false
  #notBefore = 0
  /** `performance.now()` of the last look. */
  #lookedAt = 0
  /** Somebody had waited too long at the last look. */
  #pressed = false
  #timer: NodeJS.Timeout | undefined

  constructor(parts: LanesParts) {
    this.#parts = parts
    this.#host = {
      name: parts.name,
      explain: (cause, sql) => parts.explain(cause, sql),
      observe: (text, ms) => { this.#times.observeShared(text, ms) },
      moved: (statements) => { this.#moved += statements },
      ended: (lane) => { this.#lanes.splice(this.#lanes.indexOf(lane), 1) },
    }
  }

  /** Lanes open now. */
  get count(): number { return this.#lanes.length }

  /** Statements that left a stuck lane for another connection, so far. */
  get moved(): number { return this.#moved }

  /** Lanes without a statement under way: their connections are as good as idle. */
  get resting(): number { return this.#lanes.filter((lane) => lane.depth === 0).length }

  /** A statement of an exclusive loan was answered: lanes learn from it. */
  observe(text: string, ms: number): void {
    if (this.#parts.max() > 0) this.#times.observeAlone(text, ms)
  }

  /** Runs a statement that may share a connection; undefined when it has to take an exclusive loan. */
  run<Row>(statement: Statement, limits: Limits): Promise<LaneAnswer<Row>> | undefined {
    const lane = this.#laneFor(statement, limits)
    return lane && this.#ride<Row>(lane, statement, limits)
  }

  /**
   * {@link Lanes.run}, with a question right behind the statement on the same lane; its answer is of a later moment, and
   * undefined when there is none.
   */
  runThen<Row>(
    statement: Statement, question: Statement, limits: Limits,
  ): { readonly result: Promise<LaneAnswer<Row>>; readonly answer: Promise<DriverResult | undefined> } | undefined {
    const lane = this.#laneFor(statement, limits)
    if (!lane) return undefined
    const result = this.#ride<Row>(lane, statement, limits)
    // no signal: when the caller gives up the statement, the question must not cancel another one
    const answer = answerAfter<LaneAnswer<Record<string, unknown>>>(result, lane.run(question, { expiresAt: limits.expiresAt, signal: undefined }))
    return { result, answer: answer.then((given) => given === MOVED ? undefined : given) }
  }

  #laneFor({ text }: Statement, limits: Limits): Lane | undefined {
    if (limits.signal?.aborted || !this.#mayShare(text)) return undefined
    return this.#choose(this.#times.expectedMs(text))
  }

  #ride<Row>(lane: Lane, statement: Statement, limits: Limits): Promise<LaneAnswer<Row>> {
    const answer = lane.run<Row>(statement, limits)
    this.#watch()
    return answer
  }

  /** Before the way to the server is known nothing can be called quick: the first known text has it measured. */
  #mayShare(text: string): boolean {
    if (this.#measured) return this.#times.isQuick(text)
    if (this.#times.samples(text) >= RUNS_TO_MEASURE) this.#openOneMore()
    return false
  }

  /** Ends all lanes; statements under way still end. */
  close(): void {
    this.#closed = true
    this.retire()
  }

  /** Gives all connections back; new lanes open on demand. */
  retire(): void {
    for (const lane of [...this.#lanes]) lane.end()
  }

  /**
   * A lane where the statement would hardly wait. One that takes noticeable time on the server is better off alone while an
   * idle connection is at hand: a lane is one session, and works on one statement at a time.
   */
  #choose(expectedMs: number): Lane | undefined {
    let best: Lane | undefined
    for (const lane of this.#lanes) {
      if (lane.open && (!best || lane.depth < best.depth)) best = lane
    }
    if (!best || best.depth >= COMFORTABLE_DEPTH) best = this.#openOneMore() ?? best
    if (!best || best.depth >= MAX_DEPTH) return undefined
    return best.depth * expectedMs > ALONE_MS && this.#parts.pool.hasIdle ? undefined : best
  }

  /** A new lane at once where an idle connection is at hand; else one is asked for, in the line like everybody. */
  #openOneMore(): Lane | undefined {
    const { pool, max } = this.#parts
    if (this.#opening || this.#closed || this.#lanes.length >= max() || performance.now() < this.#notBefore) return undefined
    const request: AcquireRequest = { limits: limitsFrom(OPEN_MS), label: 'sluice: lane', text: undefined, owner: undefined, lasting: true, loyal: true }
    const idle = this.#measured ? pool.tryAcquire(request) : undefined
    if (idle) return this.#open(idle)
    this.#opening = true
    pool.acquire(request).then(async (loan) => {
      if (!this.#measured) await this.#measure(loan)
      this.#open(loan)
    }).catch(() => {
      this.#notBefore = performance.now() + OPEN_MS
    }).finally(() => { this.#opening = false })
    return undefined
  }

  /** How long the way to the server takes: the shortest of a few pings. */
  async #measure(loan: Loan): Promise<void> {
    let shortestMs = Infinity
    for (let i = 0; i < PINGS && !loan.connection.broken; i++) {
      const sentAt = performance.now()
      await withTimeout(loan.connection.ping(), OPEN_MS, () => new Error('no answer to a ping')).catch(() => { loan.connection.destroy() })
      shortestMs = Math.min(shortestMs, performance.now() - sentAt)
    }
    if (loan.connection.broken) return
    this.#measured = true
    this.#times.roundTripMs = shortestMs
  }

  #open(loan: Loan): Lane | undefined {
    const { connection } = loan
    if (connection.server.pooled || !connection.pipeline) this.#notBefore = Infinity
    if (this.#closed || this.#notBefore === Infinity || connection.broken) {
      loan.release()
      return undefined
    }
    const lane = new Lane(loan, this.#host)
    this.#lanes.push(lane)
    this.#watch()
    this.#divert()
    return lane
  }

  #watch(): void {
    if (this.#timer) return
    if (this.#lookedAt === 0) this.#lookedAt = performance.now()
    // one look leads to the next: the first caller's context must not live on in them
    this.#timer = detached(() => setTimeout(() => {
      this.#timer = undefined
      this.#check(performance.now())
    }, WATCH_MS).unref())
  }

  #check(now: number): void {
    const fair = now - this.#lookedAt < 2 * WATCH_MS
    this.#lookedAt = now
    for (const lane of [...this.#lanes]) {
      lane.check(now, fair)
      if (now - lane.usedAt > IDLE_MS || now - lane.openedAt > MAX_AGE_MS) lane.end()
    }
    this.#divert()
    const pressed = this.#lanes.length > 0 && this.#isPressed(now)
    if (pressed && this.#pressed) this.#giveWay(now)
    this.#pressed = pressed
    if (this.#lanes.length > 0) this.#watch()
    else this.#lookedAt = 0
  }

  /** Callers that need a connection of their own wait for one. */
  #isPressed(now: number): boolean {
    const { pool } = this.#parts
    // a long line mostly waits with one text
    let known: string | undefined
    const needsItsOwn = (request: AcquireRequest): boolean => {
      if (request.lasting === true || (known !== undefined && request.text === known)) return false
      if (!this.#couldRide(request)) return true
      known = request.text
      return false
    }
    return pool.longestWaitMs(now, needsItsOwn) > PATIENCE_MS
      || pool.longestWaitMs(now, (request) => request.lasting !== true) > QUICK_PATIENCE_MS
  }

  /** Quick reads that wait for a connection of their own, since before a lane was open or their text was known, ride now. */
  #divert(): void {
    const room = this.#lanes.reduce((sum, lane) => sum + (lane.open ? MAX_DEPTH - lane.depth : 0), 0)
    if (room > 0) this.#parts.pool.divert(room, (request) => this.#couldRide(request))
  }

  #couldRide({ text }: AcquireRequest): boolean {
    return text !== undefined && this.#times.isQuick(text)
  }

  #giveWay(now: number): void {
    this.#notBefore = now + YIELD_MS
    let idlest: Lane | undefined
    for (const lane of this.#lanes) if (lane.open && (!idlest || lane.depth < idlest.depth)) idlest = lane
    idlest?.end()
  }
}
