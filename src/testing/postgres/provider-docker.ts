import { randomBytes } from 'node:crypto'
import type { GenericContainer, StartedNetwork } from 'testcontainers'
import { adminQuery } from '../admin.js'
import { TestClusterError } from '../errors.js'
import type { ResolvedClusterOptions } from '../options.js'
import { freePort } from '../ports.js'
import type { Availability, Provider, Rig, RigServer } from '../rig.js'
import { serverSettings } from './configuration.js'
import { whyNoDocker } from './docker-daemon.js'
import { connectionInfo, DockerServer } from './docker-server.js'
import type { Passwords } from './local-server.js'
import { postgresSteering } from './steering.js'

type Testcontainers = typeof import('testcontainers')

const DEFAULT_MAJOR = 17
const INNER_PORT = 5432
/** Not the image's own: that is a volume, whose place differs between versions of the image. */
const DATA_FOLDER = '/var/lib/postgresql/sluice'
const REMEDY = 'npm install --save-dev testcontainers, with a running Docker'

/** Runs in the image's first start, on a server without TCP that is restarted afterwards. */
function firstStartScript(passwords: Passwords, database: string, hba: readonly string[]): string {
  return `set -e
{ cat <<'RULES'
${[...hba, 'host replication all all scram-sha-256'].join('\n')}
RULES
cat "$PGDATA/pg_hba.conf"; } > /tmp/rules && cat /tmp/rules > "$PGDATA/pg_hba.conf"
psql -v ON_ERROR_STOP=1 -U postgres -d postgres <<'STATEMENTS'
create role app login password '${passwords.app}';
create database "${database}" owner app;
STATEMENTS
`
}

class DockerRig implements Rig {
  readonly provider = 'docker'
  readonly owner = 'app'
  readonly steering = postgresSteering
  readonly ca = undefined
  readonly #library: Testcontainers
  readonly #options: ResolvedClusterOptions
  readonly #image: string
  readonly #passwords: Passwords = { app: randomBytes(12).toString('hex'), superuser: randomBytes(12).toString('hex') }
  readonly #servers: DockerServer[] = []
  readonly #settings: readonly string[]
  #network: StartedNetwork | undefined
  #version = ''
  #destroyed: Promise<void> | undefined

  constructor(library: Testcontainers, options: ResolvedClusterOptions) {
    this.#library = library
    this.#options = options
    this.#image = options.image ?? `postgres:${options.major ?? DEFAULT_MAJOR}-alpine`
    const settings = { ...serverSettings(options.settings), listen_addresses: '*' }
    this.#settings = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  }

  get version(): string { return this.#version }
  get database(): string { return this.#options.database }
  get servers(): readonly RigServer[] { return this.#servers }

  async start(): Promise<this> {
    try {
      this.#options.onProgress(`starting ${this.#image} in Docker`)
      this.#network = await new this.#library.Network().start()
      const primary = await this.#startPrimary()
      await Promise.all(Array.from({ length: this.#options.replicas }, () => this.addReplica(primary)))
      return this
    } catch (error) {
      await this.destroy()
      throw error
    }
  }

  async addReplica(primary: RigServer): Promise<RigServer> {
    const server = this.#reserve(await freePort())
    await this.#startReplica(server, primary)
    return server
  }

  /** Always a fresh copy: a container that is stopped cannot run `pg_rewind`. */
  async rejoin(server: RigServer, primary: RigServer): Promise<void> {
    const own = this.#servers.find((candidate) => candidate === server)
    if (!own) throw new TestClusterError(`${server.name} is not a server of this cluster`)
    await own.remove()
    await this.#startReplica(own, primary)
  }

  checkPromotion(): Promise<void> { return Promise.resolve() }

  destroy(): Promise<void> {
    this.#destroyed ??= this.#clearAway()
    return this.#destroyed
  }

  async #clearAway(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.remove()))
    await this.#network?.stop()
  }

  #reserve(port: number): DockerServer {
    const server = new DockerServer(`node${this.#servers.length + 1}`, port, this.#passwords)
    this.#servers.push(server)
    return server
  }

  async #startPrimary(): Promise<DockerServer> {
    const server = this.#reserve(await freePort())
    const script = firstStartScript(this.#passwords, this.database, this.#options.hba)
    const container = this.#container(server)
      .withCopyContentToContainer([{ content: script, target: '/docker-entrypoint-initdb.d/10-sluice.sh', mode: 0o755 }])
      .withCommand(['postgres', ...this.#settings])
      // The first time is the server without TCP that runs the script.
      .withWaitStrategy(this.#library.Wait.forLogMessage(/database system is ready to accept connections/, 2))
    await this.#run(server, container)
    const [row] = await adminQuery(server.admin(), 'show server_version')
    this.#version = String(row?.['server_version']).split(' ')[0] ?? ''
    return server
  }

  async #startReplica(server: DockerServer, primary: RigServer): Promise<void> {
    const from = connectionInfo(primary.name, server.name, this.#passwords.superuser)
    const container = this.#container(server)
      .withUser('postgres')
      .withEntrypoint(['sh', '-c', `[ -f "$PGDATA/PG_VERSION" ] || pg_basebackup -R -X stream -c fast -D "$PGDATA" -d "$0" || exit 1
exec postgres "$@"`])
      .withCommand([from, ...this.#settings])
      .withWaitStrategy(this.#library.Wait.forLogMessage(/database system is ready to accept read[- ]only connections/))
    await this.#run(server, container)
  }

  #container(server: DockerServer): GenericContainer {
    if (!this.#network) throw new TestClusterError('the Docker network is not there')
    return new this.#library.GenericContainer(this.#image)
      .withNetwork(this.#network)
      .withNetworkAliases(server.name)
      // A fixed port: Docker gives another one at every start otherwise.
      .withExposedPorts({ container: INNER_PORT, host: server.port })
      .withEnvironment({ POSTGRES_PASSWORD: this.#passwords.superuser, PGDATA: DATA_FOLDER })
      .withStartupTimeout(120_000)
  }

  async #run(server: DockerServer, container: GenericContainer): Promise<void> {
    const started = await container.start()
    const { container: containers } = await this.#library.getContainerRuntimeClient()
    await server.adopt(containers.getById(started.getId()), started)
  }
}

/** Servers in containers of one Docker network, through the optional package `testcontainers`. */
export const dockerProvider: Provider = {
  name: 'docker',
  async find(options: ResolvedClusterOptions): Promise<Availability> {
    if (options.tls) return { reason: 'tls is not supported by this provider', remedy: 'use provider local or embedded' }
    const reason = await whyNoDocker()
    if (reason !== undefined) return { reason, remedy: REMEDY }
    const library = await import('testcontainers').catch(() => undefined)
    if (!library) return { reason: 'Docker answers, but the package testcontainers is not installed', remedy: REMEDY }
    return { start: () => new DockerRig(library, options).start() }
  },
}
