import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'

const PATIENCE_MS = 800
/** Docker's port for plain HTTP, when DOCKER_HOST names none. */
const DEFAULT_PORT = 2375

function socketFiles(): string[] {
  const runtime = process.env['XDG_RUNTIME_DIR']
  return ['/var/run/docker.sock', join(homedir(), '.docker', 'run', 'docker.sock'), ...runtime ? [join(runtime, 'docker.sock')] : []]
}

/** A daemon behind a socket file says `OK`; one that only listens may be dead or starting. */
function answersPing(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/_ping', timeout: PATIENCE_MS }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.once('timeout', () => asked.destroy(new Error('no answer')))
    asked.once('error', () => { resolve(false) })
    asked.end()
  })
}

function acceptsTcp(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PATIENCE_MS })
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => { settle(true) })
    socket.once('timeout', () => { settle(false) })
    socket.once('error', () => { settle(false) })
  })
}

/** Why no Docker daemon can be used; `undefined` when one answers. Takes less than a second. */
export async function whyNoDocker(): Promise<string | undefined> {
  const address = process.env['DOCKER_HOST']
  if (address !== undefined && address !== '') {
    const url = URL.canParse(address) ? new URL(address) : undefined
    const answers = url?.protocol === 'unix:' ? answersPing(url.pathname) : url ? acceptsTcp(url.hostname, Number(url.port) || DEFAULT_PORT) : false
    return await answers ? undefined : 'no daemon answers at DOCKER_HOST'
  }
  const sockets = socketFiles().filter((file) => existsSync(file))
  if (sockets.length === 0) return 'no Docker socket and no DOCKER_HOST'
  const answers = await Promise.all(sockets.map(answersPing))
  return answers.includes(true) ? undefined : `no daemon answers at ${sockets.join(', ')}`
}
