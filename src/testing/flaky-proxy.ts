import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { ConfigError } from '../core/errors.js'
import { ProxyStream, type StreamConditions } from './proxy-stream.js'
import { WireReader, type WireMessage } from './wire.js'

/** Whom a {@link FlakyProxy} stands in front of, and where it listens. */
export interface FlakyProxyOptions {
  /** A URL with host and port, or the two themselves. */
  readonly target: string | { readonly host: string, readonly port: number }
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined
  /** Default: a free one. */
  readonly port?: number | undefined
}

/** One way through the proxy. */
export type Direction = 'to-client' | 'to-server'

/** Picks the message before which the connection is cut. `commit-answer`: the server's word that a COMMIT was done. */
export type CutPoint = 'commit-answer' | ((message: WireMessage) => boolean)

/** An armed cut. */
export interface CutWatch {
  /** How often it has cut. */
  readonly count: number
  /** Settles at the first cut; never if there is none. */
  readonly done: Promise<void>
  /** Lets everything pass from now on. */
  cancel(): void
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly streams: readonly ProxyStream[]
}

/** `COMMIT` inside a longer query has its own answer too; `COMMIT PREPARED` has another tag. */
const isCommitAnswer = (message: WireMessage): boolean => message.tag === 'COMMIT'

const DIRECTIONS: readonly Direction[] = ['to-client', 'to-server']

/**
 * A TCP proxy whose faults a test commands. It passes bytes and knows nothing of them, but for
 * {@link FlakyProxy.cutBefore}, which reads the PostgreSQL protocol in plain text (not through TLS).
 */
export class FlakyProxy implements AsyncDisposable {
  readonly #target: { readonly host: string, readonly port: number }
  readonly #targetUrl: string | undefined
  readonly #pairs = new Set<Pair>()
  readonly #cuts = new Set<(message: WireMessage) => boolean>()
  readonly #held = new Set<Direction>()
  readonly #delayMs: Record<Direction, number> = { 'to-client': 0, 'to-server': 0 }
  #bytesPerSecond = 0
  #listener: Server | undefined
  #accepted = 0

  /** Where it listens. */
  readonly host: string
  #port: number

  /** @internal Use {@link flakyProxy}. */
  constructor(options: FlakyProxyOptions) {
    this.#targetUrl = typeof options.target === 'string' ? options.target : undefined
    this.#target = targetOf(options.target)
    this.host = options.host ?? '127.0.0.1'
    this.#port = options.port ?? 0
  }

  get port(): number { return this.#port }

  /** The target's URL with the proxy's host and port in it; `tcp://host:port` when the target was no URL. */
  get url(): string {
    if (this.#targetUrl === undefined) return `tcp://${this.host}:${this.#port}`
    const url = new URL(this.#targetUrl)
    url.hostname = this.host
    url.port = String(this.#port)
    return url.href
  }

  /** Connections open now. */
  get connections(): number { return this.#pairs.size }

  /** Connections ever accepted. */
  get accepted(): number { return this.#accepted }

  /** @internal Starts listening, at the same port as before. */
  listen(): Promise<void> {
    const listener = createServer({ allowHalfOpen: true }, (client) => { this.#accept(client) })
    return new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(this.#port, this.host, () => {
        listener.off('error', reject)
        this.#listener = listener
        this.#port = (listener.address() as AddressInfo).port
        resolve()
      })
    })
  }

  /** Adds latency, `ms` each way, or each way its own. 0 = none. */
  delay(ms: number | Readonly<Record<Direction, number>>): void {
    for (const direction of DIRECTIONS) this.#delayMs[direction] = typeof ms === 'number' ? ms : ms[direction]
    this.#flush()
  }

  /** Limits each connection to so many bytes per second, each way. 0 = unlimited. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond
    this.#flush()
  }

  /** Closes every open connection on both sides, as when a server process dies. New ones are accepted. */
  cut(): void {
    for (const pair of [...this.#pairs]) this.#end(pair, (socket) => void socket.destroy())
  }

  /** Resets (RST) every open connection, as when a host has rebooted. New ones are accepted. */
  reset(): void {
    for (const pair of [...this.#pairs]) this.#end(pair, (socket) => void socket.resetAndDestroy())
  }

  /**
   * Cuts a connection at the moment a certain message passes, instead of passing it: the client never sees the answer,
   * but the server has done the work (`from: 'server'`), or the server never sees the request (`from: 'client'`).
   *
   * @param options - `times`: disarmed after so many cuts, default 1
   */
  cutBefore(point: CutPoint, options: { readonly times?: number } = {}): CutWatch {
    const matches = point === 'commit-answer' ? isCommitAnswer : point
    const times = options.times ?? 1
    let count = 0
    let settle = (): void => {}
    const done = new Promise<void>((resolve) => { settle = resolve })
    const watch = (message: WireMessage): boolean => {
      if (!matches(message)) return false
      count += 1
      if (count >= times) this.#cuts.delete(watch)
      settle()
      return true
    }
    this.#cuts.add(watch)
    return { get count() { return count }, done, cancel: () => void this.#cuts.delete(watch) }
  }

  /** Nothing passes that way any more; sockets stay open. What is sent is kept and arrives after {@link FlakyProxy.restore}. */
  halfOpen(direction: Direction = 'to-client'): void { this.#held.add(direction) }

  /** Connections are accepted, open ones stay open, and nothing ever passes: a host that has vanished. */
  blackHole(): void { for (const direction of DIRECTIONS) this.#held.add(direction) }

  /** New connections are refused, as by a server that is not running. Open ones go on: add {@link FlakyProxy.cut} if they should not. */
  async refuse(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    // The callback would wait for open connections too; the listening socket itself is closed at once.
    listener?.close()
    await new Promise<void>((resolve) => { setImmediate(resolve) })
  }

  /** Ends refusing, holding, delay, throttle and armed cuts. What was held arrives now. */
  async restore(): Promise<void> {
    this.#cuts.clear()
    this.#held.clear()
    this.#bytesPerSecond = 0
    this.delay(0)
    if (this.#listener === undefined) await this.listen()
  }

  /** Ends everything. May be called again. */
  async close(): Promise<void> {
    await this.refuse()
    this.cut()
  }

  async [Symbol.asyncDispose](): Promise<void> { await this.close() }

  #accept(client: Socket): void {
    this.#accepted += 1
    const server = connect({ ...this.#target, allowHalfOpen: true })
    const wire = new WireReader()
    const pass = (messages: readonly WireMessage[]): boolean => {
      if (!messages.some((message) => [...this.#cuts].some((cut) => cut(message)))) return true
      this.#end(pair, (socket) => void socket.destroy())
      return false
    }
    const pair: Pair = { client, server, streams: [
      new ProxyStream(client, server, () => this.#conditions('to-server'), (chunk) => pass(wire.fromClient(chunk))),
      new ProxyStream(server, client, () => this.#conditions('to-client'), (chunk) => pass(wire.fromServer(chunk))),
    ] }
    this.#pairs.add(pair)
    client.setNoDelay(true)
    server.setNoDelay(true)
    for (const socket of [client, server]) {
      socket.on('error', () => { this.#broken(pair, socket) })
      socket.on('close', () => { if (client.destroyed && server.destroyed) this.#end(pair, () => {}) })
    }
  }

  /** One side has failed: the other hears of it, unless nothing passes that way. */
  #broken(pair: Pair, failed: Socket): void {
    const direction: Direction = failed === pair.server ? 'to-client' : 'to-server'
    if (this.#held.has(direction)) return
    this.#end(pair, (socket) => void socket.destroy())
  }

  #conditions(direction: Direction): StreamConditions {
    return { delayMs: this.#delayMs[direction], bytesPerSecond: this.#bytesPerSecond, held: this.#held.has(direction) }
  }

  #end(pair: Pair, how: (socket: Socket) => void): void {
    this.#pairs.delete(pair)
    for (const stream of pair.streams) stream.close()
    for (const socket of [pair.client, pair.server]) if (!socket.destroyed) how(socket)
  }

  #flush(): void {
    for (const pair of [...this.#pairs]) {
      for (const stream of pair.streams) stream.flush()
      // It broke while nothing passed: now the other side hears of it.
      const broken = pair.client.destroyed || pair.server.destroyed
      if (broken && this.#held.size === 0) this.#end(pair, (socket) => void socket.destroy())
    }
  }
}

/**
 * Starts a proxy in front of a server.
 *
 * @throws ConfigError for a target without host and port
 * @example
 * ```ts
 * await using proxy = await flakyProxy({ target: cluster.url })
 * const db = await Database.open(proxy.url)
 * proxy.cutBefore('commit-answer')
 * ```
 */
export async function flakyProxy(options: FlakyProxyOptions): Promise<FlakyProxy> {
  const proxy = new FlakyProxy(options)
  await proxy.listen()
  return proxy
}

function targetOf(target: FlakyProxyOptions['target']): { readonly host: string, readonly port: number } {
  if (typeof target !== 'string') return target
  const url = URL.canParse(target) ? new URL(target) : undefined
  if (url && url.hostname !== '' && url.port !== '') return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) }
  throw new ConfigError('flakyProxy: target must be a URL with host and port, or { host, port }', { option: 'target' })
}
