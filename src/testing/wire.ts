/** A message of the PostgreSQL protocol, as far as a proxy needs to understand it. */
export interface WireMessage {
  readonly from: 'client' | 'server'
  /** The type byte: `Q` simple query, `P` parse, `C` command complete, `D` data row, `E` error, … */
  readonly type: string
  /** Of `Q` and `P`: the SQL text. */
  readonly sql: string | undefined
  /** Of a server's `C`: the command tag, `COMMIT`, `INSERT 0 1`. */
  readonly tag: string | undefined
}

const HEADER_BYTES = 5
const LENGTH_BYTES = 4
/** Of longer bodies only the beginning is looked at. */
const KEPT_BODY_BYTES = 64 * 1024
const SSL_REQUEST = 80_877_103
const GSS_REQUEST = 80_877_104
const CANCEL_REQUEST = 80_877_102

interface Begun {
  readonly type: string
  readonly length: number
  readonly parts: Buffer[]
  seen: number
}

/**
 * Reads the messages out of both directions of one connection, from its first byte on. Bytes go in as they come; a
 * message comes out when its last byte has. After a switch to TLS everything is opaque and nothing comes out any more.
 *
 * Source: PostgreSQL documentation, 55.7 "Message Formats".
 */
export class WireReader {
  readonly #client = new Framer('client')
  readonly #server = new Framer('server')
  #awaitsOneByte = false
  #startup = true
  #opaque = false

  /** Bytes from the client, and the messages they complete. */
  fromClient(chunk: Buffer): readonly WireMessage[] {
    if (this.#opaque) return []
    let rest = chunk
    while (this.#startup && rest.length > 0) {
      const frame = this.#client.startup(rest)
      if (frame === undefined) return []
      rest = rest.subarray(frame.used)
      if (frame.code === SSL_REQUEST || frame.code === GSS_REQUEST) this.#awaitsOneByte = true
      else if (frame.code === CANCEL_REQUEST) this.#opaque = true
      else this.#startup = false
    }
    return this.#opaque ? [] : this.#client.messages(rest)
  }

  /** Bytes from the server, and the messages they complete. */
  fromServer(chunk: Buffer): readonly WireMessage[] {
    if (this.#opaque || chunk.length === 0) return []
    if (!this.#awaitsOneByte) return this.#server.messages(chunk)
    this.#awaitsOneByte = false
    const answer = String.fromCharCode(chunk[0] ?? 0)
    if (answer === 'S' || answer === 'G') this.#opaque = true
    // `N`: no encryption, the client goes on in plain text. `E` (very old servers) is the start of a message.
    return this.#opaque ? [] : this.#server.messages(answer === 'N' ? chunk.subarray(1) : chunk)
  }
}

/** Cuts one direction's bytes into messages. */
class Framer {
  readonly #from: 'client' | 'server'
  #pending: Buffer = Buffer.alloc(0)
  #partial: Begun | undefined

  constructor(from: 'client' | 'server') { this.#from = from }

  /** A packet of the start-up phase has no type byte. `undefined`: not complete yet. `used` counts bytes of `chunk`. */
  startup(chunk: Buffer): { readonly code: number, readonly used: number } | undefined {
    const before = this.#pending.length
    const bytes = Buffer.concat([this.#pending, chunk])
    const length = bytes.length >= 2 * LENGTH_BYTES ? bytes.readInt32BE(0) : Infinity
    if (bytes.length < length) {
      this.#pending = bytes
      return undefined
    }
    this.#pending = Buffer.alloc(0)
    return { code: bytes.readInt32BE(LENGTH_BYTES), used: length - before }
  }

  messages(chunk: Buffer): readonly WireMessage[] {
    const found: WireMessage[] = []
    let rest = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk
    this.#pending = Buffer.alloc(0)
    for (;;) {
      if (this.#partial === undefined) {
        if (rest.length < HEADER_BYTES) break
        this.#partial = { type: String.fromCharCode(rest[0] ?? 0), length: rest.readInt32BE(1) - LENGTH_BYTES, parts: [], seen: 0 }
        rest = rest.subarray(HEADER_BYTES)
      }
      rest = this.#take(this.#partial, rest)
      if (this.#partial.seen < this.#partial.length) return found
      found.push(this.#message(this.#partial))
      this.#partial = undefined
    }
    // A copy: the chunk's memory may be large and is not ours.
    this.#pending = Buffer.from(rest)
    return found
  }

  #take(partial: Begun, rest: Buffer): Buffer {
    const body = rest.subarray(0, partial.length - partial.seen)
    if (partial.seen < KEPT_BODY_BYTES) partial.parts.push(Buffer.from(body.subarray(0, KEPT_BODY_BYTES - partial.seen)))
    partial.seen += body.length
    return rest.subarray(body.length)
  }

  #message(partial: Begun): WireMessage {
    const { type } = partial
    const body = Buffer.concat(partial.parts)
    const text = (start: number): string => body.toString('utf8', start, zeroAt(body, start))
    const fromClient = this.#from === 'client'
    return {
      from: this.#from,
      type,
      sql: fromClient && type === 'Q' ? text(0) : fromClient && type === 'P' ? text(zeroAt(body, 0) + 1) : undefined,
      tag: !fromClient && type === 'C' ? text(0) : undefined,
    }
  }
}

function zeroAt(body: Buffer, start: number): number {
  const at = body.indexOf(0, start)
  return at === -1 ? body.length : at
}
