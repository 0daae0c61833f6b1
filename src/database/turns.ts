import { timerMs, type Limits } from '../core/deadline.js'
import { listen, unlisten, type AbortListener } from '../core/abort.js'

/** Why a wait for one's turn ended without it. */
export type LateReason = 'timeout' | 'abort'

/** Makes the error of a wait that ended early. */
export type LateError = (reason: LateReason, waitedMs: number) => Error

/** Gives the turn on; calling it again is harmless. */
export type Leave = () => void

/**
 * One at a time, in order of arrival. A wait ends at its limits at the latest: what stands in line behind a slow
 * statement hears of its own timeout when it is due.
 */
export class Turns {
  #taken = false
  readonly #waiting = new Set<Waiting>()

  /** Waits for the turn. Rejects with `late(reason)` when the limits come first. */
  enter(limits: Limits, late: LateError): Promise<Leave> {
    if (!this.#taken) {
      this.#taken = true
      return Promise.resolve(this.#leave())
    }
    return new Promise((resolve, reject) => {
      const waiting = new Waiting(limits, () => { resolve(this.#leave()) }, (error) => {
        this.#waiting.delete(waiting)
        reject(error)
      }, late)
      this.#waiting.add(waiting)
    })
  }

  #leave(): Leave {
    let left = false
    return () => {
      if (left) return
      left = true
      const [next] = this.#waiting
      if (!next) {
        this.#taken = false
        return
      }
      this.#waiting.delete(next)
      next.admit()
    }
  }
}

/** One place in the line. */
class Waiting implements AbortListener {
  readonly #limits: Limits
  readonly #onAdmit: () => void
  readonly #onLate: (error: Error) => void
  readonly #late: LateError
  readonly #since = performance.now()
  readonly #timer: NodeJS.Timeout | undefined

  constructor(limits: Limits, onAdmit: () => void, onLate: (error: Error) => void, late: LateError) {
    this.#limits = limits
    this.#onAdmit = onAdmit
    this.#onLate = onLate
    this.#late = late
    const { expiresAt, signal } = limits
    if (signal) listen(signal, this)
    if (expiresAt === Infinity) return
    this.#timer = setTimeout(() => { this.#giveUp('timeout') }, timerMs(expiresAt - this.#since))
  }

  admit(): void {
    this.#disarm()
    this.#onAdmit()
  }

  onAbort(): void { this.#giveUp('abort') }

  #giveUp(reason: LateReason): void {
    this.#disarm()
    this.#onLate(this.#late(reason, Math.round(performance.now() - this.#since)))
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    if (this.#limits.signal) unlisten(this.#limits.signal, this)
  }
}
