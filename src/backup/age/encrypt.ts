import { createCipheriv, randomBytes } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'
import { HIGH_WATER } from '../streams.js'
import { CHUNK, chunkNonce } from './chunk.js'
import { derive, FILE_KEY_BYTES, writeHeader, type WriteKeys } from './header.js'

/** Encrypts to the age v1 format; what comes out is read by `age -d`. */
export class AgeEncrypt extends Transform {
  readonly #keys: WriteKeys
  readonly #held = Buffer.alloc(CHUNK)
  #length = 0
  #key: Buffer | undefined
  #counter = 0

  constructor(keys: WriteKeys) {
    super({ highWaterMark: HIGH_WATER })
    this.#keys = keys
  }

  override _construct(callback: (error?: Error | null) => void): void {
    try {
      const fileKey = randomBytes(FILE_KEY_BYTES)
      const nonce = randomBytes(16)
      this.#key = derive(fileKey, nonce, 'payload')
      this.push(Buffer.concat([writeHeader(this.#keys, fileKey), nonce]))
      callback()
    } catch (error) {
      callback(error as Error)
    }
  }

  override _transform(data: Buffer, _: BufferEncoding, callback: TransformCallback): void {
    let at = 0
    while (at < data.length) {
      // a full chunk goes out when more follows: the last one is marked as such
      if (this.#length === CHUNK) this.#emit(false)
      const taken = data.copy(this.#held, this.#length, at, at + CHUNK - this.#length)
      this.#length += taken
      at += taken
    }
    callback()
  }

  override _flush(callback: TransformCallback): void {
    this.#emit(true)
    callback()
  }

  #emit(last: boolean): void {
    const cipher = createCipheriv('chacha20-poly1305', this.#key ?? '', chunkNonce(this.#counter++, last), { authTagLength: 16 })
    const body = cipher.update(this.#held.subarray(0, this.#length))
    cipher.final()
    this.push(body)
    this.push(cipher.getAuthTag())
    this.#length = 0
  }
}
