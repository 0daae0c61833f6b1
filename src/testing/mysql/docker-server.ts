import type { StartedTestContainer } from 'testcontainers'
import type { AdminTarget } from '../admin.js'
import { DockerServer } from '../docker/server.js'
import { TestClusterError } from '../errors.js'
import type { RigServer, UrlUser } from '../rig.js'
import { adminQuery, withAdmin, type MysqlAdmin } from './admin.js'
import type { Flavour } from './flavour.js'
import type { Passwords } from './passwords.js'
import { variableOf } from './settings.js'
import type { MysqlServer } from './steering.js'

/** Port of every server inside its container. */
export const INNER_PORT = 3306
/** Read by the images of both engines, each time the server starts. */
const MODE_FILE = '/etc/mysql/conf.d/sluice-mode.cnf'

/** MySQL or MariaDB in a container. */
export class MysqlContainer extends DockerServer implements MysqlServer {
  protected readonly immediate = 'SIGKILL'
  readonly #flavour: Flavour
  readonly #passwords: Passwords
  /** It follows somebody, also after its next start. */
  #replica = false

  constructor(name: string, port: number, flavour: Flavour, passwords: Passwords) {
    super(name, port)
    this.#flavour = flavour
    this.#passwords = passwords
  }

  admin(): AdminTarget { throw new TestClusterError(`${this.name} is not a PostgreSQL server`) }

  mysqlAdmin(): MysqlAdmin { return { uri: this.url('mysql', 'superuser') } }

  url(database: string, user: UrlUser): string {
    const [name, password] = user === 'app' ? ['app', this.#passwords.app] : ['root', this.#passwords.superuser]
    return `${this.#flavour.engine}://${name}:${password}@${this.host}:${this.port}/${database}`
  }

  override async follow(primary: RigServer): Promise<void> {
    this.#replica = true
    await super.follow(primary)
  }

  /** It is the primary from now on, also when it is started again. */
  lead(): void { this.#replica = false }

  protected async probe(): Promise<void> { await adminQuery(this.mysqlAdmin(), 'select 1') }

  /** A replica takes no writes, not even in the moment between its start and being told whom to follow. */
  protected override async prepareStart(container: StartedTestContainer): Promise<void> {
    const content = `[mysqld]\n${this.#flavour.readOnly}=${this.#replica ? 'ON' : 'OFF'}\n`
    await container.copyContentToContainer([{ content, target: MODE_FILE, mode: 0o644 }])
  }

  protected async tellToFollow(primary: RigServer): Promise<void> {
    const source = { host: primary.name, port: INNER_PORT, user: 'replication', password: this.#passwords.replication }
    await withAdmin(this.mysqlAdmin(), async (query) => {
      await query(`set global ${variableOf(this.#flavour.readOnly)} = 1`)
      await this.#flavour.stopReplica(query).catch(() => {})
      await this.#flavour.follow(query, source)
    })
  }
}
