import { selfSigned } from '../certificates.js'
import { dockerProviderOf } from '../docker/provider.js'
import { DockerRig, type Testcontainers } from '../docker/rig.js'
import type { ClusterTls, ResolvedClusterOptions } from '../options.js'
import type { Provider, RigServer, Steering } from '../rig.js'
import { adminQuery, withAdmin } from './admin.js'
import { INNER_PORT, MysqlContainer } from './docker-server.js'
import type { Flavour } from './flavour.js'
import { makePasswords } from './passwords.js'
import { nodeSettings, optionsOf } from './settings.js'
import { steeringOf } from './steering.js'
import { makeClusterUsers } from './users.js'

const TLS_FOLDER = '/etc/sluice-tls'

/** Every node begins with an empty history of its own and gets its primary's, from the first transaction on. */
class MysqlDockerRig extends DockerRig<MysqlContainer> {
  readonly steering: Steering
  readonly #flavour: Flavour
  readonly #passwords = makePasswords()
  #serverIds = 0
  #tls: ClusterTls | undefined

  constructor(library: Testcontainers, flavour: Flavour, options: ResolvedClusterOptions) {
    super(library, options, flavour.image(options.major))
    this.#flavour = flavour
    const steering = steeringOf(flavour)
    this.steering = { ...steering, promote: async (server) => {
      await steering.promote(server)
      this.own(server).lead()
    } }
  }

  override get ca(): string | undefined { return this.#tls && (this.#tls.ca ?? this.#tls.cert) }

  override async start(): Promise<this> {
    const { tls } = this.options
    this.#tls = tls === true ? await selfSigned() : tls
    return super.start()
  }

  /**
   * A server that has nothing the primary lacks goes on from where it is; one with transactions of its own gets a new
   * container, and with it another server id: a replica passes over what bears its own.
   */
  async rejoin(server: RigServer, primary: RigServer): Promise<void> {
    const own = this.own(server)
    // A frozen one is not thawed first: in that moment it would take writes as a second primary.
    if (own.state === 'frozen') await own.kill()
    else await own.stop('fast')
    await own.follow(primary)
    const errant = await this.#errantOf(own, this.own(primary))
    if (errant === '') return
    this.options.onProgress(`${own.name} has transactions that ${primary.name} has not, they are lost: ${errant}`)
    await own.remove()
    await this.startReplica(own, primary)
  }

  protected makeServer(name: string, port: number): MysqlContainer { return new MysqlContainer(name, port, this.#flavour, this.#passwords) }

  protected async startPrimary(server: MysqlContainer): Promise<string> {
    await this.#startEmpty(server)
    await withAdmin(server.mysqlAdmin(), (query) => makeClusterUsers(query, this.#passwords, this.database))
    const [row] = await adminQuery(server.mysqlAdmin(), 'select version() as version')
    return String(row?.['version']).split('-')[0] ?? ''
  }

  protected async startReplica(server: MysqlContainer, primary: RigServer): Promise<void> {
    await this.#startEmpty(server)
    await server.follow(primary)
  }

  /** Starts it as a replica, which does no harm: a replica that has too much stops at the first transaction. */
  async #errantOf(own: MysqlContainer, primary: MysqlContainer): Promise<string> {
    await own.start()
    const theirs = await withAdmin(primary.mysqlAdmin(), (query) => this.#flavour.history(query))
    return withAdmin(own.mysqlAdmin(), async (query) => this.#flavour.missing(query, await this.#flavour.executed(query), theirs))
  }

  #tlsSettings(): Record<string, string> {
    if (!this.#tls) return {}
    const authority = this.#tls.ca === undefined ? 'server.crt' : 'ca.crt'
    return { 'ssl-cert': `${TLS_FOLDER}/server.crt`, 'ssl-key': `${TLS_FOLDER}/server.key`, 'ssl-ca': `${TLS_FOLDER}/${authority}` }
  }

  /** Readable by the server's user, whom the image alone knows: nobody else is in the container. */
  #tlsFiles(): { content: string; target: string; mode: number }[] {
    if (!this.#tls) return []
    const { cert, key, ca = '' } = this.#tls
    const files = { 'server.crt': cert, 'server.key': key, 'ca.crt': ca }
    return Object.entries(files).map(([name, content]) => ({ content, target: `${TLS_FOLDER}/${name}`, mode: 0o644 }))
  }

  /** What the image itself writes at its first start is nobody else's business. */
  async #startEmpty(server: MysqlContainer): Promise<void> {
    const settings = { 'bind-address': '0.0.0.0', ...nodeSettings(this.#flavour, ++this.#serverIds), ...this.#tlsSettings(), ...this.options.settings }
    const name = this.#flavour.engine.toUpperCase()
    const container = this.container(server, INNER_PORT)
      .withEnvironment({ [`${name}_ROOT_PASSWORD`]: this.#passwords.superuser, [`${name}_INITDB_SKIP_TZINFO`]: '1' })
      .withCopyContentToContainer(this.#tlsFiles())
      .withCommand(optionsOf(settings))
      // The server of the image's own first start has no port.
      .withWaitStrategy(this.library.Wait.forLogMessage(/\bport: 3306\b/))
    await this.run(server, container)
    await withAdmin(server.mysqlAdmin(), (query) => this.#flavour.forgetHistory(query))
  }
}

/** MySQL or MariaDB in containers of one Docker network. */
export function mysqlDockerProviderOf(flavour: Flavour): Provider {
  return dockerProviderOf((library, options) => new MysqlDockerRig(library, flavour, options).start(), { servesTls: true })
}
