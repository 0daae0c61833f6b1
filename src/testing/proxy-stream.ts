import type { Socket } from 'node:net'

/** What makes a stream of bytes slow. Read anew for every piece, so that changes take effect at once. */
export interface StreamConditions {
  /** Added to every byte's way, in milliseconds. */
  readonly delayMs: number
  /** 0 = unlimited. */
  readonly bytesPerSecond: number
  /** Nothing passes; what arrives is kept, and passes once this is over. */
  readonly held: boolean
}

interface Piece {
  readonly bytes: Buffer
  readonly arrivedAt: number
}

/** Above this much waiting the sender is made to wait too, as a real network would. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024
/** A throttled stream passes pieces of this share of a second. */
const THROTTLE_SLICE_S = 0.05
const THROTTLE_MIN_BYTES = 256

/**
 * One direction of a proxied connection: takes bytes from `source`, gives them to `target` in order, later, slower, or
 * not at all. The end of `source` is passed on like a last byte.
 */
export class ProxyStream {
  readonly #source: Socket
  readonly #target: Socket
  readonly #conditions: () => StreamConditions
  readonly #queue: Piece[] = []
  #queuedBytes = 0
  #sourceEnded = false
  #freeAt = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** @param inspect - sees every chunk as it arrives; answers `false` when it must not pass (the connection is being cut) */
  constructor(source: Socket, target: Socket, conditions: () => StreamConditions, inspect: (chunk: Buffer) => boolean) {
    this.#source = source
    this.#target = target
    this.#conditions = conditions
    source.on('data', (chunk: Buffer) => {
      if (this.#closed || !inspect(chunk)) return
      this.#push(chunk)
    })
    source.on('end', () => {
      this.#sourceEnded = true
      this.flush()
    })
  }

  /** Passes on what may pass now; called again when conditions have changed. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (!this.#closed && !this.#conditions().held) {
      const next = this.#queue[0]
      if (next === undefined) {
        if (this.#sourceEnded) this.#target.end()
        return
      }
      const waitMs = this.#waitMs(next)
      if (waitMs > 0) {
        this.#timer = setTimeout(() => { this.flush() }, Math.ceil(waitMs))
        return
      }
      this.#pass(next)
    }
  }

  /** Ends all work; what is queued is lost. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#queue.length = 0
  }

  #push(chunk: Buffer): void {
    const arrivedAt = performance.now()
    const { bytesPerSecond } = this.#conditions()
    const size = bytesPerSecond > 0 ? Math.max(THROTTLE_MIN_BYTES, Math.floor(bytesPerSecond * THROTTLE_SLICE_S)) : chunk.length
    for (let at = 0; at < chunk.length; at += size) this.#queue.push({ bytes: chunk.subarray(at, at + size), arrivedAt })
    this.#queuedBytes += chunk.length
    if (this.#queuedBytes > HIGH_WATER_BYTES) this.#source.pause()
    if (this.#timer === undefined) this.flush()
  }

  #waitMs(piece: Piece): number {
    return Math.max(piece.arrivedAt + this.#conditions().delayMs, this.#freeAt) - performance.now()
  }

  #pass(piece: Piece): void {
    this.#queue.shift()
    this.#queuedBytes -= piece.bytes.length
    const { bytesPerSecond } = this.#conditions()
    if (bytesPerSecond > 0) this.#freeAt = Math.max(this.#freeAt, performance.now()) + piece.bytes.length / bytesPerSecond * 1_000
    else this.#freeAt = 0
    this.#target.write(piece.bytes)
    if (this.#queuedBytes <= HIGH_WATER_BYTES && this.#source.isPaused()) this.#source.resume()
  }
}
