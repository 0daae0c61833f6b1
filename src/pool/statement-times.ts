/** Texts remembered; the ones learnt longest ago are forgotten first. */
const MAX_TEXTS = 2_000
/** Answers after which a text is known. */
const SAMPLES_TO_KNOW = 3
/** What may share a lane takes less than this on the server … */
const QUICK_MS = 1
/** … and on the lane seldom more than this. */
const SLOW_MS = 10
const SLOW_SHARE = 0.01
/** Weight of one run in the share of slow runs: about the last 256 count. */
const SLOW_WEIGHT = 1 / 256
const AVERAGE_WEIGHT = 0.1
/** How fast the shortest answer is forgotten, for tables that grow. */
const FORGET_WEIGHT = 0.001
/** A text that was slow on a lane may try again after this. */
const PROBATION_MS = 10_000

interface Known {
  samples: number
  /** The shortest answer on an exclusive loan: what the statement takes when nothing is in its way. */
  shortestMs: number
  /** Average on a lane, from the moment the server could begin; undefined before the first run there. */
  averageMs: number | undefined
  /** Share of slow runs on a lane, 0 to 1. */
  slowShare: number
  /** `performance.now()` until which it stays off the lanes. */
  bannedUntil: number
}

/**
 * How long statements take on their server, learnt per text. What is unknown counts as slow until proven quick.
 *
 * Times of exclusive loans are trusted only at their shortest: the rest of them is how busy this process, the network and
 * the server were. On a lane the time between two answers is the server's own; there a share of slow runs bans the text.
 */
export class StatementTimes {
  readonly #known = new Map<string, Known>()
  /** The way to the server and back, milliseconds: subtracted from exclusive times. */
  roundTripMs = 0

  /** An exclusive loan's statement was answered after `ms`. */
  observeAlone(text: string, ms: number): void {
    const known = this.#of(text)
    known.samples++
    known.shortestMs = ms < known.shortestMs ? ms : known.shortestMs + (ms - known.shortestMs) * FORGET_WEIGHT
  }

  /** A lane's statement was answered, `ms` after the server could begin with it. */
  observeShared(text: string, ms: number): void {
    const known = this.#of(text)
    known.samples++
    const slow = ms > SLOW_MS + this.roundTripMs
    known.slowShare += ((slow ? 1 : 0) - known.slowShare) * SLOW_WEIGHT
    // one stall of a busy machine is no property of the statement; many are, through the share
    if (!slow) known.averageMs = known.averageMs === undefined ? ms : known.averageMs + (ms - known.averageMs) * AVERAGE_WEIGHT
    if (known.slowShare < SLOW_SHARE) return
    known.slowShare = SLOW_SHARE / 2
    known.bannedUntil = performance.now() + PROBATION_MS
  }

  /** Runs seen of this text. */
  samples(text: string): number {
    return this.#known.get(text)?.samples ?? 0
  }

  /** Known to be quick, and reliably so. */
  isQuick(text: string): boolean {
    const known = this.#known.get(text)
    if (!known || known.samples < SAMPLES_TO_KNOW) return false
    return known.shortestMs - this.roundTripMs < QUICK_MS && performance.now() >= known.bannedUntil
  }

  /** What it will probably take on the server; 0 before it has been on a lane. */
  expectedMs(text: string): number {
    return this.#known.get(text)?.averageMs ?? 0
  }

  #of(text: string): Known {
    const found = this.#known.get(text)
    if (found) return found
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < MAX_TEXTS) break
      this.#known.delete(oldest)
    }
    const made: Known = { samples: 0, shortestMs: Infinity, averageMs: undefined, slowShare: 0, bannedUntil: 0 }
    this.#known.set(text, made)
    return made
  }
}
