import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectSettings, ConnectionTarget } from '../../src/core/driver.js'
import type { Binaries } from '../../src/testing/postgres/binaries.js'
import { serverAccount } from '../../src/testing/process.js'
import { ownPrograms } from './own-servers.js'
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
  readonly #programs: Binaries
  #process: ChildProcess | undefined

  constructor(folder: string, port: number, programs: Binaries) {
    this.folder = folder
    this.port = port
    this.#programs = programs
  }

  static async start(options: BareServerOptions = {}): Promise<BareServer> {
    const programs = await ownPrograms()
    const server = new BareServer(makeFolder(), await freePort(), programs)
    try {
      const args = ['-D', server.data, '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C']
      execFileSync(join(programs.folder, 'initdb'), args, { ...serverAccount(), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
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
    const standby = new BareServer(makeFolder(), await freePort(), this.#programs)
    await this.#end()
    cpSync(this.data, standby.data, { recursive: true })
    writeFileSync(join(standby.data, 'standby.signal'), '')
    rmSync(join(standby.data, 'postmaster.pid'), { force: true })
    const account = serverAccount()
    if (account) execFileSync('chown', ['-R', `${String(account.uid)}:${String(account.gid)}`, standby.data])
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
    giveAway(path)
  }

  #log = ''

  #reloads(): number {
    return this.#log.split('received SIGHUP').length
  }

  async #launch(): Promise<void> {
    const program = join(this.#programs.folder, 'postgres')
    const child = spawn(program, ['-D', this.data], { ...serverAccount(), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
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
  giveAway(folder)
  return folder
}

/** To the user that servers run as. */
function giveAway(path: string): void {
  const account = serverAccount()
  if (account) chownSync(path, account.uid, account.gid)
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
