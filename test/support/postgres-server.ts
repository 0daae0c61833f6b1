import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectSettings, ConnectionTarget } from '../../src/core/driver.js'
import type { Certificate } from './tls.js'

/** What a bare server is started with. */
export interface BareServerOptions {
  readonly settings?: Readonly<Record<string, string>>
  readonly hba?: readonly string[]
}

const ANYBODY = ['local all all trust', 'host all all 127.0.0.1/32 trust']

/**
 * One PostgreSQL server whose certificate, access rules and settings a test may change while it runs. For the driver's
 * own tests, which look below what a test cluster offers; everything else uses `startCluster`.
 */
export class BareServer {
  readonly folder: string
  readonly port: number
  #process: ChildProcess | undefined

  constructor(folder: string, port: number) {
    this.folder = folder
    this.port = port
  }

  static async start(options: BareServerOptions = {}): Promise<BareServer> {
    const server = new BareServer(makeFolder(), await freePort())
    try {
      run('initdb', ['-D', server.data, '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C'])
      server.#configure(options.settings ?? {})
      server.writeHba(options.hba ?? [])
      await server.#launch()
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  get data(): string { return join(this.folder, 'data') }

  /** A hot standby made from a copy of this server; it has no stream to follow. This server is stopped for the copy. */
  async makeStandby(): Promise<BareServer> {
    const standby = new BareServer(makeFolder(), await freePort())
    await this.#end()
    cpSync(this.data, standby.data, { recursive: true })
    writeFileSync(join(standby.data, 'standby.signal'), '')
    rmSync(join(standby.data, 'postmaster.pid'), { force: true })
    execFileSync('chown', ['-R', ownerName(), standby.data])
    standby.#configure({})
    await this.#launch()
    await standby.#launch()
    return standby
  }

  /** Serves this certificate to new connections from now on. */
  async useCertificate(certificate: Certificate, clientAuthority?: string): Promise<void> {
    this.#writeOwned('server.crt', certificate.cert)
    this.#writeOwned('server.key', certificate.key)
    if (clientAuthority !== undefined) this.#writeOwned('clients.crt', clientAuthority)
    await this.reload({ ssl: 'on', ...(clientAuthority === undefined ? {} : { ssl_ca_file: 'clients.crt' }) })
  }

  /** Puts these lines before "anybody may come" in pg_hba.conf; `only` = instead of it. */
  writeHba(lines: readonly string[], only = false): void {
    this.#writeOwned('pg_hba.conf', [...lines, ...(only ? [] : ANYBODY)].join('\n') + '\n')
  }

  /** Applies changed files and settings and waits until the server has taken them. */
  async reload(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const before = this.#reloads()
    this.#configure(settings)
    this.#process?.kill('SIGHUP')
    await until(() => this.#reloads() > before, 'the server to reload')
    // The postmaster logs before it has read the files; a session that starts after the next tick sees the new state.
    await new Promise((resolve) => setTimeout(resolve, 50))
  }

  async stop(): Promise<void> {
    await this.#end()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Settings of a connection to this server. */
  connectSettings(target: Partial<ConnectionTarget> = {}, settings: Partial<ConnectSettings> = {}): ConnectSettings {
    return {
      target: {
        scheme: 'postgres', hosts: [{ host: '127.0.0.1', port: this.port }], targetSessionAttrs: 'any',
        user: 'postgres', database: 'postgres', tls: { mode: 'disable' }, parameters: {}, driverOptions: {}, ...target,
      },
      readOnly: false, connectTimeoutMs: 5_000, statementTimeoutMs: 30_000, maxPreparedStatements: 20, ...settings,
    }
  }

  #configure(settings: Readonly<Record<string, string>>): void {
    const fixed = { port: String(this.port), listen_addresses: '127.0.0.1', unix_socket_directories: this.folder, fsync: 'off' }
    const path = join(this.data, 'postgresql.auto.conf')
    const lines = Object.entries({ ...fixed, ...settings }).map(([name, value]) => `${name} = '${value}'\n`)
    writeFileSync(path, readFileSync(path, 'utf8') + lines.join(''))
  }

  #writeOwned(name: string, text: string): void {
    const path = join(this.data, name)
    rmSync(path, { force: true })
    writeFileSync(path, text, { mode: 0o600 })
    const { uid, gid } = identity()
    if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
  }

  #log = ''

  #reloads(): number {
    return this.#log.split('received SIGHUP').length
  }

  async #launch(): Promise<void> {
    const child = spawn(binary('postgres'), ['-D', this.data], { ...identity(), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    const stopAtExit = (): void => { child.kill('SIGQUIT') }
    process.once('exit', stopAtExit)
    child.once('exit', () => process.off('exit', stopAtExit))
    child.stderr.setEncoding('utf8').on('data', (text: string) => { this.#log += text })
    await until(() => {
      if (child.exitCode !== null) throw new Error(`postgres ended at once: ${this.#log}`)
      const file = join(this.data, 'postmaster.pid')
      return existsSync(file) && readFileSync(file, 'utf8').split('\n')[7]?.trim() === 'ready'
    }, 'the server to start')
  }

  async #end(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child?.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGINT')
    await ended
  }
}

/** Waits for a condition, ten seconds at most. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`waited 10 s for ${what}`)
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-server-'))
  const { uid, gid } = identity()
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  return folder
}

/** PostgreSQL refuses to run as root: as root, the tests run it as the system's `postgres` user. */
function identity(): Pick<SpawnOptions, 'uid' | 'gid'> {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function ownerName(): string {
  return process.getuid?.() === 0 ? 'postgres' : String(process.getuid?.())
}

function run(name: string, args: readonly string[]): void {
  execFileSync(binary(name), args, { ...identity(), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
}

/** `SLUICE_TEST_POSTGRES_BIN` names a folder; else the highest version installed. */
function binary(name: string): string {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  const given = process.env['SLUICE_TEST_POSTGRES_BIN']
  const folders = given ? [given] : versions.map((version) => join(root, version, 'bin'))
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`these tests need a PostgreSQL server: no ${given ?? `${root}/<version>/bin`}/${name} found`)
  return found
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => { resolve(typeof address === 'object' && address ? address.port : 0) })
    })
  })
}
