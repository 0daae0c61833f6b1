import { spawn } from 'node:child_process'
import { createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ConnectionError, Database, UnknownEngineError } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf } from './open.js'

const server = await freshDatabase()
const withPart = (change: (url: URL) => void): string => {
  const url = new URL(server.primaryUrl)
  change(url)
  return url.href
}

/** Sockets this process holds open now. */
const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length

async function refused(options: ConstructorParameters<typeof Database>[0], withinMs: number): Promise<unknown> {
  const before = sockets()
  const startedAt = performance.now()
  const error = await errorOf(Database.open(options))
  expect(performance.now() - startedAt).toBeLessThan(withinMs)
  await eventually(() => sockets() <= before, 1_000)
  return error
}

describe('opening is refused', () => {
  it('by a wrong password: at once, for good, without the password in the error', async () => {
    const error = await refused(withPart((url) => { url.username = 'nosuchrole'; url.password = 'open-sesame' }), 3_000)
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject({ code: 'SLUICE_AUTHENTICATION', permanent: true })
    expect(JSON.stringify(error) + String(error)).not.toContain('open-sesame')
  })

  it('by an unknown database: at once, for good', async () => {
    const error = await refused(withPart((url) => { url.pathname = '/nosuchdatabase' }), 3_000)
    expect(error).toMatchObject({ code: 'SLUICE_UNKNOWN_DATABASE', permanent: true })
  })

  it('by a server without TLS where TLS is wanted: at once, for good', async () => {
    const error = await refused(withPart((url) => { url.searchParams.set('sslmode', 'require') }), 3_000)
    expect(error).toMatchObject({ code: 'SLUICE_TLS', permanent: true })
  })

  it('by an unknown scheme: before anything is opened', () => {
    expect(() => new Database('orakel://db/shop')).toThrow(UnknownEngineError)
    expect(() => new Database('orakel://db/shop')).toThrow('postgres:')
  })

  it('by a port where nobody listens: within the wait for a connection', async () => {
    const error = await refused({ primary: 'postgres://app@127.0.0.1:1/app', pool: { acquireTimeoutMs: 800 } }, 3_000)
    expect(error).toMatchObject({ code: 'SLUICE_CONNECTION_REFUSED', transient: true, neverSent: true })
  })

  it('by a host whose name nobody knows', async () => {
    const error = await refused({ primary: 'postgres://app@nosuchhost.invalid/app', pool: { acquireTimeoutMs: 500 } }, 4_000)
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject({ code: expect.stringMatching(/SLUICE_(HOST_UNKNOWN|CONNECT_TIMEOUT)/) as unknown })
  })

  // once, in some hundred runs, a machine at its limits refused the loopback connection itself
  it('by a server that accepts and says nothing, also with connectTimeoutMs alone', { retry: 1 }, async () => {
    const accepted = new Set<Socket>()
    const silent = createServer((socket) => { accepted.add(socket.on('error', () => undefined)) })
    await new Promise<void>((resolve) => { silent.listen(0, '127.0.0.1', resolve) })
    const address = silent.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const primary = `postgres://app@127.0.0.1:${String(port)}/app`
    try {
      const error = await errorOf(Database.open({ primary, connectTimeoutMs: 200, pool: { acquireTimeoutMs: 400 } }))
      expect(String(error)).toMatch(/within \d+ ms/)
      expect(error, String(error)).toMatchObject({ code: 'SLUICE_CONNECT_TIMEOUT' })
      const startedAt = performance.now()
      const untimed = await errorOf(Database.open({ primary, connectTimeoutMs: 300, pool: { acquireTimeoutMs: 0 } }))
      expect(untimed).toBeInstanceOf(ConnectionError)
      expect(performance.now() - startedAt).toBeLessThan(3_000)
    } finally {
      for (const socket of accepted) socket.destroy()
      silent.close()
    }
  })

  it('and can be tried again on the same object', async () => {
    const db = new Database({ primary: withPart((url) => { url.port = '1' }), pool: { acquireTimeoutMs: 200 } })
    await expect(db.connect()).rejects.toBeInstanceOf(ConnectionError)
    await expect(db.connect()).rejects.toBeInstanceOf(ConnectionError)
    await db.close()
  })

  it('a replica that refuses is tolerated, told as a warning, and not used', async () => {
    const warnings: string[] = []
    const db = await Database.open({
      primary: server.primaryUrl, replicas: [withPart((url) => { url.pathname = '/nosuchdatabase'; url.hostname = 'localhost' })],
      observers: [{ node: ({ to, reason }) => { warnings.push(`${to}: ${reason}`) } }],
    })
    try {
      await expect(db.query('select 1')).resolves.toMatchObject({ route: 'fallback' })
      expect(warnings.join()).toContain('nosuchdatabase')
    } finally {
      await db.close()
    }
  })
})

describe('a process', () => {
  const run = (script: string): Promise<{ code: number | null, output: string }> => new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)), env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 15_000, killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.on('data', (text: Buffer) => { output += String(text) })
    child.stderr.on('data', (text: Buffer) => { output += String(text) })
    child.on('exit', (code) => { resolve({ code, output }) })
  })
  const opened = (options: object): string => `import { Database } from './dist/index.js'\nconst db = await Database.open(${JSON.stringify(options)})\n`

  it('ends by itself after close', async () => {
    const { code, output } = await run(`${opened({ primary: server.primaryUrl, replicas: server.replicaUrls })}
      await db.transaction((tx) => tx.query('select 1'))
      for await (const row of db.stream('select 1')) void row
      await db.query('select pg_sleep(5)', { timeoutMs: 50 }).catch((error) => console.log(error.code))
      await db.close()
      console.log('closed')`)
    expect(output).toContain('SLUICE_QUERY_TIMEOUT')
    expect(output).toContain('closed')
    expect(code).toBe(0)
  })

  it('ends by itself after an open that was refused', async () => {
    const { code, output } = await run(`import { Database } from './dist/index.js'
      await Database.open({ primary: 'postgres://app@127.0.0.1:1/app', pool: { acquireTimeoutMs: 1500 } }).catch((error) => console.log(error.code))`)
    expect(output).toContain('SLUICE_CONNECTION_REFUSED')
    expect(code).toBe(0)
  })

  it('is not ended by the death of its connections', async () => {
    const { code, output } = await run(`${opened({ primary: server.primaryUrl, pool: { min: 3, max: 3 } })}
      await db.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sluice' and datname = current_database() and state = 'idle'", { target: 'primary' })
      for (let turn = 0; turn < 20; turn++) await db.query('select 1')
      console.log(await db.value('select 41 + 1'))
      await db.close()`)
    expect(output).toContain('42')
    expect(output).not.toMatch(/uncaught|unhandled/i)
    expect(code).toBe(0)
  })
})
