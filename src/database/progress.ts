import type { Positions } from '../core/dialect.js'

/** What a read has to include. */
export interface Wanted {
  /** Everything up to here; undefined = nothing that is known. */
  readonly position: string | undefined
  /** And something whose position is not known: only the primary has it for certain. */
  readonly doubtful: boolean
  /** Whether to wait for a replica; else only one that is known to have it is used. */
  readonly waits: boolean
}

/** Counts doubts: their order is all that matters. */
let clock = 0

/** To be noted before the primary is asked for its position, and given to {@link Progress.reach}. */
export function moment(): number { return clock }

/** What progress needs of an engine. */
type Ordering = Pick<Positions, 'merge' | 'demand'>

/** For an engine whose dialect has no positions: there, nothing ever reaches one. */
export const NO_POSITIONS: Ordering = { merge: (one) => one }

/**
 * How far somebody has come in the history: a session, a table, this process. It only grows.
 *
 * A write whose position could not be learnt is a doubt. The next position asked for after it, on the primary, includes it:
 * positions of one history are ordered.
 */
export class Progress {
  readonly #positions: Ordering
  #position: string | undefined
  #doubtAt = 0
  #resolvedAt = 0

  constructor(positions: Ordering) { this.#positions = positions }

  get position(): string | undefined { return this.#position }
  get doubtful(): boolean { return this.#doubtAt > this.#resolvedAt }
  get empty(): boolean { return this.#position === undefined && !this.doubtful }

  /** Something is to be included whose position is not known. */
  doubt(): void { this.#doubtAt = ++clock }

  /**
   * Includes everything up to `position`. Given `asked`, the primary was asked for it at that {@link moment}: what was in
   * doubt by then is included too.
   */
  reach(position: string, asked = 0): void {
    const all = this.#position === undefined ? position : this.#positions.merge(this.#position, position)
    this.#position = this.#positions.demand?.(all) ?? all
    this.#resolvedAt = Math.max(this.#resolvedAt, asked)
  }
}
