import { sleep } from '../core/deadline.js'
import { detached } from '../core/detached.js'

/** What a pursuit is made of. */
export interface PursuitParts<Target> {
  /** Whom to ask. */
  readonly targets: () => readonly Target[]
  /** Asks one; never rejects, and ends within its own deadline. */
  readonly ask: (target: Target) => Promise<void>
  /** Whether there is a reason to go on. */
  readonly wanted: () => boolean
  /** Pace after which it may become slower, when nobody waits. */
  readonly longestMs: number
}

/** Between two questions to the same node: at first, and after {@link PATIENT_AFTER_MS}. */
const QUICK_MS = 40
const STEADY_MS = 200
const PATIENT_AFTER_MS = 10_000

/**
 * Asks all nodes again and again, each at its own pace, until what was missing is found. A silent node delays nobody
 * else's answer. One pursuit at a time.
 */
export class Pursuit<Target> {
  readonly #parts: PursuitParts<Target>
  readonly #abort = new AbortController()
  readonly #running = new Set<Target>()

  constructor(parts: PursuitParts<Target>) { this.#parts = parts }

  /** Begins, or goes on. */
  start(): void {
    for (const target of this.#parts.targets()) {
      if (this.#running.has(target) || this.#abort.signal.aborted) continue
      this.#running.add(target)
      detached(() => { void this.#follow(target) })
    }
  }

  /** Ends for good. */
  close(): void { this.#abort.abort() }

  async #follow(target: Target): Promise<void> {
    const { ask, wanted, targets, longestMs } = this.#parts
    const { signal } = this.#abort
    const startedAt = performance.now()
    try {
      while (wanted() && !signal.aborted && targets().includes(target)) {
        await ask(target)
        if (!wanted()) return
        const pace = performance.now() - startedAt < PATIENT_AFTER_MS ? QUICK_MS : STEADY_MS
        await sleep(Math.min(pace, longestMs), signal, false)
      }
    } catch {
      // the sleep was cut: closed
    } finally {
      this.#running.delete(target)
    }
  }
}
