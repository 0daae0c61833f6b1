import { createServer } from 'node:net'
import { TestClusterError } from './errors.js'

// Below the range systems take outgoing ports from (32768 on Linux): a stopped server finds its port free again.
const LOWEST = 15_000
const HIGHEST = 31_999
const ATTEMPTS = 100
const given = new Set<number>()

/** A TCP port of 127.0.0.1 that is free now and was not given to anyone by this process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1))
    if (given.has(port) || !await isFree(port)) continue
    given.add(port)
    return port
  }
  throw new TestClusterError(`found no free TCP port from ${LOWEST} to ${HIGHEST} in ${ATTEMPTS} attempts`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => { resolve(false) })
    server.listen(port, '127.0.0.1', () => server.close(() => { resolve(true) }))
  })
}
