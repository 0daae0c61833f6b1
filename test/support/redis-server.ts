import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/testing/ports.js'
import { programOf } from './program.js'

/** A Redis server of a test's own. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Ends it; {@link RedisServer.start} brings it back on the same port, empty. */
  stop(): Promise<void>
  start(): Promise<void>
  destroy(): Promise<void>
}

const START_MS = 10_000
const PROGRAM = { paths: ['/usr/bin/redis-server', '/usr/local/bin/redis-server'], variable: 'SLUICE_TEST_REDIS', debianPackage: 'redis-server' }

/** Starts a `redis-server` on a free port of this machine, with nothing on disk. */
export async function startRedis(): Promise<RedisServer> {
  const program = programOf(PROGRAM)
  const dir = await mkdtemp(join(tmpdir(), 'sluice-redis-'))
  const port = await freePort()
  let ended = Promise.resolve()
  let kill = (): void => undefined
  const start = async (): Promise<void> => {
    const child = spawn(program, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir], { stdio: 'ignore' })
    let failure: Error | undefined
    ended = new Promise((resolve) => {
      child.once('error', (error) => {
        failure = error
        resolve()
      })
      child.once('exit', () => { resolve() })
    })
    kill = () => { child.kill('SIGKILL') }
    const expiresAt = performance.now() + START_MS
    while (!await answers(port)) {
      if (failure) throw new Error(`${program} could not be started`, { cause: failure })
      if (performance.now() > expiresAt) throw new Error(`${program} did not answer within ${START_MS} ms`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const stop = async (): Promise<void> => {
    kill()
    await ended
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`, port, start, stop,
    async destroy() {
      await stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', (data) => { end(data.toString().includes('PONG')) })
    socket.once('error', () => { end(false) })
  })
}
