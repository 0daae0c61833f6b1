import { randomBytes } from 'node:crypto'
import type { GenericContainer } from 'testcontainers'
import { adminQuery } from '../admin.js'
import { dockerProviderOf } from '../docker/provider.js'
import { DockerRig, type Testcontainers } from '../docker/rig.js'
import type { ResolvedClusterOptions } from '../options.js'
import type { Provider, RigServer } from '../rig.js'
import { serverSettings } from './configuration.js'
import { connectionInfo, INNER_PORT, PostgresContainer } from './docker-server.js'
import type { Passwords } from './local-server.js'
import { postgresSteering } from './steering.js'

const DEFAULT_MAJOR = 17
/** Not the image's own: that is a volume, whose place differs between versions of the image. */
const DATA_FOLDER = '/var/lib/postgresql/sluice'

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

class PostgresDockerRig extends DockerRig<PostgresContainer> {
  readonly steering = postgresSteering
  readonly #passwords: Passwords = { app: randomBytes(12).toString('hex'), superuser: randomBytes(12).toString('hex') }
  readonly #settings: readonly string[]

  constructor(library: Testcontainers, options: ResolvedClusterOptions) {
    super(library, options, `postgres:${options.major ?? DEFAULT_MAJOR}-alpine`)
    const settings = { ...serverSettings(options.settings), listen_addresses: '*' }
    this.#settings = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  }

  /** Always a fresh copy: a container that is stopped cannot run `pg_rewind`. */
  async rejoin(server: RigServer, primary: RigServer): Promise<void> {
    const own = this.own(server)
    await own.remove()
    await this.startReplica(own, primary)
  }

  protected makeServer(name: string, port: number): PostgresContainer { return new PostgresContainer(name, port, this.#passwords) }

  protected async startPrimary(server: PostgresContainer): Promise<string> {
    const script = firstStartScript(this.#passwords, this.database, this.options.hba)
    const container = this.#withServer(server)
      .withCopyContentToContainer([{ content: script, target: '/docker-entrypoint-initdb.d/10-sluice.sh', mode: 0o755 }])
      .withCommand(['postgres', ...this.#settings])
      // The first time is the server without TCP that runs the script.
      .withWaitStrategy(this.library.Wait.forLogMessage(/database system is ready to accept connections/, 2))
    await this.run(server, container)
    const [row] = await adminQuery(server.admin(), 'show server_version')
    return String(row?.['server_version']).split(' ')[0] ?? ''
  }

  protected async startReplica(server: PostgresContainer, primary: RigServer): Promise<void> {
    const from = connectionInfo(primary.name, server.name, this.#passwords.superuser)
    const container = this.#withServer(server)
      .withUser('postgres')
      .withEntrypoint(['sh', '-c', `[ -f "$PGDATA/PG_VERSION" ] || pg_basebackup -R -X stream -c fast -D "$PGDATA" -d "$0" || exit 1
exec postgres "$@"`])
      .withCommand([from, ...this.#settings])
      .withWaitStrategy(this.library.Wait.forLogMessage(/database system is ready to accept read[- ]only connections/))
    await this.run(server, container)
  }

  #withServer(server: PostgresContainer): GenericContainer {
    return this.container(server, INNER_PORT).withEnvironment({ POSTGRES_PASSWORD: this.#passwords.superuser, PGDATA: DATA_FOLDER })
  }
}

/** PostgreSQL in containers of one Docker network. */
export const dockerProvider: Provider = dockerProviderOf((library, options) => new PostgresDockerRig(library, options).start(), { servesTls: false })
