import type { ContainerRuntimeClient, StartedTestContainer } from 'testcontainers'
import { sleep } from '../../core/deadline.js'
import { adminQuery, type AdminTarget } from '../admin.js'
import { TestClusterError } from '../errors.js'
import type { RigServer, ServerState, StopMode, UrlUser } from '../rig.js'
import type { Passwords } from './local-server.js'

const START_TIMEOUT_MS = 60_000
const POLL_MS = 50
/** Port of every server inside its container. */
const INNER_PORT = 5432

type Container = ReturnType<ContainerRuntimeClient['container']['getById']>

/** Where a replica in the same Docker network finds its primary. */
export function connectionInfo(primary: string, replica: string, password: string): string {
  return `host=${primary} port=${INNER_PORT} user=postgres password=${password} application_name=${replica}`
}

/** A server in a container. The container's first process is the server: what is done to one is done to its whole tree. */
export class DockerServer implements RigServer {
  readonly name: string
  readonly port: number
  readonly #passwords: Passwords
  #host = '127.0.0.1'
  #container: Container | undefined
  #state: ServerState = 'stopped'
  /** Whom to follow as soon as it can be told. */
  #follows: RigServer | undefined

  constructor(name: string, port: number, passwords: Passwords) {
    this.name = name
    this.port = port
    this.#passwords = passwords
  }

  get host(): string { return this.#host }
  get state(): ServerState { return this.#state }

  admin(database = 'postgres'): AdminTarget {
    return { host: this.host, port: this.port, user: 'postgres', password: this.#passwords.superuser, database }
  }

  url(database: string, user: UrlUser): string {
    const [role, password] = user === 'app' ? ['app', this.#passwords.app] : ['postgres', this.#passwords.superuser]
    return `postgres://${role}:${password}@${this.host}:${this.port}/${database}`
  }

  /** Takes a container that was just started, and waits for the server in it. */
  async adopt(container: Container, started: StartedTestContainer): Promise<void> {
    this.#container = container
    this.#host = started.getHost() === 'localhost' ? '127.0.0.1' : started.getHost()
    await this.#becomeReady()
  }

  async start(): Promise<void> {
    if (this.#state !== 'stopped') return
    await this.#own().start()
    await this.#becomeReady()
  }

  async stop(mode: StopMode): Promise<void> {
    if (this.#state === 'stopped') return
    if (this.#state === 'frozen') await this.#own().unpause()
    // The image's stop signal asks for a fast shutdown; SIGQUIT for an immediate one.
    if (mode === 'immediate') await this.#endBy('SIGQUIT')
    else await this.#own().stop({ t: 10 })
    this.#state = 'stopped'
  }

  async kill(): Promise<void> {
    if (this.#state === 'stopped') return
    if (this.#state === 'frozen') await this.#own().unpause()
    await this.#endBy('SIGKILL')
    this.#state = 'stopped'
  }

  async freeze(): Promise<void> {
    await this.#own().pause()
    this.#state = 'frozen'
  }

  async thaw(): Promise<void> {
    if (this.#state !== 'frozen') return
    await this.#own().unpause()
    this.#state = 'running'
    await this.#tellWhomToFollow()
  }

  async follow(primary: RigServer): Promise<void> {
    this.#follows = primary
    await this.#tellWhomToFollow()
  }

  /** Deletes the container with its data. */
  async remove(): Promise<void> {
    await this.#container?.remove({ force: true, v: true })
    this.#container = undefined
    this.#follows = undefined
    this.#state = 'stopped'
  }

  #own(): Container {
    if (!this.#container) throw new TestClusterError(`${this.name} has no container`)
    return this.#container
  }

  async #endBy(signal: 'SIGQUIT' | 'SIGKILL'): Promise<void> {
    const ended = this.#own().wait()
    await this.#own().kill({ signal })
    await ended
  }

  async #becomeReady(): Promise<void> {
    const expiresAt = performance.now() + START_TIMEOUT_MS
    for (;;) {
      try {
        await adminQuery(this.admin(), 'select')
        break
      } catch (cause) {
        if (performance.now() > expiresAt) throw new TestClusterError(`${this.name} takes no connections after 60 s`, { cause })
        await sleep(POLL_MS)
      }
    }
    this.#state = 'running'
    await this.#tellWhomToFollow()
  }

  async #tellWhomToFollow(): Promise<void> {
    const primary = this.#follows
    if (!primary || this.#state !== 'running') return
    this.#follows = undefined
    const info = connectionInfo(primary.name, this.name, this.#passwords.superuser)
    await adminQuery(this.admin(), `alter system set primary_conninfo = '${info}'`)
    await adminQuery(this.admin(), 'select pg_reload_conf()')
  }
}
