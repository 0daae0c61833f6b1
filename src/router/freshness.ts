import { timerMs, type Limits } from '../core/deadline.js'
import { detached } from '../core/detached.js'
import type { NodeFacts, Positions } from '../core/dialect.js'
import { SluiceError } from '../core/errors.js'
import { listen, unlisten, type AbortListener } from '../core/abort.js'
import { MOVED } from '../pool/lane.js'
import type { Node } from './node.js'

/** A poll that gets no answer in this time has failed. */
const POLL_TIMEOUT_MS = 1_000
/** Pauses between polls of one node: the first ones, and the longest. */
const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 10

/** What is known of one node. */
interface Known {
  position: string | undefined
  /** What the node said before it was doubted: no longer believed. */
  stale: NodeFacts | undefined
}

/**
 * What each node is known to have, at least, and the waiting for more. A position once seen stays true while the server
 * lives: it only moves on. A server that was lost may come back with less, so what was known of it is forgotten.
 */
export class Freshness {
  readonly #positions: Positions
  readonly #known = new WeakMap<Node, Known>()
  readonly #polls = new WeakMap<Node, Poll>()

  constructor(positions: Positions) { this.#positions = positions }

  /** Whether the node is known to have everything up to `wanted`. */
  has(node: Node, wanted: string): boolean {
    const known = this.#known.get(node)
    if (known?.position !== undefined && this.#positions.includes(known.position, wanted)) return true
    const { facts } = node
    if (!facts || facts === known?.stale) return false
    const said = this.#positions.of(facts)
    return said !== undefined && this.#positions.includes(said, wanted)
  }

  /** The node said that it stands there. */
  learn(node: Node, position: string): void {
    const known = this.#known.get(node)
    if (!known) this.#known.set(node, { position, stale: undefined })
    else known.position = known.position === undefined ? position : this.#positions.merge(known.position, position)
  }

  /** The node may have been restarted, or replaced. */
  forget(node: Node): void {
    this.#known.set(node, { position: undefined, stale: node.facts })
  }

  /**
   * Waits until one of the nodes has everything up to `wanted`, at most `timeoutMs` and within the caller's limits; whether
   * one has. The nodes are asked again and again, each one once for all who wait.
   */
  async wait(nodes: readonly Node[], wanted: string, timeoutMs: number, limits: Limits): Promise<boolean> {
    const wait = new Wait(wanted, Math.min(timeoutMs, limits.expiresAt - performance.now()), limits.signal)
    for (const node of nodes) this.#poll(node).add(wait)
    return wait.promise
  }

  #poll(node: Node): Poll {
    let poll = this.#polls.get(node)
    if (!poll) {
      poll = new Poll(node, this.#positions, this)
      this.#polls.set(node, poll)
    }
    return poll
  }
}

/** One who waits, perhaps for several nodes at once. Settles once. */
class Wait implements AbortListener {
  readonly wanted: string
  readonly promise: Promise<boolean>
  readonly #signal: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout
  #resolve!: (reached: boolean) => void
  settled = false

  constructor(wanted: string, timeoutMs: number, signal: AbortSignal | undefined) {
    this.wanted = wanted
    this.#signal = signal
    this.promise = new Promise((resolve) => { this.#resolve = resolve })
    this.#timer = setTimeout(() => { this.settle(false) }, timerMs(timeoutMs))
    if (signal?.aborted) this.settle(false)
    else if (signal) listen(signal, this)
  }

  onAbort(): void { this.settle(false) }

  settle(reached: boolean): void {
    if (this.settled) return
    this.settled = true
    clearTimeout(this.#timer)
    if (this.#signal) unlisten(this.#signal, this)
    this.#resolve(reached)
  }
}

/** Asks one node where it stands, as long as somebody waits for it. */
class Poll {
  readonly #node: Node
  readonly #positions: Positions
  readonly #freshness: Freshness
  #waits: Wait[] = []
  #running = false
  #pauseMs = FIRST_PAUSE_MS

  constructor(node: Node, positions: Positions, freshness: Freshness) {
    this.#node = node
    this.#positions = positions
    this.#freshness = freshness
  }

  add(wait: Wait): void {
    this.#waits.push(wait)
    this.#pauseMs = FIRST_PAUSE_MS
    if (this.#running) return
    this.#running = true
    detached(() => { void this.#ask() })
  }

  async #ask(): Promise<void> {
    const startedAt = performance.now()
    try {
      const position = await this.#position()
      if (position !== undefined) this.#freshness.learn(this.#node, position)
    } catch (error) {
      if (error instanceof SluiceError) this.#node.failed(error, startedAt)
      // nothing comes of this node now; whoever waits for others goes on
      this.#waits = []
    }
    this.#waits = this.#waits.filter((wait) => {
      if (!wait.settled && this.#freshness.has(this.#node, wait.wanted)) wait.settle(true)
      return !wait.settled
    })
    if (this.#waits.length === 0) {
      this.#running = false
      return
    }
    setTimeout(() => { void this.#ask() }, this.#pauseMs).unref()
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
  }

  async #position(): Promise<string | undefined> {
    const { here } = this.#positions
    const { lanes, pool } = this.#node
    const limits = { expiresAt: performance.now() + POLL_TIMEOUT_MS, signal: undefined }
    const shared = await lanes?.run(here.statement, limits)
    if (shared !== undefined && shared !== MOVED) return here.read(shared.rows as Record<string, unknown>[])
    const loan = await pool.acquire({ limits, label: 'sluice: replay position', text: here.statement.text, owner: undefined })
    try {
      const { rows } = await loan.query(here.statement, limits)
      lanes?.observe(here.statement.text, performance.now() - limits.expiresAt + POLL_TIMEOUT_MS)
      return here.read(rows)
    } finally {
      loan.release()
    }
  }
}
