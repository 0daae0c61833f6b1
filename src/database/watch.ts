import { remainingMs, timerMs, type Limits } from '../core/deadline.js'
import { listen, unlisten, type AbortListener } from '../core/abort.js'

/**
 * Acts when limits come while nobody asks for anything: what somebody forgot must not keep its connection. Does not keep
 * the process alive.
 */
export class Watch implements AbortListener {
  readonly #limits: Limits
  #timer: NodeJS.Timeout | undefined
  #onLimit: ((reason: 'timeout' | 'abort') => void) | undefined

  constructor(limits: Limits) { this.#limits = limits }

  /** @param onLimit - called once, unless {@link Watch.end} was called before */
  start(onLimit: (reason: 'timeout' | 'abort') => void): void {
    const { expiresAt, signal } = this.#limits
    this.#onLimit = onLimit
    if (signal?.aborted) return void this.onAbort()
    if (signal) listen(signal, this)
    if (expiresAt !== Infinity) this.#timer = setTimeout(() => { this.#act('timeout') }, timerMs(remainingMs(this.#limits))).unref()
  }

  onAbort(): void { this.#act('abort') }

  end(): void {
    this.#onLimit = undefined
    clearTimeout(this.#timer)
    if (this.#limits.signal) unlisten(this.#limits.signal, this)
  }

  #act(reason: 'timeout' | 'abort'): void {
    const onLimit = this.#onLimit
    this.end()
    onLimit?.(reason)
  }
}
