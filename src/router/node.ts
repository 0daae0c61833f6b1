import type { NodeFacts } from '../core/dialect.js'
import type { Connection } from '../core/driver.js'
import { ConnectionError, type SluiceError } from '../core/errors.js'
import type { Role } from '../core/observer.js'
import type { BalanceCandidate } from '../core/settings.js'
import type { Lanes } from '../pool/lanes.js'
import type { Pool } from '../pool/pool.js'

/**
 * What this process thinks of a node. `unknown` has not been asked yet; `suspect` failed and is being asked again: it is
 * used only where nothing better is left; `down` gets no traffic until a probe succeeds; `recovering` is a replica that
 * was down and takes a growing share of its reads: the first failure takes it down again.
 */
export type NodeState = 'unknown' | 'up' | 'suspect' | 'down' | 'recovering'

/** Told of every change of state. */
export type StateListener = (node: Node, from: NodeState, reason: string) => void

/** Settings of one node, from the configuration. */
export interface NodeSettings {
  readonly name: string
  readonly weight: number
  readonly zone: string | undefined
  /** As configured: what it is taken for until it has spoken. */
  readonly role: Role
  /** Consecutive failures until the node counts as down. */
  readonly failureThreshold: number
  readonly maxLagMs: number
  readonly maxLagBytes: number | undefined
  /** Opens a connection beside the pool, for probes. Rejects with a SluiceError. */
  readonly connect: (signal: AbortSignal) => Promise<Connection>
}

/** A node over its lag limit takes reads again once it is below this share of the limit. */
const LAG_RETURN_SHARE = 0.8
/** Weight of a new sample in the response time's moving average; a slower sample counts at once (peak-EWMA). */
const EWMA_SHARE = 0.1
/** A replica that was down gets its full share of reads after this; it begins with a tenth. */
const SLOW_START_MS = 3_000
const FIRST_SHARE = 0.1

/** A server: its role, its condition and its pool. The state lives here and nowhere else. */
export class Node implements BalanceCandidate {
  readonly name: string
  readonly weight: number
  readonly zone: string | undefined
  readonly pool: Pool
  /** Connections shared by quick reads; undefined where the engine cannot pipeline. */
  readonly lanes: Lanes | undefined
  readonly #settings: NodeSettings
  readonly #onState: StateListener
  #role: Role
  #state: NodeState = 'unknown'
  #fenced: string | undefined
  #ejection: { readonly reason: string; readonly until: number } | undefined
  /** Statements answered since they were last looked at, and the time they took together. */
  #answers = 0
  #answersMs = 0
  #recoveringSince = 0
  /** What its reads have added up to while it is recovering; one is given to it per whole. */
  #credit = 0
  #failures = 0
  #failedAt = 0
  #lagging = false
  #facts: NodeFacts | undefined
  #lagBytes: number | undefined
  #responseMs = 0
  /** Statements sent to this node and not yet answered. */
  inFlight = 0
  /** Statements answered, for statistics. */
  queries = 0
  /** The last error that counted against it. */
  lastError: SluiceError | undefined

  constructor(settings: NodeSettings, pool: Pool, onState: StateListener, lanes?: Lanes) {
    this.name = settings.name
    this.weight = settings.weight
    this.zone = settings.zone
    this.#role = settings.role
    this.pool = pool
    this.lanes = lanes
    this.#settings = settings
    this.#onState = onState
  }

  /** Replaces all connections without failing a statement. */
  async reset(): Promise<void> {
    this.lanes?.retire()
    await this.pool.reset()
  }

  /** Ends what is under way within `drainMs` and closes every connection. */
  async close(drainMs: number): Promise<void> {
    this.lanes?.close()
    await this.pool.close({ drainMs })
  }

  /** Drops every connection: who waits is told that nothing was sent, who runs loses its connection. */
  giveUp(reason: string): void {
    this.pool.abandon(new ConnectionError('lost', reason, { node: this.name, neverSent: true, cause: this.lastError }))
  }

  /** Sends away who waits for a connection; what is running goes on. */
  turnAway(reason: string): void {
    this.pool.turnAway(new ConnectionError('lost', reason, { node: this.name, neverSent: true, cause: this.lastError }))
  }

  /** Opens a connection beside the pool. */
  connect(signal: AbortSignal): Promise<Connection> { return this.#settings.connect(signal) }

  /** What it is taken for now. */
  get role(): Role { return this.#role }
  /** As configured. */
  get configuredRole(): Role { return this.#settings.role }
  get state(): NodeState { return this.#state }
  /** Why it must not be used at all; undefined when it may. */
  get fenced(): string | undefined { return this.#fenced }
  /** Why it gets no reads for a while although it answers; undefined when it may. */
  get ejected(): string | undefined { return this.#ejection && performance.now() < this.#ejection.until ? this.#ejection.reason : undefined }
  /** Grows with everything that shows life: answers, and connections that could be lent. */
  get progress(): number { return this.queries + this.pool.lent }
  /** Statements under way and callers waiting for a connection. */
  get pending(): number { return this.inFlight + this.pool.waiting }
  get responseMs(): number { return this.#responseMs }
  get facts(): NodeFacts | undefined { return this.#facts }
  /** Replication lag in milliseconds; undefined before the first probe, 0 on a primary. */
  get lagMs(): number | undefined { return this.role === 'primary' ? 0 : this.#facts?.lagMs }
  get lagBytes(): number | undefined { return this.role === 'primary' ? 0 : this.#lagBytes }
  /** Says that it has another role than it is taken for. */
  get misplaced(): boolean { return this.#facts !== undefined && this.#facts.role !== this.role }
  /** Over its lag limit, and not yet clearly back under it. */
  get lagging(): boolean { return this.#lagging }

  /** Takes another role; connections of the old one close, busy ones when they come back. */
  assume(role: Role): void {
    if (this.#role === role) return
    this.#role = role
    if (this.#state === 'recovering') this.#become('up', 'it is the primary')
    void this.reset()
  }

  /** @param reason - undefined: it may be used again */
  fence(reason: string | undefined): void { this.#fenced = reason }

  /** No reads until then (`performance.now()`). */
  eject(reason: string, until: number): void { this.#ejection = { reason, until } }

  /** Ends an ejection whose time is over: the replica is on trial. Whether there was one. */
  readmit(now: number): boolean {
    if (!this.#ejection || now < this.#ejection.until) return false
    this.#ejection = undefined
    if (this.#state === 'up') this.#tryAgain('its ejection is over')
    return true
  }

  /** What it answered since this was last asked. */
  takeAnswers(): { readonly answers: number; readonly meanMs: number } {
    const answers = this.#answers
    const meanMs = answers === 0 ? 0 : this.#answersMs / answers
    this.#answers = this.#answersMs = 0
    return { answers, meanMs }
  }

  /** Whether one more read may be given to it: while it is recovering, only a growing share. */
  admits(now: number): boolean {
    if (this.#state !== 'recovering') return true
    this.#credit += Math.min(1, Math.max(FIRST_SHARE, (now - this.#recoveringSince) / SLOW_START_MS))
    if (this.#credit < 1) return false
    this.#credit -= 1
    return true
  }

  /**
   * A statement was answered (an error about the statement itself is an answer too). Without a duration (a stream, whose
   * consumer sets the pace) the response time stays what it was.
   */
  answered(durationMs: number | undefined): void {
    this.queries++
    if (durationMs !== undefined) this.#average(durationMs)
    if (this.#state !== 'up') this.#recover('a statement was answered')
  }

  /** A probe was answered. */
  probed(facts: NodeFacts, lagBytes: number | undefined): void {
    this.#facts = facts
    this.#lagBytes = lagBytes
    this.#judgeLag()
    if (this.#state !== 'up' || this.#failures > 0) this.#recover('a probe was answered')
  }

  /**
   * An attempt to reach it failed. Errors that say nothing about the node's health (a full server, a statement's own
   * error) do not count. What was under way together fails together, and is one failure: two sessions that an
   * administrator ends at once must not take a healthy node, and everybody else's statements, down.
   *
   * @param startedAt - `performance.now()` when the attempt began
   */
  failed(error: SluiceError, startedAt = performance.now()): void {
    if (!(error instanceof ConnectionError) && !error.connectionLost) return
    this.lastError = error
    // a server that is full answers: it is alive
    if (error instanceof ConnectionError && error.reason === 'too-many-connections') return
    if (startedAt < this.#failedAt) return
    this.#failedAt = performance.now()
    this.#failures++
    const trial = this.#state === 'recovering'
    this.#become(trial || this.#failures >= this.#settings.failureThreshold ? 'down' : 'suspect', error.message)
  }

  #average(durationMs: number): void {
    this.#answers++
    this.#answersMs += durationMs
    const difference = durationMs - this.#responseMs
    this.#responseMs += difference > 0 ? difference : difference * EWMA_SHARE
  }

  #recover(reason: string): void {
    this.#failures = 0
    this.lastError = undefined
    const now = performance.now()
    if (this.#state === 'down' && this.#role === 'replica') this.#tryAgain(reason)
    else if (this.#state !== 'recovering') this.#become('up', reason)
    else if (now - this.#recoveringSince >= SLOW_START_MS) this.#become('up', 'it has taken reads without a failure')
  }

  #tryAgain(reason: string): void {
    this.#recoveringSince = performance.now()
    this.#credit = 0
    this.#become('recovering', reason)
  }

  #become(state: NodeState, reason: string): void {
    const from = this.#state
    if (from === state) return
    this.#state = state
    this.#onState(this, from, reason)
  }

  #judgeLag(): void {
    const share = this.#lagging ? LAG_RETURN_SHARE : 1
    const { maxLagMs, maxLagBytes } = this.#settings
    const { lagMs, lagBytes } = this
    const overTime = maxLagMs > 0 && lagMs !== undefined && lagMs > maxLagMs * share
    const overBytes = maxLagBytes !== undefined && lagBytes !== undefined && lagBytes > maxLagBytes * share
    this.#lagging = overTime || overBytes
  }
}
