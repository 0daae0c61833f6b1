import { listen, unlisten, type AbortListener } from '../core/abort.js'
import { remainingMs, timerMs, type Limits } from '../core/deadline.js'

/** Makes the error of a caller whose limits came first. */
export type LimitError = (reason: 'timeout' | 'abort') => Error

/**
 * One load that several callers wait for. Each waits within its own limits: who gives up leaves the others their answer,
 * and only when nobody waits any more is the load itself aborted.
 */
export class Flight<T> {
  readonly #controller = new AbortController()
  #waiting = 0
  #settled = false
  readonly #kept: boolean
  #result: Promise<T> | undefined
  #onAbandoned: (() => void) | undefined

  /** @param kept - the load goes on without anybody waiting (a refresh) */
  constructor(kept: boolean) { this.#kept = kept }


  /**
   * Starts the load.
   *
   * @param onAbandoned - called when the last waiter has left before the end
   */
  start(load: (signal: AbortSignal) => Promise<T>, onAbandoned: () => void): void {
    this.#onAbandoned = onAbandoned
    const settle = (): void => { this.#settled = true }
    this.#result = load(this.#controller.signal)
    this.#result.then(settle, settle)
  }

  /** Waits for the result within `limits`. */
  join(limits: Limits, limitError: LimitError): Promise<T> {
    const result = this.#result ?? Promise.reject(new Error('a flight is joined before it was started'))
    if (limits.signal?.aborted) {
      this.#leaveUnheard(result)
      return Promise.reject(limitError('abort'))
    }
    this.#waiting++
    if (limits.expiresAt === Infinity && !limits.signal) return result
    return new Promise<T>((resolve, reject) => { new Waiter(result, limits, limitError, () => { this.#leave() }, resolve, reject) })
  }

  abort(): void { this.#controller.abort() }

  #leave(): void {
    if (--this.#waiting > 0 || this.#kept || this.#settled) return
    this.#onAbandoned?.()
    this.abort()
  }

  /** A caller who was gone before he came: the load he started has nobody else. */
  #leaveUnheard(result: Promise<T>): void {
    result.catch(() => undefined)
    this.#waiting++
    this.#leave()
  }
}

/** One caller's wait. */
class Waiter<T> implements AbortListener {
  readonly #limits: Limits
  readonly #reject: (error: unknown) => void
  readonly #limitError: LimitError
  readonly #leave: () => void
  #timer: NodeJS.Timeout | undefined
  #over = false

  constructor(result: Promise<T>, limits: Limits, limitError: LimitError, leave: () => void, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#limits = limits
    this.#reject = reject
    this.#limitError = limitError
    this.#leave = leave
    if (limits.expiresAt !== Infinity) this.#timer = setTimeout(() => { this.#giveUp('timeout') }, timerMs(remainingMs(limits)))
    if (limits.signal) listen(limits.signal, this)
    result.then((value) => { this.#end(() => { resolve(value) }) }, (error: unknown) => { this.#end(() => { reject(error) }) })
  }

  onAbort(): void { this.#giveUp('abort') }

  #giveUp(reason: 'timeout' | 'abort'): void {
    this.#end(() => {
      this.#reject(this.#limitError(reason))
      this.#leave()
    })
  }

  #end(last: () => void): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    if (this.#limits.signal) unlisten(this.#limits.signal, this)
    last()
  }
}
