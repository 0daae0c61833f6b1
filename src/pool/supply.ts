import { detached } from '../core/detached.js'
import type { Connection } from '../core/driver.js'
import type { SluiceError } from '../core/errors.js'
import type { PoolSettings } from '../core/settings.js'
import { Ticker } from '../core/ticker.js'
import { GenericPoolBackend, type Slot } from './backend.js'
import { answersPing } from './fitness.js'
import type { CloseReason, Member } from './member.js'
import { Members } from './members.js'
import { isPermanent, Opener } from './opener.js'
import type { PoolParts } from './pool-parts.js'
import { settle, type Doubt } from './settle.js'

/** The callers a supply of connections is there for. */
export interface Demand {
  /** Callers waiting. */
  waiting(): number
  /** Lends `member` to the one waiting longest; only called while somebody waits. */
  serve(member: Member, now: number): void
  /** A connection could not be opened; `permanent` when trying again cannot help. */
  failed(error: SluiceError, permanent: boolean): void
}

/** Idle connections are looked after at least so often. */
const LONGEST_TICK_MS = 1_000
const SHORTEST_TICK_MS = 20

/**
 * Keeps connections ready: opens what is asked for, checks what has been idle, closes what is worn, and decides where a
 * free connection goes. A connection is idle, lent, being checked (ping, settling) or gone; a checked one keeps its slot.
 *
 * ```
 * opened ──> admit ──> waiting caller ──> lent ──> returned ──> (settle) ──> admit
 *              ├─────> idle ──> (ping) ──> lent
 *              └─────> closed: worn, surplus, unclean, shutdown
 * ```
 */
export class Supply {
  readonly members: Members
  readonly backend = new GenericPoolBackend()
  readonly #parts: PoolParts
  readonly #demand: Demand
  readonly #opener: Opener
  readonly #ticker: Ticker
  readonly #checks = new Set<Promise<void>>()
  #settings: PoolSettings
  #epoch = 0
  #pinging = 0
  #connectFailures = 0
  #closed = false

  constructor(settings: PoolSettings, parts: PoolParts, demand: Demand) {
    this.#settings = settings
    this.#parts = parts
    this.#demand = demand
    this.members = new Members(parts.name, this.backend, parts.notifier, () => { this.pump() })
    this.#opener = new Opener({
      connect: (signal) => parts.connect(signal),
      explain: (cause) => parts.explain(cause, { node: parts.name, neverSent: true }),
      epoch: () => this.#epoch,
      wanted: () => this.#wanted(),
      opened: (connection, slot, epoch, durationMs) => { this.#opened(connection, slot, epoch, durationMs) },
      failed: (error, durationMs) => { this.#failed(error, durationMs) },
    }, this.backend)
    this.#ticker = new Ticker(() => { this.#lookAfter() }, () => this.#tickMs())
  }

  get connecting(): number { return this.#opener.connecting }

  get connectFailures(): number { return this.#connectFailures }

  /** Why the last attempt to connect failed; undefined when it did not. */
  get failure(): SluiceError | undefined { return this.#opener.failure }

  /** Connections that may exist at once. */
  get limit(): number { return this.#settings.max + this.#settings.maxOverflow }

  /** As many of `min` as may wait together; the rest is opened soon after. */
  get minAtOnce(): number { return Math.min(this.#settings.min, this.#settings.maxWaiting || Infinity) }

  /** Starts looking after idle connections and `min`, outside the caller's async context. */
  start(): void {
    if (!this.#ticker.started && !this.#closed) detached(() => { this.#ticker.start() })
  }

  /** An idle connection that may be lent as it is; undefined when there is none, or the next one must be pinged first. */
  take(now: number): Member | undefined {
    const { idle } = this.members
    for (let member = idle.at(-1); member; member = idle.at(-1)) {
      const worn = member.worn(this.#settings, this.#epoch, now)
      if (!worn && member.needsPing(this.#settings, now)) return undefined
      idle.pop()
      if (!worn) return member
      this.members.close(member, worn)
    }
    return undefined
  }

  /** Serves the waiting callers from what is idle and has connections opened for the rest. */
  pump(): void {
    if (this.#closed) return
    const now = performance.now()
    while (this.#demand.waiting() > this.#pinging) {
      const member = this.members.idle.pop()
      if (!member) break
      const worn = member.worn(this.#settings, this.#epoch, now)
      if (worn) this.members.close(member, worn)
      else if (member.needsPing(this.#settings, now)) this.#ping(member)
      else this.#demand.serve(member, now)
    }
    this.#opener.poke()
  }

  /** Takes back a connection whose loan has ended; `unclean` says why it must not be lent again. */
  takeBack(member: Member, unclean: CloseReason | undefined, detail?: string): void {
    if (unclean) this.members.close(member, unclean, detail)
    else if (member.doubt && !this.#closed) this.#settle(member, member.doubt)
    else this.#admit(member, false)
  }

  configure(settings: PoolSettings): void {
    this.#settings = settings
    this.members.sweep(() => this.members.all.size > settings.max ? 'surplus' : undefined)
    this.pump()
  }

  /** Begins a new generation: connections of older ones close, idle ones now. */
  async reset(): Promise<void> {
    this.#epoch++
    this.members.sweep(() => 'reset')
    this.pump()
    await this.members.closings()
  }

  /** Drops every connection there is, also under those who use one. */
  abandon(): void {
    this.#epoch++
    for (const { connection } of this.members.all) connection.destroy()
    this.members.sweep(() => 'broken')
  }

  /** Opens nothing any more and closes what is idle; what is lent closes when it returns. */
  async shut(): Promise<void> {
    this.#closed = true
    const opening = this.#opener.close()
    this.members.sweep(() => 'shutdown')
    await Promise.all([opening, this.#ticker.stop()])
  }

  /** Resolves when nothing is being checked or closed any more. */
  async quiet(): Promise<void> {
    await Promise.all(this.#checks)
    await this.members.closings()
  }

  #wanted(): number {
    const { min, max } = this.#settings
    const needed = Math.max(this.#demand.waiting() - this.#pinging, Math.min(min, max) - this.members.all.size)
    return Math.min(needed - this.#opener.connecting, this.limit - this.backend.taken)
  }

  #opened(connection: Connection, slot: Slot, epoch: number, durationMs: number): void {
    this.#admit(this.members.add(connection, slot, epoch, durationMs), true)
  }

  #failed(error: SluiceError, durationMs: number): void {
    this.#connectFailures++
    const { name, notifier } = this.#parts
    if (notifier.listens('connect')) notifier.notify('connect', { node: name, action: 'failed', durationMs, reason: undefined, error })
    this.#demand.failed(error, isPermanent(error))
  }

  /** Where a free connection goes: to the caller waiting longest, to the idle list, or away. */
  #admit(member: Member, answered: boolean): void {
    const now = performance.now()
    const { all, idle } = this.members
    const { max, min, maxIdle, validation } = this.#settings
    const reason = this.#closed ? 'shutdown' : member.worn(this.#settings, this.#epoch, now)
    const wanted = this.#demand.waiting() > 0
    if (reason) this.members.close(member, reason)
    else if (all.size > (wanted ? this.limit : max)) this.members.close(member, 'surplus')
    else if (wanted && !answered && validation === 'always') this.#ping(member)
    else if (wanted) this.#demand.serve(member, now)
    else if (idle.length >= Math.max(maxIdle ?? max, min)) this.members.close(member, 'max-idle')
    else {
      member.idleSince = now
      idle.push(member)
    }
  }

  #ping(member: Member): void {
    this.#pinging++
    const startedAt = performance.now()
    this.#check(answersPing(member.connection, this.#settings.validationQuery).then((answered) => {
      this.#pinging--
      if (answered) this.#admit(member, true)
      else this.#unanswered(member, startedAt)
      if (!answered) this.#suspectIdle()
      this.pump()
    }))
  }

  #unanswered(member: Member, startedAt: number): void {
    const silent = !member.connection.broken
    this.members.close(member, 'ping-failed')
    if (silent && !this.#closed) this.#parts.silent?.(startedAt)
  }

  /** One connection was found dead; the others that have been idle are asked at once instead of one after the other. */
  #suspectIdle(): void {
    const now = performance.now()
    const { idle } = this.members
    for (const member of idle.splice(0)) {
      if (member.needsPing(this.#settings, now)) this.#ping(member)
      else idle.push(member)
    }
  }

  /** A cancel was sent on it: it may be lent again only when that cannot hit the next borrower's statement. */
  #settle(member: Member, doubt: Doubt): void {
    const explain = (cause: unknown): SluiceError => this.#parts.explain(cause, { node: this.#parts.name })
    this.#check(settle(member.connection, doubt, explain).then((found) => {
      member.doubt = undefined
      if (found === 'clean') this.#admit(member, true)
      else this.members.close(member, 'unsettled')
    }))
  }

  #check(check: Promise<void>): void {
    this.#checks.add(check)
    void check.finally(() => this.#checks.delete(check))
  }

  #lookAfter(): void {
    const now = performance.now()
    const { idleTimeoutMs, min } = this.#settings
    this.members.sweep((member) => {
      const tired = idleTimeoutMs > 0 && now - member.idleSince >= idleTimeoutMs && this.members.all.size > min
      return member.worn(this.#settings, this.#epoch, now) ?? (tired ? 'idle' : undefined)
    })
    this.pump()
  }

  #tickMs(): number {
    const { idleTimeoutMs, maxLifetimeMs } = this.#settings
    const shortest = Math.min(idleTimeoutMs || Infinity, maxLifetimeMs || Infinity) / 4
    return Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, shortest))
  }
}
