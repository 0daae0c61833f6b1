import type { RowShape } from './row-shape.js'
import { isPlanned } from './text-uses.js'

/** One statement that this session has, or will have, under a name of its own. */
export interface PreparedStatement {
  readonly name: string
  readonly text: string
  /** Its Parse is on the way, or there. */
  sent: boolean
  /** The server has answered it: until then those behind it on the wire must not count on the name. */
  confirmed: boolean
  /** The server refuses to run it once its columns have changed. */
  readonly fixed: boolean
  /** What its rows look like, once the server has said so: then it need not be asked again. */
  shape: RowShape | undefined
  /** Moment of the last use, counted in uses. */
  usedAt: number
}

/**
 * The prepared statements of one connection: at most `max`, the least recently used goes first.
 *
 * Invariant: a name is never given twice, so that a Close which has not been sent yet cannot hit a newer statement.
 * Evicted names wait in `takeClosing()`: their Close messages ride with the next statement that is prepared.
 */
export class PreparedStatements {
  readonly #max: number
  readonly #known = new Map<string, PreparedStatement>()
  #closing: string[] = []
  #given = 0
  #uses = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number { return this.#known.size }

  /** The statement behind this text, marked as just used; undefined when there is none. */
  find(text: string): PreparedStatement | undefined {
    const known = this.#known.get(text)
    if (known) known.usedAt = ++this.#uses
    return known
  }

  /** Gives a text that has no name yet one; whoever sends it next must have it parsed. */
  add(text: string): PreparedStatement {
    if (this.#known.size >= this.#max) this.#evictOldest()
    const made = { name: `sluice_${String(++this.#given)}`, text, sent: false, confirmed: false, fixed: isPlanned(text), shape: undefined, usedAt: ++this.#uses }
    this.#known.set(text, made)
    return made
  }

  /** The statement is gone, stale or was never parsed: the next use prepares it anew. Harmless when a newer one has its place. */
  forget(statement: PreparedStatement): void {
    if (this.#known.get(statement.text) !== statement) return
    this.#known.delete(statement.text)
    this.#closing.push(statement.name)
  }

  /** Names to close on the server; each is handed out once. */
  takeClosing(): readonly string[] {
    if (this.#closing.length === 0) return NONE
    const closing = this.#closing
    this.#closing = []
    return closing
  }

  /** After DISCARD ALL: the server has none of them any more. */
  clear(): void {
    this.#known.clear()
    this.#closing = []
  }

  #evictOldest(): void {
    let oldest: PreparedStatement | undefined
    for (const one of this.#known.values()) if (!oldest || one.usedAt < oldest.usedAt) oldest = one
    if (oldest) this.forget(oldest)
  }
}

const NONE: readonly string[] = Object.freeze([])
