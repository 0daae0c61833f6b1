import { Socket, type TcpNetConnectOpts, type IpcNetConnectOpts } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

/** Which session to cancel, and the way there. */
export interface CancelTarget {
  /** The very address the session uses: a DNS name could lead to another server. */
  readonly address: TcpNetConnectOpts | IpcNetConnectOpts
  /** TLS options of the session, `false` when it is plain. */
  readonly tls: ConnectionOptions | false
  /** TLS begins at once, as with `sslnegotiation=direct`. */
  readonly direct: boolean
  readonly processId: number
  readonly secretKey: number
}

/** `SSLRequest` and `CancelRequest` (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const CANCEL_CODE = 80_877_102

/**
 * Sends a CancelRequest on a connection of its own: TLS where the session has TLS, so that the secret key does not
 * travel in the clear. Resolves when the server has closed the connection, which it does after passing the request on.
 * The socket is gone when the promise settles.
 */
export function sendCancel(target: CancelTarget, timeoutMs: number): Promise<void> {
  const socket = new Socket()
  return new Promise<void>((resolve, reject) => {
    let sent = false
    const timer = setTimeout(() => { fail(timedOut(timeoutMs)) }, timeoutMs)
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      socket.destroy()
      settle()
    }
    const fail = (error: Error): void => { end(() => { reject(error) }) }
    const onClose = (): void => {
      if (sent) end(resolve)
      else fail(Object.assign(new Error('the connection closed before the cancel request was sent'), { code: 'ECONNRESET' }))
    }
    // After the request is out, a reset is only the server's way to close.
    const onError = (error: Error): void => { if (sent) end(resolve); else fail(error) }
    const send = (stream: Socket): void => { stream.write(cancelRequest(target), () => { sent = true }) }
    socket.on('error', onError).on('close', onClose)
    socket.connect(target.address, () => {
      const { tls, direct } = target
      if (tls === false) {
        socket.resume()
        send(socket)
        return
      }
      const secure = (): void => {
        const stream = connectTls({ ...tls, ...(direct ? { ALPNProtocols: ['postgresql'] } : {}), socket }, () => { send(stream) })
        stream.on('error', onError).resume()
      }
      if (direct) secure()
      else askForTls(socket, secure, fail)
    })
  })
}

function askForTls(socket: Socket, secure: () => void, fail: (error: Error) => void): void {
  socket.once('data', (answer: Buffer) => {
    if (answer.length === 1 && answer[0] === 0x53 /* S */) secure()
    else fail(new Error('The server does not support SSL connections'))
  })
  socket.write(SSL_REQUEST)
}

function cancelRequest(target: CancelTarget): Buffer {
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(CANCEL_CODE, 4)
  message.writeInt32BE(target.processId, 8)
  message.writeInt32BE(target.secretKey, 12)
  return message
}

function timedOut(timeoutMs: number): Error {
  return Object.assign(new Error(`the cancel request was not taken within ${String(timeoutMs)} ms`), { code: 'ETIMEDOUT' })
}
