import { createServer, connect, type Server, type Socket } from 'node:net'

/** What a proxy between driver and server does with the bytes. */
export interface WireProxyHooks {
  /** Sees a client's first bytes; an answer is sent instead of passing them on, and the connection is closed. */
  readonly onFirstBytes?: (bytes: Buffer) => Buffer | undefined
  /** Changes what the server sends. */
  readonly fromServer?: (bytes: Buffer) => Buffer
  /** Accept, and never answer anything. */
  readonly silent?: boolean
}

/** A TCP proxy that shows the driver what a real server cannot be made to show: a pooler's manners, silence, cut lines. */
export class WireProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  port = 0
  accepted = 0

  constructor(targetPort: number, hooks: WireProxyHooks = {}) {
    this.#server = createServer((client) => { this.#serve(client, targetPort, hooks) })
  }

  static async start(targetPort: number, hooks?: WireProxyHooks): Promise<WireProxy> {
    const proxy = new WireProxy(targetPort, hooks)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    const address = proxy.#server.address()
    proxy.port = typeof address === 'object' && address ? address.port : 0
    return proxy
  }

  /** Client connections open now. */
  get open(): number { return this.#sockets.size }

  /** Resets every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(client: Socket, targetPort: number, hooks: WireProxyHooks): void {
    this.accepted++
    this.#sockets.add(client)
    client.on('error', () => {}).on('close', () => this.#sockets.delete(client))
    if (hooks.silent) {
      client.resume()
      return
    }
    client.once('data', (first) => {
      const answer = hooks.onFirstBytes?.(first)
      if (answer) {
        client.end(answer)
        return
      }
      const server = connect(targetPort, '127.0.0.1')
      server.on('error', () => client.destroy()).on('close', () => client.destroy())
      client.on('close', () => server.destroy())
      server.write(first)
      client.pipe(server)
      server.on('data', (bytes) => client.write(hooks.fromServer?.(bytes) ?? bytes))
    })
  }
}

/** An ErrorResponse of severity FATAL. */
export function fatalError(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`)
  const header = Buffer.alloc(5)
  header.write('E')
  header.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([header, fields])
}

/** Gives sessions another backend pid in BackendKeyData, as a pooler does. */
export function withPoolerKeys(bytes: Buffer): Buffer {
  const at = bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]))
  if (at === -1) return bytes
  const changed = Buffer.from(bytes)
  changed.writeInt32BE(changed.readInt32BE(at + 5) + 1_000_000, at + 5)
  return changed
}
