import { timerMs, type Limits } from '../core/deadline.js'
import type { Connection } from '../core/driver.js'
import { ConnectionError, QueryCancelledError, QueryTimeoutError, type SluiceError } from '../core/errors.js'
import { listen, unlisten, type AbortListener } from '../core/abort.js'
import type { Doubt } from './settle.js'

/** After a cancel was sent, so long may the statement itself still tell how it ended before the connection is dropped. */
export const CANCEL_GRACE_MS = 250

/** What a guarded call needs of its loan. */
export interface GuardedContext {
  readonly node: string
  readonly connection: Connection
  explain(cause: unknown, sql: string, neverSent: boolean): SluiceError
  /** A cancel has been sent. */
  doubted(doubt: Doubt): void
  /** The call is over, one way or the other. Called once. */
  ended(): void
}

/**
 * One call of the driver under limits.
 *
 * ```
 *            limit reached                      settles in the grace -> the truth (result, error, cancelled)
 * unsent ──────────────────> refused   ┌──────> interrupted
 *   └── sent ──> running ──────────────┘                            nothing in the grace -> connection destroyed
 *                   └── settles -> result or error
 * ```
 */
export class GuardedCall<T> implements AbortListener {
  readonly promise: Promise<T>
  readonly #context: GuardedContext
  readonly #send: () => Promise<T>
  readonly #sql: string
  readonly #limits: Limits
  readonly #startedAt = performance.now()
  #resolve!: (result: T) => void
  #reject!: (error: SluiceError) => void
  #state: 'unsent' | 'running' | 'interrupted' | 'done' = 'unsent'
  #timer: NodeJS.Timeout | undefined
  #reason: 'timeout' | 'abort' = 'timeout'
  #doubt: Doubt | undefined

  /** @param before - when given, the call is sent only after it; it must not reject */
  constructor(context: GuardedContext, sql: string, limits: Limits, send: () => Promise<T>, before?: Promise<unknown>) {
    this.#context = context
    this.#sql = sql
    this.#limits = limits
    this.#send = send
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#arm()
    if (before) void before.then(() => { this.#run() })
    else this.#run()
  }

  onAbort(): void {
    this.#interrupt('abort')
  }

  #arm(): void {
    const { expiresAt, signal } = this.#limits
    if (signal) listen(signal, this)
    if (expiresAt === Infinity) return
    this.#timer = setTimeout(onTimer, timerMs(expiresAt - this.#startedAt), this)
  }

  /** @internal the limit in time is reached, or the grace after it */
  timeIsUp(): void {
    if (this.#state === 'interrupted') this.#giveUp()
    else this.#interrupt('timeout')
  }

  #run(): void {
    if (this.#state !== 'unsent') return
    if (this.#context.connection.broken) {
      this.#fail(lostBefore(this.#context.node, this.#sql))
      return
    }
    this.#state = 'running'
    this.#call().then((result) => { this.#succeed(result) }, (cause: unknown) => { this.#settleError(cause) })
  }

  // `async` so that a driver that throws synchronously ends here as a rejection too
  async #call(): Promise<T> {
    return this.#send()
  }

  #interrupt(reason: 'timeout' | 'abort'): void {
    if (this.#state === 'unsent') {
      this.#fail(limitError(reason, this.#context.node, this.#sql, this.#limits, { neverSent: true, ms: this.#elapsedMs() }))
      return
    }
    if (this.#state !== 'running') return
    this.#state = 'interrupted'
    this.#reason = reason
    this.#release()
    this.#timer = setTimeout(onTimer, CANCEL_GRACE_MS, this)
    this.#doubt = { delivered: cancel(this.#context.connection), endedByCancel: false }
    this.#context.doubted(this.#doubt)
  }

  #succeed(result: T): void {
    if (this.#state === 'done') return
    this.#end()
    this.#resolve(result)
  }

  #settleError(cause: unknown): void {
    if (this.#state === 'done') return
    const error = this.#context.explain(cause, this.#sql, false)
    if (this.#state === 'running' || !(error instanceof QueryCancelledError)) {
      this.#fail(error)
      return
    }
    if (this.#doubt) this.#doubt.endedByCancel = true
    this.#fail(limitError(this.#reason, this.#context.node, this.#sql, this.#limits, { cause, ms: this.#elapsedMs() }))
  }

  #giveUp(): void {
    const { node, connection } = this.#context
    connection.destroy()
    this.#fail(limitError(this.#reason, node, this.#sql, this.#limits, { connectionLost: true, ms: this.#elapsedMs() }))
  }

  #fail(error: SluiceError): void {
    this.#end()
    this.#reject(error)
  }

  #end(): void {
    this.#state = 'done'
    this.#release()
    this.#context.ended()
  }

  #release(): void {
    clearTimeout(this.#timer)
    if (this.#limits.signal) unlisten(this.#limits.signal, this)
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startedAt)
  }
}

function onTimer(call: { timeIsUp(): void }): void {
  call.timeIsUp()
}

/** Sends the cancel; whether the server has taken it. */
async function cancel(connection: Connection): Promise<boolean> {
  if (!connection.cancel) return false
  try {
    await connection.cancel()
    return true
  } catch {
    return false
  }
}

interface LimitFacts {
  readonly ms: number
  readonly cause?: unknown
  readonly neverSent?: boolean
  readonly connectionLost?: boolean
  /** It was sent and not yet begun: a read that nobody reads the answer of. */
  readonly dropped?: boolean
}

const ENDINGS = {
  unsent: 'it was never sent',
  cancelled: 'it was cancelled on the server',
  dropped: 'the server had not begun with it, and its answer is dropped',
  lost: 'the server did not confirm the cancellation, so its outcome is unknown and the connection was dropped',
} as const

/** The error of a statement whose time is over or whose caller aborted. */
export function limitError(
  reason: 'timeout' | 'abort', node: string, sql: string | undefined, limits: Limits, facts: LimitFacts,
): SluiceError {
  const { ms, dropped, ...options } = facts
  const ending = ENDINGS[facts.neverSent ? 'unsent' : facts.connectionLost ? 'lost' : dropped ? 'dropped' : 'cancelled']
  if (reason === 'timeout') {
    const hint = 'raise timeoutMs (or statementTimeoutMs), or look at the plan with db.explain()'
    return new QueryTimeoutError(`${node}: the statement's time was over after ${ms} ms; ${ending}`, { ...options, node, sql, hint })
  }
  const cause: unknown = options.cause ?? limits.signal?.reason
  return new QueryCancelledError(`${node}: the caller's signal aborted the statement after ${ms} ms; ${ending}`, { ...options, cause, node, sql })
}

/** The error of a statement that met a connection already lost. */
export function lostBefore(node: string, sql: string): ConnectionError {
  return new ConnectionError('lost', `${node}: the connection was lost before the statement was sent`, {
    node, sql, neverSent: true, connectionLost: true,
  })
}

/** The error of a stream whose connection was lost while its consumer had the last batch. */
export function lostBetween(node: string, sql: string): ConnectionError {
  return new ConnectionError('lost', `${node}: the connection was lost before all rows of the stream had been read`, {
    node, sql, connectionLost: true,
  })
}
