import type { ContainerRuntimeClient, StartedTestContainer } from 'testcontainers'
import { sleep } from '../../core/deadline.js'
import type { AdminTarget } from '../admin.js'
import { TestClusterError } from '../errors.js'
import type { RigServer, ServerState, StopMode, UrlUser } from '../rig.js'

const START_TIMEOUT_MS = 60_000
const POLL_MS = 50

type Container = ReturnType<ContainerRuntimeClient['container']['getById']>
/** How a container's first process can be ended at once. */
export type EndingSignal = 'SIGQUIT' | 'SIGKILL'

/** A server in a container. The container's first process is the server: what is done to one is done to its whole tree. */
export abstract class DockerServer implements RigServer {
  readonly name: string
  readonly port: number
  #host = '127.0.0.1'
  #container: Container | undefined
  #started: StartedTestContainer | undefined
  #state: ServerState = 'stopped'
  /** Whom to follow as soon as it can be told. */
  #follows: RigServer | undefined

  constructor(name: string, port: number) {
    this.name = name
    this.port = port
  }

  get host(): string { return this.#host }
  get state(): ServerState { return this.#state }

  abstract admin(database?: string): AdminTarget
  abstract url(database: string, user: UrlUser): string
  /** The signal that ends the server as in a crash, with recovery at its next start. */
  protected abstract readonly immediate: EndingSignal
  /** Rejects while the server takes no connections. */
  protected abstract probe(): Promise<void>
  /** Tells the server, which is up, to follow a primary in the same Docker network. */
  protected abstract tellToFollow(primary: RigServer): Promise<void>
  /** What has to be so before the server in the stopped container is started again. */
  protected prepareStart(_container: StartedTestContainer): Promise<void> { return Promise.resolve() }

  /** Takes a container that was just started, and waits for the server in it. */
  async adopt(container: Container, started: StartedTestContainer): Promise<void> {
    this.#container = container
    this.#started = started
    this.#host = started.getHost() === 'localhost' ? '127.0.0.1' : started.getHost()
    await this.#becomeReady()
  }

  async start(): Promise<void> {
    if (this.#state !== 'stopped') return
    const own = this.#own()
    if (this.#started) await this.prepareStart(this.#started)
    await own.start()
    await this.#becomeReady()
  }

  async stop(mode: StopMode): Promise<void> {
    if (this.#state === 'stopped') return
    if (this.#state === 'frozen') await this.#own().unpause()
    // The image's stop signal asks for a fast shutdown.
    if (mode === 'immediate') await this.#endBy(this.immediate)
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
    this.#started = undefined
    this.#follows = undefined
    this.#state = 'stopped'
  }

  #own(): Container {
    if (!this.#container) throw new TestClusterError(`${this.name} has no container`)
    return this.#container
  }

  async #endBy(signal: EndingSignal): Promise<void> {
    const ended = this.#own().wait()
    await this.#own().kill({ signal })
    await ended
  }

  async #becomeReady(): Promise<void> {
    const expiresAt = performance.now() + START_TIMEOUT_MS
    for (;;) {
      try {
        await this.probe()
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
    await this.tellToFollow(primary)
  }
}
