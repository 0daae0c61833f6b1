import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../../core/deadline.js'
import type { AdminTarget } from '../admin.js'
import { TestClusterError } from '../errors.js'
import { killTree, signalTree } from '../process-tree.js'
import { spawnServer, type Account, type ServerProcess } from '../process.js'
import type { RigServer, ServerState, StopMode, UrlUser } from '../rig.js'
import { adminQuery, withAdmin, type MysqlAdmin } from './admin.js'
import type { Flavour, Programs } from './flavour.js'
import type { Passwords } from './passwords.js'
import { nodeSettings, optionsOf, variableOf } from './settings.js'
import type { MysqlServer } from './steering.js'

/** A server's folder for temporary tables, inside its own. */
export const TEMPORARY = 'tmp'

const START_TIMEOUT_MS = 60_000
const STOP_PATIENCE_MS = 15_000
const POLL_MS = 25

/** What a {@link LocalMysqlServer} is made of. */
export interface LocalServerOptions {
  readonly name: string
  readonly number: number
  readonly port: number
  /** Holds the socket, the log and the data folder. */
  readonly folder: string
  readonly flavour: Flavour
  readonly programs: Programs
  readonly account: Account | undefined
  readonly passwords: Passwords
  /** Server options, without dashes. */
  readonly settings: Readonly<Record<string, string>>
}

/** A server whose processes we own. Configured by its command line alone: nothing of the machine's own files is read. */
export class LocalMysqlServer implements MysqlServer {
  readonly name: string
  readonly host = '127.0.0.1'
  readonly port: number
  readonly folder: string
  readonly dataFolder: string
  readonly #options: LocalServerOptions
  #process: ServerProcess | undefined
  #frozen = false
  #source: LocalMysqlServer | undefined
  #serverId: number
  /** {@link LocalMysqlServer.follow} was called while it could not be done. */
  #followLater = false

  constructor(options: LocalServerOptions) {
    this.#options = options
    this.#serverId = options.number
    this.name = options.name
    this.port = options.port
    this.folder = options.folder
    this.dataFolder = join(options.folder, 'data')
  }

  get state(): ServerState {
    if (!this.#process?.alive) return 'stopped'
    return this.#frozen ? 'frozen' : 'running'
  }

  admin(): AdminTarget { throw new TestClusterError(`${this.name} is not a PostgreSQL server`) }

  mysqlAdmin(): MysqlAdmin { return { socketPath: join(this.folder, 'socket') } }

  url(database: string, user: UrlUser): string {
    const { flavour, passwords } = this.#options
    const [name, password] = user === 'app' ? ['app', passwords.app] : ['root', passwords.superuser]
    return `${flavour.engine}://${name}:${password}@${this.host}:${this.port}/${database}`
  }

  /** Starts the server, as replica read-only, and waits until it takes connections. */
  async start(): Promise<void> {
    if (this.#process?.alive) return
    await killTree(undefined, this.dataFolder)
    for (const file of ['socket', 'socket.lock', 'pid']) await rm(join(this.folder, file), { force: true })
    const { programs, account } = this.#options
    this.#frozen = false
    const main = await spawnServer(programs.file, this.#arguments(), { account, env: programs.env, logFile: join(this.folder, 'log') })
    this.#process = main
    const expiresAt = performance.now() + START_TIMEOUT_MS
    while (!await this.#answers()) {
      if (!main.alive) throw new TestClusterError(`${this.name} did not start (${await main.exit()}): ${this.#lastWords()}`)
      if (performance.now() > expiresAt) throw new TestClusterError(`${this.name} takes no connections after 60 s: ${this.#lastWords()}`)
      await sleep(POLL_MS)
    }
    await this.#catchUp()
  }

  async stop(mode: StopMode): Promise<void> {
    const main = this.#process
    if (!main?.alive) return
    if (mode === 'fast') {
      if (this.#frozen) await this.thaw()
      main.signal('SIGTERM')
      await main.exit(STOP_PATIENCE_MS)
    }
    await this.kill()
  }

  async kill(): Promise<void> {
    await killTree(this.#process?.alive ? this.#process.pid : undefined, this.dataFolder)
    await this.#process?.exit()
    this.#frozen = false
  }

  async freeze(): Promise<void> {
    if (!this.#process?.alive) throw new TestClusterError(`${this.name} is stopped: there is nothing to freeze`)
    this.#frozen = true
    await signalTree(this.#process.pid, this.dataFolder, 'SIGSTOP')
  }

  async thaw(): Promise<void> {
    const frozen = this.#frozen
    if (this.#process?.alive) await signalTree(this.#process.pid, this.dataFolder, 'SIGCONT')
    this.#frozen = false
    if (frozen) await this.#catchUp()
  }

  /** Follows `primary` from now on; a frozen or stopped server when it is back. */
  async follow(primary: RigServer): Promise<void> {
    if (!(primary instanceof LocalMysqlServer)) throw new TestClusterError(`${primary.name} is not a server of this cluster`)
    this.#source = primary
    this.#followLater = true
    if (this.state === 'running') await this.#catchUp()
  }

  /**
   * It begins anew with an empty history. A replica passes over what bears its own server id, as something it must have
   * already: so it gets another one.
   */
  renew(serverId: number): void { this.#serverId = serverId }

  /** It is the primary from now on, also when it is started again. */
  lead(): void {
    this.#source = undefined
    this.#followLater = false
  }

  async #catchUp(): Promise<void> {
    if (!this.#followLater || !this.#source) return
    const { flavour, passwords } = this.#options
    const { host, port } = this.#source
    await withAdmin(this.mysqlAdmin(), async (query) => {
      await query(`set global ${variableOf(flavour.readOnly)} = 1`)
      await flavour.stopReplica(query).catch(() => {})
      await flavour.follow(query, { host, port, user: 'replication', password: passwords.replication })
    })
    this.#followLater = false
  }

  async #answers(): Promise<boolean> {
    if (!existsSync(join(this.folder, 'socket'))) return false
    return adminQuery(this.mysqlAdmin(), 'select 1').then(() => true, () => false)
  }

  #arguments(): string[] {
    const { programs, flavour, settings } = this.#options
    const own: Record<string, string> = {
      // a server that starts deletes what it takes for leftovers in there: its neighbours' tables
      'tmpdir': join(this.folder, TEMPORARY),
      'datadir': this.dataFolder, 'socket': join(this.folder, 'socket'), 'pid-file': join(this.folder, 'pid'), 'port': String(this.port),
      'bind-address': '127.0.0.1', 'report-port': String(this.port), ...nodeSettings(flavour, this.#serverId), ...settings,
    }
    const options = optionsOf(own)
    return [...programs.before, '--no-defaults', ...options, ...(this.#source ? [`--${flavour.readOnly}=ON`] : []), ...programs.after]
  }

  #lastWords(): string {
    const log = join(this.folder, 'log')
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-6).join('\n') : 'it wrote no log'
  }
}
