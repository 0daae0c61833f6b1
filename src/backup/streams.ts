import { createHash, type Hash } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'

/** Passes everything through and ends only when `done` resolves: a program's stdout also ends when it was killed. */
export class ExitGate extends Transform {
  readonly #done: Promise<void>
  constructor(done: Promise<void>) {
    super({ highWaterMark: HIGH_WATER })
    this.#done = done
  }

  override _transform(chunk: Buffer, _: BufferEncoding, callback: TransformCallback): void { callback(null, chunk) }

  override _flush(callback: TransformCallback): void {
    this.#done.then(() => { callback() }, (error: unknown) => { callback(error as Error) })
  }
}

/** Bytes a stage may hold; all stages together bound the memory of a job. */
export const HIGH_WATER = 1024 * 1024

/** Passes everything through, counts and hashes it. */
export class Digest extends Transform {
  readonly #hash: Hash = createHash('sha256')
  readonly #onBytes: ((total: number) => void) | undefined
  #bytes = 0
  #hex: string | undefined
  /** The last bytes that went through, for a look at how a text ended. */
  #tail: Buffer = Buffer.alloc(0)

  constructor(onBytes?: (total: number) => void) {
    super({ highWaterMark: HIGH_WATER })
    this.#onBytes = onBytes
  }

  get bytes(): number { return this.#bytes }
  /** Hexadecimal SHA-256 of everything; only when the stream has ended. */
  get sha256(): string { return this.#hex ?? '' }
  get tail(): string { return this.#tail.toString('latin1') }

  override _transform(chunk: Buffer, _: BufferEncoding, callback: TransformCallback): void {
    this.#hash.update(chunk)
    this.#bytes += chunk.length
    this.#tail = chunk.length >= TAIL ? chunk.subarray(-TAIL) : Buffer.concat([this.#tail, chunk]).subarray(-TAIL)
    this.#onBytes?.(this.#bytes)
    callback(null, chunk)
  }

  override _flush(callback: TransformCallback): void {
    this.#hex = this.#hash.digest('hex')
    callback()
  }
}

const TAIL = 512
