import { TestClusterError } from './errors.js'
import type { ProviderName } from './options.js'
import type { Rig, RigServer, ServerState, Steering, StopMode } from './rig.js'

/** `former-primary`: another node was promoted; this one may be dead, frozen, or still taking writes. */
export type NodeRole = 'primary' | 'replica' | 'former-primary'

/** One server of a {@link Cluster}. Handles that its provider does not have throw a {@link TestClusterError} that says so. */
export class ClusterNode {
  /** @internal */
  readonly server: RigServer
  readonly #database: string
  readonly #provider: ProviderName
  readonly #steering: Steering
  #role: NodeRole
  #touched = false

  /** @internal Made by {@link Cluster}. */
  constructor(server: RigServer, { provider, database, steering }: Rig, role: NodeRole) {
    this.server = server
    this.#provider = provider
    this.#database = database
    this.#steering = steering
    this.#role = role
  }

  get name(): string { return this.server.name }
  get host(): string { return this.server.host }
  get port(): number { return this.server.port }
  get role(): NodeRole { return this.#role }
  get state(): ServerState { return this.server.state }
  /** For the role that owns the database. */
  get url(): string { return this.server.url(this.#database, 'app') }
  /** For the superuser. */
  get superuserUrl(): string { return this.server.url(this.#database, 'superuser') }

  /** The replica goes on receiving but replays nothing, until {@link ClusterNode.resumeReplay}. Settles when it has stopped. */
  async pauseReplay(): Promise<void> {
    this.#checkReplica('pauseReplay')
    this.#touched = true
    await this.#steering.pauseReplay(this.server)
  }

  async resumeReplay(): Promise<void> {
    this.#checkReplica('resumeReplay')
    await this.#steering.resumeReplay(this.server)
  }

  /** The replica replays each commit `ms` after it was made on the primary; 0 = at once. */
  async delayReplay(ms: number): Promise<void> {
    this.#checkReplica('delayReplay')
    if (!Number.isInteger(ms) || ms < 0) throw new TestClusterError(`delayReplay wants whole milliseconds from 0, got ${ms}`)
    this.#touched = true
    await this.#steering.setReplayDelay(this.server, ms)
  }

  /** Ends the server in order (`fast`, the default) or as in a crash (`immediate`). */
  async stop(mode: StopMode = 'fast'): Promise<void> { await this.server.stop(mode) }

  /** Starts a stopped or killed server on the same port and waits until it takes connections. */
  async start(): Promise<void> { await this.server.start() }

  /** SIGKILL to all of its processes at once. */
  async kill(): Promise<void> { await this.server.kill() }

  /** SIGSTOP to all of its processes: connections stay open, nothing answers. */
  async freeze(): Promise<void> { await this.server.freeze() }

  /** Undoes {@link ClusterNode.freeze}. */
  async thaw(): Promise<void> { await this.server.thaw() }

  /** @internal */
  become(role: NodeRole): void { this.#role = role }

  /** @internal Replay as it was, for servers that stay when the cluster goes. */
  async undo(): Promise<void> {
    if (!this.#touched || this.#role !== 'replica') return
    await this.#steering.setReplayDelay(this.server, 0)
    await this.#steering.resumeReplay(this.server)
  }

  #checkReplica(handle: string): void {
    if (this.#role === 'replica') return
    throw new TestClusterError(`${handle} is for replicas; ${this.name} (provider '${this.#provider}') is the ${this.#role}`)
  }
}
