import { randomUUID } from 'node:crypto'
import { detached } from '../core/detached.js'
import { asError, sleep, withTimeout } from '../core/deadline.js'
import type { Notifications } from '../core/dialect.js'
import type { Connection } from '../core/driver.js'
import type { BusListener, InvalidationBus } from './bus.js'
import type { Dependencies } from './dependencies.js'

/** What a bus over a server's notifications needs. */
export interface NotifyBusParts {
  readonly notifications: Notifications
  /** Opens a connection of the bus's own to the server that takes writes. */
  connect(signal: AbortSignal): Promise<Connection>
  /** Told once each time the news stop arriving. */
  onLost(error: Error): void
  readonly channel?: string | undefined
}

const CHANNEL = 'sluice_cache'
/** A session that has not answered for so long is taken for dead. */
const PING_MS = 5_000
const PATIENCE_MS = 2_000
const CHECK_MS = 250
const RETRY_MS = [100, 5_000] as const
/** PostgreSQL takes less than 8,000 bytes. */
const MAX_PAYLOAD = 7_000
/** More names than that are told as "everything". */
const MAX_PENDING = 1_000

/**
 * Invalidations by LISTEN/NOTIFY on one pinned connection, which is opened again whenever it is lost. Whatever may have been
 * missed meanwhile, everything counts as changed when it is back.
 */
export class NotifyBus implements InvalidationBus {
  readonly #parts: NotifyBusParts
  readonly #self = randomUUID()
  readonly #closing = new AbortController()
  #listener: BusListener | undefined
  #running: Promise<void> | undefined
  #connection: Connection | undefined
  #answeredAt = -Infinity
  #turn: Promise<unknown> = Promise.resolve()
  /** Not told yet; undefined: everything. */
  #pending: Set<string> | undefined = new Set()
  #flushing = false
  #told = false
  /** Counts the servers that took writes. */
  #epoch = 0

  constructor(parts: NotifyBusParts) { this.#parts = parts }

  get connected(): boolean {
    return this.#connection !== undefined && !this.#connection.broken && performance.now() - this.#answeredAt < PING_MS + PATIENCE_MS
  }

  start(listener: BusListener): void {
    this.#listener = listener
    this.#running ??= detached(() => this.#run())
  }

  publish(names: Dependencies | undefined): void {
    if (names && this.#pending) for (const name of names) this.#pending.add(name)
    if (!names || (this.#pending?.size ?? 0) > MAX_PENDING) this.#pending = undefined
    this.#flush()
  }

  reconnect(): void {
    this.#epoch++
    this.#connection?.destroy()
  }

  async close(): Promise<void> {
    if (this.#connection) await withTimeout(this.#flushed(), PATIENCE_MS, () => new Error('slow')).catch(() => undefined)
    this.#closing.abort()
    await this.#running
  }

  /** One connection after another. Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#closing
    let pauseMs: number = RETRY_MS[0]
    while (!signal.aborted) {
      let opened: Connection | undefined
      try {
        opened = await this.#open(signal)
        pauseMs = RETRY_MS[0]
        this.#told = false
        await this.#watch(opened, signal)
      } catch (error) {
        if (!signal.aborted) this.#lost(error)
      }
      this.#connection = undefined
      await opened?.close()
      await sleep(pauseMs, signal, false).catch(() => undefined)
      pauseMs = Math.min(RETRY_MS[1], pauseMs * 2)
    }
  }

  /** Operators hear of it once, not at every attempt. */
  #lost(error: unknown): void {
    if (!this.#told) this.#parts.onLost(asError(error))
    this.#told = true
  }

  async #open(signal: AbortSignal): Promise<Connection> {
    const epoch = this.#epoch
    const connection = await this.#parts.connect(signal)
    try {
      if (!connection.subscribe) throw new Error('this engine has no notifications')
      connection.subscribe(({ payload }) => { this.#heard(payload) })
      await withTimeout(connection.query(this.#parts.notifications.listen(this.#channel)), PATIENCE_MS, () => new Error('LISTEN was not answered'))
      if (this.#epoch !== epoch) throw new Error('another server takes writes now')
    } catch (error) {
      connection.destroy()
      throw error
    }
    this.#answeredAt = performance.now()
    // whatever was changed before this moment may have been told to nobody here
    this.#listener?.changed(undefined)
    this.#connection = connection
    this.#flush()
    return connection
  }

  /** Returns when closing; throws when the connection is dead. */
  async #watch(connection: Connection, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(CHECK_MS, signal, false).catch(() => undefined)
      if (connection.broken) throw new Error('the connection that listens was lost')
      if (performance.now() - this.#answeredAt < PING_MS) continue
      await this.#inTurn(connection, () => connection.ping())
    }
  }

  /** One statement after another on the one connection; one that is not answered ends it. */
  #inTurn(connection: Connection, work: () => Promise<unknown>): Promise<void> {
    const turn = this.#turn.then(async () => {
      try {
        await withTimeout(work(), PATIENCE_MS, () => new Error('the connection that listens does not answer'))
        this.#answeredAt = performance.now()
      } catch (error) {
        connection.destroy()
        throw error
      }
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  #flush(): void {
    if (this.#flushing || !this.#connection) return
    this.#flushing = true
    // what one tick changes travels together
    setImmediate(() => { void this.#flushed().finally(() => { this.#flushing = false }) })
  }

  /** Never rejects: what could not be told is told after the next connection is open. */
  async #flushed(): Promise<void> {
    while (this.#connection && this.#pending?.size !== 0) {
      const connection = this.#connection
      const names = this.#pending
      this.#pending = new Set()
      try {
        for (const payload of payloads(this.#self, names)) {
          await this.#inTurn(connection, () => connection.query(this.#parts.notifications.notify(this.#channel, payload)))
        }
      } catch {
        if (!names) this.#pending = undefined
        else for (const name of names) this.#pending?.add(name)
        return
      }
    }
  }

  #heard(payload: string): void {
    const message = read(payload)
    if (message && message.from !== this.#self) this.#listener?.changed(message.names)
  }

  get #channel(): string { return this.#parts.channel ?? CHANNEL }
}

interface Message {
  readonly from: string
  /** undefined: everything. */
  readonly names: Dependencies | undefined
}

/** Messages that carry these names, each short enough to be sent. */
function payloads(from: string, names: ReadonlySet<string> | undefined): string[] {
  if (!names) return [JSON.stringify({ from })]
  const texts: string[] = []
  let some: string[] = []
  let length = 0
  for (const name of names) {
    const bytes = Buffer.byteLength(JSON.stringify(name)) + 1
    if (bytes > MAX_PAYLOAD) return [JSON.stringify({ from })]
    if (length + bytes > MAX_PAYLOAD) {
      texts.push(JSON.stringify({ from, names: some }))
      some = []
      length = 0
    }
    some.push(name)
    length += bytes
  }
  return some.length > 0 ? [...texts, JSON.stringify({ from, names: some })] : texts
}

/** What cannot be read may have meant anything. */
function read(payload: string): Message | undefined {
  try {
    const { from, names } = JSON.parse(payload) as { from?: unknown; names?: unknown }
    const known = Array.isArray(names) && names.every((name) => typeof name === 'string')
    return { from: typeof from === 'string' ? from : '', names: known ? names : undefined }
  } catch {
    return { from: '', names: undefined }
  }
}
