import type { GenericContainer, StartedNetwork } from 'testcontainers'
import { TestClusterError } from '../errors.js'
import type { ResolvedClusterOptions } from '../options.js'
import { freePort } from '../ports.js'
import type { Rig, RigServer, Steering } from '../rig.js'
import type { DockerServer } from './server.js'

/** The npm package, which is there only where its user installed it. */
export type Testcontainers = typeof import('testcontainers')

/** Servers in containers of one Docker network, where each is found by its name. */
export abstract class DockerRig<Server extends DockerServer> implements Rig {
  readonly provider = 'docker'
  readonly owner = 'app'
  abstract readonly steering: Steering
  protected readonly library: Testcontainers
  protected readonly options: ResolvedClusterOptions
  readonly #image: string
  readonly #servers: Server[] = []
  #network: StartedNetwork | undefined
  #version = ''
  #destroyed: Promise<void> | undefined

  constructor(library: Testcontainers, options: ResolvedClusterOptions, defaultImage: string) {
    this.library = library
    this.options = options
    this.#image = options.image ?? defaultImage
  }

  /** Nobody trusts a server by it, unless the engine's containers serve TLS. */
  get ca(): string | undefined { return undefined }
  get version(): string { return this.#version }
  get database(): string { return this.options.database }
  get servers(): readonly Server[] { return this.#servers }

  protected abstract makeServer(name: string, port: number): Server
  /** Starts it with all that a cluster's primary has, and says its version. */
  protected abstract startPrimary(server: Server): Promise<string>
  protected abstract startReplica(server: Server, primary: RigServer): Promise<void>
  abstract rejoin(server: RigServer, primary: RigServer): Promise<void>

  /** Starts the primary, then all replicas. On failure nothing is left. */
  async start(): Promise<this> {
    try {
      this.options.onProgress(`starting ${this.#image} in Docker`)
      this.#network = await new this.library.Network().start()
      const primary = await this.#reserve()
      this.#version = await this.startPrimary(primary)
      await Promise.all(Array.from({ length: this.options.replicas }, () => this.addReplica(primary)))
      return this
    } catch (error) {
      await this.destroy()
      throw error
    }
  }

  async addReplica(primary: RigServer): Promise<RigServer> {
    const server = await this.#reserve()
    await this.startReplica(server, primary)
    return server
  }

  checkPromotion(): Promise<void> { return Promise.resolve() }

  destroy(): Promise<void> {
    this.#destroyed ??= this.#clearAway()
    return this.#destroyed
  }

  protected own(server: RigServer): Server {
    const own = this.#servers.find((candidate) => candidate === server)
    if (!own) throw new TestClusterError(`${server.name} is not a server of this cluster`)
    return own
  }

  /** A container for a server, at an address that stays the same. */
  protected container(server: Server, innerPort: number): GenericContainer {
    if (!this.#network) throw new TestClusterError('the Docker network is not there')
    return new this.library.GenericContainer(this.#image)
      .withNetwork(this.#network)
      .withNetworkAliases(server.name)
      // A fixed port: Docker gives another one at every start otherwise.
      .withExposedPorts({ container: innerPort, host: server.port })
      .withStartupTimeout(120_000)
  }

  protected async run(server: Server, container: GenericContainer): Promise<void> {
    const started = await container.start()
    const { container: containers } = await this.library.getContainerRuntimeClient()
    await server.adopt(containers.getById(started.getId()), started)
  }

  async #clearAway(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.remove()))
    await this.#network?.stop()
  }

  async #reserve(): Promise<Server> {
    const port = await freePort()
    const server = this.makeServer(`node${this.#servers.length + 1}`, port)
    this.#servers.push(server)
    return server
  }
}
