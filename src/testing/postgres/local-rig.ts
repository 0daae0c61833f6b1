import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withAdmin } from '../admin.js'
import { TestClusterError } from '../errors.js'
import type { ProviderName, ResolvedClusterOptions } from '../options.js'
import { freePort } from '../ports.js'
import { serverAccount, spawnWatchdog, type Account, type Watchdog } from '../process.js'
import type { Rig, RigServer } from '../rig.js'
import type { Binaries } from './binaries.js'
import { installTls } from '../certificates.js'
import { accessRules, clusterConfiguration } from './configuration.js'
import { give, makePrivateFolder, writeServerFile } from '../server-files.js'
import { LocalServer, type Passwords } from './local-server.js'
import { copyFromPrimary, returnAsReplica } from './replication.js'
import { freshDataFolder } from './template.js'
import { postgresSteering } from './steering.js'

/** Servers from binaries on this machine, all in one folder that is deleted with them. */
export class LocalRig implements Rig {
  readonly provider: ProviderName
  readonly database: string
  readonly owner = 'app'
  readonly steering = postgresSteering
  readonly #binaries: Binaries
  readonly #options: ResolvedClusterOptions
  readonly #account = serverAccount()
  readonly #passwords: Passwords = { app: randomBytes(12).toString('hex'), superuser: randomBytes(12).toString('hex') }
  readonly #servers: LocalServer[] = []
  #folder = ''
  #version = ''
  #ca: string | undefined
  #watchdog: Watchdog | undefined
  #made = 0
  #destroyed: Promise<void> | undefined

  constructor(provider: ProviderName, binaries: Binaries, options: ResolvedClusterOptions) {
    this.provider = provider
    this.database = options.database
    this.#binaries = binaries
    this.#options = options
  }

  get version(): string { return this.#version }
  get ca(): string | undefined { return this.#ca }
  get servers(): readonly LocalServer[] { return this.#servers }

  /** Starts the primary, then all replicas from one base backup. On failure nothing is left. */
  async start(): Promise<this> {
    try {
      await this.#makeFolder()
      const primary = await this.#startPrimary()
      await this.#startReplicas(primary, this.#options.replicas)
      return this
    } catch (error) {
      await this.destroy()
      throw error
    }
  }

  async addReplica(primary: RigServer): Promise<RigServer> {
    const [added] = await this.#startReplicas(this.#own(primary), 1)
    if (!added) throw new TestClusterError('no replica was made')
    return added
  }

  async rejoin(server: RigServer, primary: RigServer): Promise<void> {
    const own = this.#own(server)
    // A frozen one is not thawed first: in that moment it would take writes as a second primary.
    if (own.state === 'frozen') await own.kill()
    else await own.stop('fast')
    await own.releaseSharedMemory()
    const how = await returnAsReplica(own, this.#own(primary), this.#binaries.major, this.#account)
    this.#options.onProgress(`${own.name} comes back as a replica (${how})`)
    await own.start()
  }

  checkPromotion(): Promise<void> { return Promise.resolve() }

  destroy(): Promise<void> {
    this.#destroyed ??= this.#clearAway()
    return this.#destroyed
  }

  async #clearAway(): Promise<void> {
    if (this.#folder === '') return
    await Promise.all(this.#servers.map((server) => server.destroy()))
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    this.#watchdog?.dismiss()
  }

  /** The watchdog is there before the first server is. */
  async #makeFolder(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
    await give(this.#folder, this.#account)
    this.#watchdog = await spawnWatchdog(this.#folder)
  }

  async #makeServer(): Promise<LocalServer> {
    this.#made += 1
    const name = `node${this.#made}`
    const folder = join(this.#folder, name)
    await makePrivateFolder(folder, this.#account)
    const server = new LocalServer({
      name, folder, port: await freePort(), binaries: this.#binaries, account: this.#account, passwords: this.#passwords,
    })
    this.#servers.push(server)
    return server
  }

  async #startPrimary(): Promise<LocalServer> {
    const account: Account | undefined = this.#account
    const primary = await this.#makeServer()
    this.#options.onProgress(`starting PostgreSQL ${this.#binaries.major} from ${this.#binaries.folder}`)
    await freshDataFolder(primary.dataFolder, this.#binaries, account)
    const { tls } = this.#options
    const installed = tls && await installTls(tls, this.#folder, account)
    this.#ca = installed?.ca
    const settings = { ...installed?.settings, ...this.#options.settings }
    await writeServerFile(join(primary.dataFolder, 'postgresql.conf'), clusterConfiguration(settings), account)
    await writeServerFile(join(primary.dataFolder, 'pg_hba.conf'), accessRules(this.#options.hba), account)
    await primary.configure(undefined)
    await primary.start()
    await this.#makeRoles(primary)
    return primary
  }

  async #makeRoles(primary: LocalServer): Promise<void> {
    await withAdmin(primary.admin(), async (query) => {
      await query(`alter role postgres password '${this.#passwords.superuser}'`)
      await query(`create role app login password '${this.#passwords.app}'`)
      await query(`create database "${this.database}" owner app`)
      const [row] = await query('show server_version')
      this.#version = String(row?.['server_version']).split(' ')[0] ?? ''
    })
  }

  async #startReplicas(primary: LocalServer, count: number): Promise<readonly LocalServer[]> {
    if (count === 0) return []
    this.#options.onProgress(`adding ${count} replica${count === 1 ? '' : 's'}`)
    const replicas: LocalServer[] = []
    for (let made = 0; made < count; made += 1) replicas.push(await this.#makeServer())
    await copyFromPrimary(primary, replicas, this.#binaries.major, this.#account)
    await Promise.all(replicas.map((replica) => replica.start()))
    return replicas
  }

  #own(server: RigServer): LocalServer {
    const own = this.#servers.find((candidate) => candidate === server)
    if (!own) throw new TestClusterError(`${server.name} is not a server of this cluster`)
    return own
  }
}
