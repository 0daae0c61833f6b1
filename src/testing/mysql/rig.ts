import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestClusterError } from '../errors.js'
import type { ProviderName, ResolvedClusterOptions } from '../options.js'
import { freePort } from '../ports.js'
import { installTls } from '../certificates.js'
import { give, makePrivateFolder } from '../server-files.js'
import { serverAccount, spawnWatchdog, type Watchdog } from '../process.js'
import type { Rig, RigServer, Steering } from '../rig.js'
import { withAdmin } from './admin.js'
import type { Flavour, Programs } from './flavour.js'
import { makePasswords } from './passwords.js'
import { LocalMysqlServer, TEMPORARY } from './server.js'
import { steeringOf } from './steering.js'
import { freshDataFolder } from './template.js'
import { makeClusterUsers } from './users.js'

/**
 * Servers from programs on this machine, all in one folder that is deleted with them. Every node keeps the whole history
 * in its binary log, so a replica needs no copy of its primary: an empty one that follows by GTID gets everything.
 */
export class MysqlRig implements Rig {
  readonly provider: ProviderName
  readonly database: string
  readonly owner = 'app'
  readonly steering: Steering
  readonly #flavour: Flavour
  readonly #programs: Programs
  readonly #options: ResolvedClusterOptions
  readonly #account = serverAccount()
  readonly #passwords = makePasswords()
  readonly #servers: LocalMysqlServer[] = []
  #folder = ''
  #ca: string | undefined
  #tls: Readonly<Record<string, string>> = {}
  #watchdog: Watchdog | undefined
  #made = 0
  #destroyed: Promise<void> | undefined

  constructor(provider: ProviderName, flavour: Flavour, programs: Programs, options: ResolvedClusterOptions) {
    this.provider = provider
    this.database = options.database
    this.#flavour = flavour
    this.#programs = programs
    this.#options = options
    const steering = steeringOf(flavour)
    this.steering = { ...steering, promote: async (server) => {
      await steering.promote(server)
      this.#own(server).lead()
    } }
  }

  get version(): string { return this.#programs.version }
  get ca(): string | undefined { return this.#ca }
  get servers(): readonly LocalMysqlServer[] { return this.#servers }

  /** Starts the primary, then all replicas. On failure nothing is left. */
  async start(): Promise<this> {
    try {
      await this.#makeFolder()
      this.#options.onProgress(`starting ${this.#flavour.title} ${this.#programs.version} from ${this.#programs.file}`)
      const primary = await this.#makeServer()
      const replicas: LocalMysqlServer[] = []
      for (let made = 0; made < this.#options.replicas; made += 1) replicas.push(await this.#makeServer())
      await primary.start()
      await this.#makeUsers(primary)
      await Promise.all(replicas.map((replica) => this.#attach(replica, primary)))
      return this
    } catch (error) {
      await this.destroy()
      throw error
    }
  }

  async addReplica(primary: RigServer): Promise<RigServer> {
    const added = await this.#makeServer()
    await this.#attach(added, this.#own(primary))
    return added
  }

  /**
   * A server that has nothing the primary lacks goes on from where it is; one with transactions of its own (errant ones,
   * which are told by their GTIDs) is made anew from the primary's history.
   */
  async rejoin(server: RigServer, primary: RigServer): Promise<void> {
    const [own, to] = [this.#own(server), this.#own(primary)]
    // A frozen one is not thawed first: in that moment it would take writes as a second primary.
    if (own.state === 'frozen') await own.kill()
    else await own.stop('fast')
    await own.follow(to)
    const errant = await this.#errantOf(own, to)
    if (errant === '') return
    this.#options.onProgress(`${own.name} has transactions that ${to.name} has not, they are lost: ${errant}`)
    await own.kill()
    await rm(own.dataFolder, { recursive: true, force: true })
    await freshDataFolder(own.dataFolder, this.#flavour, this.#programs, this.#account)
    own.renew(++this.#made)
    await this.#attach(own, to)
  }

  /** Starts it as a replica, which does no harm: a replica that has too much stops at the first transaction. */
  async #errantOf(own: LocalMysqlServer, primary: LocalMysqlServer): Promise<string> {
    await own.start()
    const theirs = await withAdmin(primary.mysqlAdmin(), (query) => this.#flavour.history(query))
    return withAdmin(own.mysqlAdmin(), async (query) => this.#flavour.missing(query, await this.#flavour.executed(query), theirs))
  }

  checkPromotion(): Promise<void> { return Promise.resolve() }

  destroy(): Promise<void> {
    this.#destroyed ??= this.#clearAway()
    return this.#destroyed
  }

  async #clearAway(): Promise<void> {
    if (this.#folder === '') return
    await Promise.all(this.#servers.map((server) => server.stop('immediate')))
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    this.#watchdog?.dismiss()
  }

  /** The watchdog is there before the first server is. */
  async #makeFolder(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
    await give(this.#folder, this.#account)
    this.#watchdog = await spawnWatchdog(this.#folder)
    const { tls } = this.#options
    if (!tls) return
    const { ca, settings } = await installTls(tls, this.#folder, this.#account)
    this.#ca = ca
    const { ssl_cert_file: cert = '', ssl_key_file: key = '', ssl_ca_file: authority = cert } = settings
    this.#tls = { 'ssl-cert': cert, 'ssl-key': key, 'ssl-ca': authority }
  }

  async #makeServer(): Promise<LocalMysqlServer> {
    const number = ++this.#made
    const name = `node${number}`
    const folder = join(this.#folder, name)
    await makePrivateFolder(folder, this.#account)
    await makePrivateFolder(join(folder, TEMPORARY), this.#account)
    const server = new LocalMysqlServer({
      name, number, folder, port: await freePort(), flavour: this.#flavour, programs: this.#programs, account: this.#account,
      passwords: this.#passwords, settings: { ...this.#tls, ...this.#options.settings },
    })
    await freshDataFolder(server.dataFolder, this.#flavour, this.#programs, this.#account)
    this.#servers.push(server)
    return server
  }

  async #attach(replica: LocalMysqlServer, primary: LocalMysqlServer): Promise<void> {
    await replica.follow(primary)
    await replica.start()
  }

  /** Replicas get them as they get everything: by the binary log. `root` without a password is let in by the socket only. */
  async #makeUsers(primary: LocalMysqlServer): Promise<void> {
    await withAdmin(primary.mysqlAdmin(), async (query) => {
      // others that were made with the data folder have no password and are let in by TCP
      const others = await query("select user as name, host as host from mysql.user where (user = 'root' or user = '') and host <> 'localhost'")
      for (const { name, host } of others) await query(`drop user if exists '${String(name)}'@'${String(host)}'`)
      await query(`create user root@'%' identified by '${this.#passwords.superuser}'`)
      await query("grant all on *.* to root@'%' with grant option")
      await makeClusterUsers(query, this.#passwords, this.database)
    })
  }

  #own(server: RigServer): LocalMysqlServer {
    const own = this.#servers.find((candidate) => candidate === server)
    if (!own) throw new TestClusterError(`${server.name} is not a server of this cluster`)
    return own
  }
}
