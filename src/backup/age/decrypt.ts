import { createDecipheriv } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'
import { BackupError } from '../errors.js'
import { HIGH_WATER } from '../streams.js'
import { CHUNK, chunkNonce, TAG } from './chunk.js'
import { derive, openHeader, parseHeader, VERSION_LINE, type ReadKeys } from './header.js'

const SEALED = CHUNK + TAG
const MAX_HEADER = 64 * 1024

/** Decrypts the age v1 format. Nothing that was not proven genuine comes out; a file cut short ends in an error. */
export class AgeDecrypt extends Transform {
  readonly #keys: ReadKeys
  readonly #held = Buffer.alloc(SEALED)
  #length = 0
  /** Beginning of the file, until the header and the nonce are complete. */
  #start: Buffer | undefined = Buffer.alloc(0)
  #key: Buffer | undefined
  #counter = 0

  constructor(keys: ReadKeys) {
    super({ highWaterMark: HIGH_WATER })
    this.#keys = keys
  }

  override _transform(data: Buffer, _: BufferEncoding, callback: TransformCallback): void {
    try {
      this.#take(this.#start ? this.#begin(data) : data)
      callback()
    } catch (error) {
      callback(error as Error)
    }
  }

  override _flush(callback: TransformCallback): void {
    try {
      if (this.#start) throw new BackupError('corrupt', 'the encrypted file ends inside its header')
      this.#emit(true)
      callback()
    } catch (error) {
      callback(error as Error)
    }
  }

  /** Collects the header; returns what follows it. */
  #begin(data: Buffer): Buffer {
    const start = Buffer.concat([this.#start ?? data, data])
    this.#start = start
    const known = start.subarray(0, VERSION_LINE.length).toString('latin1')
    if (!VERSION_LINE.startsWith(known)) throw new BackupError('corrupt', 'this is not a file of age version 1')
    const end = start.indexOf('\n--- ')
    const lineEnd = end === -1 ? -1 : start.indexOf('\n', end + 1)
    if (lineEnd === -1 || start.length < lineEnd + 17) {
      if (lineEnd === -1 && start.length > MAX_HEADER) throw new BackupError('corrupt', 'the encrypted file\'s header is damaged: it has no end')
      return Buffer.alloc(0)
    }
    const fileKey = openHeader(parseHeader(start.subarray(0, lineEnd).toString('latin1')), this.#keys)
    this.#key = derive(fileKey, start.subarray(lineEnd + 1, lineEnd + 17), 'payload')
    this.#start = undefined
    return start.subarray(lineEnd + 17)
  }

  #take(data: Buffer): void {
    let at = 0
    while (at < data.length) {
      if (this.#length === SEALED) this.#emit(false)
      const taken = data.copy(this.#held, this.#length, at, at + SEALED - this.#length)
      this.#length += taken
      at += taken
    }
  }

  #emit(last: boolean): void {
    const plain = this.#length - TAG
    // only the chunk of an empty file may be empty
    if (plain < 0 || (plain === 0 && this.#counter > 0)) throw new BackupError('corrupt', 'the encrypted file was cut short')
    const decipher = createDecipheriv('chacha20-poly1305', this.#key ?? '', chunkNonce(this.#counter, last), { authTagLength: TAG })
    decipher.setAuthTag(this.#held.subarray(plain, this.#length))
    const body = decipher.update(this.#held.subarray(0, plain))
    try {
      decipher.final()
    } catch (cause) {
      throw new BackupError('corrupt', `the encrypted file is damaged or was cut short (chunk ${String(this.#counter)})`, { cause })
    }
    this.push(body)
    this.#counter += 1
    this.#length = 0
  }
}
