import { adminQuery, type AdminTarget } from '../admin.js'
import { DockerServer } from '../docker/server.js'
import type { RigServer, UrlUser } from '../rig.js'
import type { Passwords } from './local-server.js'

/** Port of every server inside its container. */
export const INNER_PORT = 5432

/** Where a replica in the same Docker network finds its primary. */
export function connectionInfo(primary: string, replica: string, password: string): string {
  return `host=${primary} port=${INNER_PORT} user=postgres password=${password} application_name=${replica}`
}

/** PostgreSQL in a container. */
export class PostgresContainer extends DockerServer {
  protected readonly immediate = 'SIGQUIT'
  readonly #passwords: Passwords

  constructor(name: string, port: number, passwords: Passwords) {
    super(name, port)
    this.#passwords = passwords
  }

  admin(database = 'postgres'): AdminTarget {
    return { host: this.host, port: this.port, user: 'postgres', password: this.#passwords.superuser, database }
  }

  url(database: string, user: UrlUser): string {
    const [role, password] = user === 'app' ? ['app', this.#passwords.app] : ['postgres', this.#passwords.superuser]
    return `postgres://${role}:${password}@${this.host}:${this.port}/${database}`
  }

  protected async probe(): Promise<void> { await adminQuery(this.admin(), 'select') }

  protected async tellToFollow(primary: RigServer): Promise<void> {
    const info = connectionInfo(primary.name, this.name, this.#passwords.superuser)
    await adminQuery(this.admin(), `alter system set primary_conninfo = '${info}'`)
    await adminQuery(this.admin(), 'select pg_reload_conf()')
  }
}
