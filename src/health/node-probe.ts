import { detached } from '../core/detached.js'
import type { NodeFacts, Probe } from '../core/dialect.js'
import type { Connection } from '../core/driver.js'
import { ConnectionError, SluiceError } from '../core/errors.js'
import type { Node } from '../router/node.js'

/**
 * Asks one node how it is, on a connection of its own and within a deadline of its own, so that neither a full pool nor
 * a silent server can delay the answer. Never two probes of one node at once.
 */
export class NodeProbe {
  readonly node: Node
  readonly #probe: Probe<NodeFacts>
  readonly #timeoutMs: number
  #connection: Connection | undefined
  #running: Promise<NodeFacts | undefined> | undefined
  #abort = new AbortController()
  #closed = false
  /** Server version as it said itself when last connected. */
  version: string | undefined
  /** When the last probe ended, milliseconds since the epoch. */
  checkedAt: number | undefined

  constructor(node: Node, probe: Probe<NodeFacts>, timeoutMs: number) {
    this.node = node
    this.#probe = probe
    this.#timeoutMs = timeoutMs
  }

  /** What the node says of itself; undefined when it could not be asked (which counts against it). Never rejects. */
  ask(): Promise<NodeFacts | undefined> {
    return this.#running ??= this.#ask().finally(() => {
      this.#running = undefined
      this.checkedAt = Date.now()
    })
  }

  /** Ends a probe under way and closes the connection; a later probe opens a new one. */
  async release(): Promise<void> {
    this.#abort.abort()
    this.#drop()
    await this.#running
    this.#drop()
    this.#abort = new AbortController()
  }

  /** {@link NodeProbe.release} for good: nothing is asked any more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.release()
  }

  async #ask(): Promise<NodeFacts | undefined> {
    if (this.#closed) return undefined
    const { signal } = this.#abort
    const startedAt = performance.now()
    try {
      return await this.#once()
    } catch (error) {
      if (!signal.aborted) this.node.failed(asConnectionError(error, this.node.name), startedAt)
      return undefined
    }
  }

  /** An old connection that fails may only be stale: that is no evidence, so a new one is tried before it counts. */
  async #once(): Promise<NodeFacts> {
    if (this.#connection && !this.#connection.broken) {
      try {
        return await this.#query(this.#connection, this.#timeoutMs)
      } catch (error) {
        this.#drop()
        if (error instanceof ConnectionError && error.reason === 'timeout') throw error
      }
    }
    const abort = new AbortController()
    const signal = AbortSignal.any([abort.signal, this.#abort.signal])
    const startedAt = performance.now()
    const connecting = detached(() => this.node.connect(signal)).then((connection) => this.#keep(connection, signal))
    try {
      const connection = await inTime(connecting, this.#timeoutMs, () => this.#silence('accept a connection'))
      return await this.#query(connection, Math.max(1, this.#timeoutMs - (performance.now() - startedAt)))
    } catch (error) {
      abort.abort()
      this.#drop()
      throw error
    }
  }

  async #query(connection: Connection, timeoutMs: number): Promise<NodeFacts> {
    const asked = connection.query(this.#probe.statement)
    const { rows } = await inTime(asked, timeoutMs, () => this.#silence('answer a probe'))
    return this.#probe.read(rows)
  }

  #keep(connection: Connection, signal: AbortSignal): Connection {
    if (signal.aborted) connection.destroy()
    else {
      this.#connection = connection
      this.version = connection.server.version
    }
    return connection
  }

  #drop(): void {
    this.#connection?.destroy()
    this.#connection = undefined
  }

  #silence(what: string): ConnectionError {
    return new ConnectionError('timeout', `${this.node.name} did not ${what} within ${String(this.#timeoutMs)} ms`, { node: this.node.name, connectionLost: true })
  }
}

/**
 * `promise`, or a rejection with `late()` after `ms`. A busy process hears its timers before its sockets: an answer that
 * lies there when the time is over still counts, or every node would seem dead to a process that was blocked.
 */
function inTime<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => { setImmediate(() => { reject(late()) }) }, ms)
    const clear = (): void => { clearTimeout(timer) }
    promise.then(resolve, reject).finally(clear)
  })
}

function asConnectionError(error: unknown, node: string): SluiceError {
  if (error instanceof SluiceError) return error
  return new ConnectionError('lost', `${node}: a probe failed`, { cause: error, node, connectionLost: true })
}
