import { existsSync, readFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../../core/deadline.js'
import type { AdminTarget } from '../admin.js'
import { TestClusterError } from '../errors.js'
import { killTree, signalTree } from '../process-tree.js'
import { runProgram, spawnServer, type Account, type ServerProcess } from '../process.js'
import type { RigServer, ServerState, StopMode, UrlUser } from '../rig.js'
import { programIn } from '../program-in.js'
import type { Binaries } from './binaries.js'
import { nodeConfiguration, nodeConfigurationFile } from './configuration.js'
import { writeServerFile } from '../server-files.js'

const START_TIMEOUT_MS = 60_000
const POLL_MS = 10
/** A clean stop waits for frozen replicas to take the rest of the log; after this it is made to. */
const STOP_PATIENCE_MS: Readonly<Record<StopMode, number>> = { fast: 10_000, immediate: 5_000 }
// Line numbers of postmaster.pid, from 0 (PostgreSQL source, src/include/utils/pidfile.h).
const SHARED_MEMORY_LINE = 6
const STATUS_LINE = 7

/** The passwords of a cluster's two roles. */
export interface Passwords {
  readonly app: string
  readonly superuser: string
}

/** What a {@link LocalServer} is made of. */
export interface LocalServerOptions {
  readonly name: string
  readonly port: number
  /** Holds the socket, the log and the data folder. */
  readonly folder: string
  readonly binaries: Binaries
  readonly account: Account | undefined
  readonly passwords: Passwords
}

/** A server whose processes we own. */
export class LocalServer implements RigServer {
  readonly name: string
  readonly host = '127.0.0.1'
  readonly port: number
  readonly folder: string
  readonly dataFolder: string
  readonly #options: LocalServerOptions
  #process: ServerProcess | undefined
  #frozen = false

  constructor(options: LocalServerOptions) {
    this.#options = options
    this.name = options.name
    this.port = options.port
    this.folder = options.folder
    this.dataFolder = join(options.folder, 'data')
  }

  get state(): ServerState {
    if (!this.#process?.alive) return 'stopped'
    return this.#frozen ? 'frozen' : 'running'
  }

  admin(database = 'postgres'): AdminTarget {
    return { host: this.folder, port: this.port, user: 'postgres', database }
  }

  url(database: string, user: UrlUser): string {
    const [role, password] = user === 'app' ? ['app', this.#options.passwords.app] : ['postgres', this.#options.passwords.superuser]
    return `postgres://${role}:${password}@${this.host}:${this.port}/${database}`
  }

  /** Starts the server and waits until it takes connections: a replica when it has reached a consistent state. */
  async start(): Promise<void> {
    if (this.#process?.alive) return
    await this.#clearStaleLocks()
    const { binaries, account } = this.#options
    const logFile = join(this.folder, 'log')
    this.#frozen = false
    const main = await spawnServer(join(binaries.folder, 'postgres'), ['-D', this.dataFolder], { account, env: binaries.env, logFile })
    this.#process = main
    const expiresAt = performance.now() + START_TIMEOUT_MS
    while (this.#status(main.pid) !== 'ready') {
      if (!main.alive) throw new TestClusterError(`${this.name} did not start (${await main.exit()}): ${this.#lastWords()}`)
      if (performance.now() > expiresAt) throw new TestClusterError(`${this.name} takes no connections after 60 s: ${this.#lastWords()}`)
      await sleep(POLL_MS)
    }
  }

  async stop(mode: StopMode): Promise<void> {
    const main = this.#process
    if (!main?.alive) return
    if (this.#frozen) await this.thaw()
    main.signal(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await main.exit(STOP_PATIENCE_MS[mode])
    if (main.alive) main.signal('SIGQUIT')
    await main.exit(STOP_PATIENCE_MS.immediate)
    await this.kill()
  }

  /** SIGKILL to the whole tree: a main process alone would leave its children serving. */
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
    if (this.#process?.alive) await signalTree(this.#process.pid, this.dataFolder, 'SIGCONT')
    this.#frozen = false
  }

  /** Writes whom to stream from and has a running server read it; a frozen one will when it thaws. */
  async follow(primary: RigServer): Promise<void> {
    await this.configure(primary)
    this.#process?.signal('SIGHUP')
  }

  /** Writes this node's own settings. */
  async configure(primary: RigServer | undefined): Promise<void> {
    const streamFrom = primary instanceof LocalServer ? { folder: primary.folder, port: primary.port } : undefined
    const text = nodeConfiguration({ name: this.name, port: this.port, folder: this.folder, primary: streamFrom })
    await writeServerFile(join(this.dataFolder, nodeConfigurationFile), text, this.#options.account)
  }

  /** Runs one of the server's own programs as the server's user. */
  async run(program: string, args: readonly string[]): Promise<void> {
    const { binaries, account } = this.#options
    await runProgram(join(binaries.folder, program), args, { account, env: binaries.env })
  }

  has(program: string): boolean {
    return programIn(this.#options.binaries.folder, program) !== undefined
  }

  /** Ends the server without care for its data. */
  async destroy(): Promise<void> {
    await this.stop('immediate')
    await this.releaseSharedMemory()
  }

  /**
   * Returns the few bytes of System V shared memory that a killed server has left. Its next start would, but only in the
   * same data folder: call it before the folder goes.
   */
  async releaseSharedMemory(): Promise<void> {
    const segment = (await this.#pidFile()).at(SHARED_MEMORY_LINE)?.trim().split(/\s+/)[1]
    if (segment) await runProgram('ipcrm', ['-m', segment]).catch(() => {})
  }

  async #pidFile(): Promise<string[]> {
    return (await readFile(join(this.dataFolder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  }

  /** The server's own word in its pid file: `starting`, `standby` (not yet consistent), `ready`, `stopping`. */
  #status(pid: number): string {
    const file = join(this.dataFolder, 'postmaster.pid')
    const fields = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    return Number(fields[0]) === pid ? fields[STATUS_LINE]?.trim() ?? '' : ''
  }

  /**
   * After a kill the pid file and the socket's lock name a process that is gone, or a zombie, or by now somebody else.
   * They are ours to remove: nothing works in the data folder any more.
   */
  async #clearStaleLocks(): Promise<void> {
    await killTree(undefined, this.dataFolder)
    const socket = join(this.folder, `.s.PGSQL.${this.port}`)
    for (const file of [join(this.dataFolder, 'postmaster.pid'), socket, `${socket}.lock`]) await rm(file, { force: true })
  }

  #lastWords(): string {
    const log = join(this.folder, 'log')
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-6).join('\n') : 'it wrote no log'
  }
}
