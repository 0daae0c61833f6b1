import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll } from 'vitest'
import { freePort } from '../../src/testing/ports.js'
import { programOf } from './program.js'

const PROGRAM = { paths: ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'], variable: 'SLUICE_TEST_PGBOUNCER', debianPackage: 'pgbouncer' }
const START_MS = 15_000

/**
 * Starts a PgBouncer with `pool_mode = transaction` before a server; it ends with the test file.
 *
 * @returns the same URL through it
 */
export async function pgbouncer(url: string): Promise<string> {
  const program = programOf(PROGRAM)
  const dir = await mkdtemp(join(tmpdir(), 'sluice-pgbouncer-'))
  const port = await freePort()
  const { hostname, port: serverPort, username, password } = new URL(url)
  await writeFile(join(dir, 'users.txt'), `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`)
  await writeFile(join(dir, 'pgbouncer.ini'), `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${String(port)}
unix_socket_dir =
auth_type = plain
auth_file = ${join(dir, 'users.txt')}
pool_mode = transaction
default_pool_size = 12
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
logfile = ${join(dir, 'log')}
`)
  for (const path of [dir, join(dir, 'users.txt'), join(dir, 'pgbouncer.ini')]) await chmod(path, 0o777)
  // it refuses to run as root
  const account = process.getuid?.() === 0 ? ['--user', 'nobody'] : []
  const child = spawn(program, [...account, join(dir, 'pgbouncer.ini')], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => { child.once('exit', () => { resolve() }) })
  afterAll(async () => {
    child.kill('SIGKILL')
    await ended
    await rm(dir, { recursive: true, force: true })
  })
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String(port)
  await untilItAnswers(through.href)
  return through.href
}

async function untilItAnswers(url: string): Promise<void> {
  for (const expiresAt = performance.now() + START_MS; ;) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.end()
      return
    } catch (cause) {
      if (performance.now() > expiresAt) throw new Error(`pgbouncer did not answer within ${START_MS} ms`, { cause })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
