import { createServer, request as httpRequest, type Agent, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a client saw. */
export interface Seen {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface CallOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Default: a connection of its own. */
  readonly agent?: Agent
}

/** A listener on a free port of the loopback interface. */
export async function listen(listener: RequestListener): Promise<{ server: Server, port: number }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return { server, port: (server.address() as AddressInfo).port }
}

/** Sends one request; rejects when the connection is cut before the answer is complete. */
export function call(port: number, path: string, options: CallOptions = {}): Promise<Seen> {
  const { method = 'POST', headers = {}, agent = false } = options
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => { body += chunk })
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, headers: response.headers, body }) })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Sends a request and goes away as soon as `when` resolves. */
export async function callAndLeave(port: number, path: string, when: Promise<unknown>): Promise<void> {
  const sent = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', agent: false })
  sent.on('error', () => {})
  sent.end()
  await when
  sent.destroy()
}

export async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => { resolve() })
    server.closeAllConnections()
  })
}
