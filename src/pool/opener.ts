import { setMaxListeners } from 'node:events'
import { backoffMs } from '../core/backoff.js'
import { detached } from '../core/detached.js'
import type { Connection } from '../core/driver.js'
import { ConfigError, ConnectionError, type SluiceError } from '../core/errors.js'
import type { PoolBackend, Slot } from './backend.js'

/** Delays between attempts while connecting fails: short, so that a server that is back is found quickly. */
const BACKOFF = { baseDelayMs: 20, maxDelayMs: 250 }

/** What the opener needs of its pool. */
export interface OpenerHost {
  connect(signal: AbortSignal): Promise<Connection>
  explain(cause: unknown): SluiceError
  /** Connections still wanted beside those being opened, within the pool's limits. */
  wanted(): number
  /** The pool's generation; a connection belongs to the one its opening began in. */
  epoch(): number
  opened(connection: Connection, slot: Slot, epoch: number, durationMs: number): void
  failed(error: SluiceError, durationMs: number): void
}

/**
 * The gate in front of `connect`: opens as many connections at once as are wanted, until an attempt fails. From then on
 * one attempt at a time, after a delay that grows with each failure, until one succeeds.
 *
 * Attempts run {@link detached}, so that a connection does not carry one request's AsyncLocalStorage for life.
 */
export class Opener {
  readonly #host: OpenerHost
  readonly #backend: PoolBackend
  readonly #abort = new AbortController()
  readonly #attempts = new Set<Promise<void>>()
  #connecting = 0
  #failures = 0
  #failedAt = 0
  #notBefore = 0
  #timer: NodeJS.Timeout | undefined
  #failure: SluiceError | undefined

  constructor(host: OpenerHost, backend: PoolBackend) {
    this.#host = host
    this.#backend = backend
    // every attempt listens, and a large pool makes many at once
    setMaxListeners(0, this.#abort.signal)
  }

  get connecting(): number { return this.#connecting }

  /** The last attempt's error; undefined when it succeeded. */
  get failure(): SluiceError | undefined { return this.#failure }

  /** Starts what is wanted and allowed now; plans the rest. */
  poke(): void {
    if (this.#abort.signal.aborted) return
    const wanted = this.#host.wanted()
    if (wanted <= 0) return
    if (this.#failures === 0) {
      for (let count = 0; count < wanted; count++) this.#start()
      return
    }
    if (this.#connecting > 0) return
    const delayMs = this.#notBefore - performance.now()
    if (delayMs <= 0) this.#start()
    else this.#plan(delayMs)
  }

  /** Ends the attempts under way and starts no more. Resolves when they have ended. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#abort.abort(new Error('the pool was closed'))
    await Promise.all(this.#attempts)
  }

  #plan(delayMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.poke()
    }, Math.ceil(delayMs)).unref()
  }

  #start(): void {
    this.#connecting++
    detached(() => {
      const attempt = this.#attempt().finally(() => {
        this.#attempts.delete(attempt)
        this.poke()
      })
      this.#attempts.add(attempt)
    })
  }

  async #attempt(): Promise<void> {
    const startedAt = performance.now()
    const epoch = this.#host.epoch()
    let slot: Slot | undefined
    let connection: Connection
    try {
      slot = await this.#backend.take()
      connection = await this.#host.connect(this.#abort.signal)
    } catch (cause) {
      if (slot) this.#backend.give(slot)
      this.#connecting--
      this.#failed(cause, startedAt)
      return
    }
    this.#connecting--
    this.#failures = 0
    this.#failure = undefined
    this.#host.opened(connection, slot, epoch, performance.now() - startedAt)
  }

  #failed(cause: unknown, startedAt: number): void {
    if (this.#abort.signal.aborted) return
    const now = performance.now()
    // attempts that failed together are one failure
    if (startedAt >= this.#failedAt) this.#failures++
    this.#failedAt = now
    this.#notBefore = now + backoffMs(this.#failures - 1, BACKOFF)
    this.#failure = asConnectFailure(this.#host.explain(cause))
    this.#host.failed(this.#failure, now - startedAt)
  }
}

/** Whether trying again cannot help: the server refused for good, or something here is not installed or wrong. */
export function isPermanent(error: SluiceError): boolean {
  return error instanceof ConfigError || (error instanceof ConnectionError && error.permanent)
}

function asConnectFailure(error: SluiceError): SluiceError {
  if (error instanceof ConnectionError || error instanceof ConfigError) return error
  const { message, cause, node, hint } = error
  return new ConnectionError('other', message, { cause: cause ?? error, node, hint, neverSent: true })
}
