import type { AdminTarget } from '../admin.js'
import { TestClusterError } from '../errors.js'
import type { ResolvedClusterOptions } from '../options.js'
import { unsupported, type Availability, type Provider, type Rig } from '../rig.js'
import { adminQuery, type MysqlAdmin } from './admin.js'
import type { Flavour } from './flavour.js'
import { steeringOf, type MysqlServer } from './steering.js'

const NOT_OURS = 'the servers named in the environment are not ours to stop or change'
const DEFAULT_PORT = 3306

/** A server that runs already and stays. Both kinds of URL are the one that was given. */
class GivenServer implements MysqlServer {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly state = 'unknown'
  readonly #url: string

  constructor(name: string, url: string, variable: string) {
    if (!URL.canParse(url)) throw new TestClusterError(`${variable} holds something that is not a URL`)
    const { hostname, port } = new URL(url)
    this.name = name
    this.host = hostname
    this.port = port === '' ? DEFAULT_PORT : Number(port)
    this.#url = url
  }

  get database(): string { return decodeURIComponent(new URL(this.#url).pathname.slice(1)) || 'mysql' }

  admin(): AdminTarget { throw new TestClusterError(`${this.name} is not a PostgreSQL server`) }

  mysqlAdmin(): MysqlAdmin { return { uri: this.#url } }

  url(database: string): string {
    const url = new URL(this.#url)
    url.pathname = `/${encodeURIComponent(database)}`
    return url.href
  }

  stop(): Promise<void> { return unsupported('env', 'stop', NOT_OURS) }
  start(): Promise<void> { return unsupported('env', 'start', NOT_OURS) }
  kill(): Promise<void> { return unsupported('env', 'kill', NOT_OURS) }
  freeze(): Promise<void> { return unsupported('env', 'freeze', NOT_OURS) }
  thaw(): Promise<void> { return unsupported('env', 'thaw', NOT_OURS) }
  follow(): Promise<void> { return unsupported('env', 'promote', NOT_OURS) }
}

/** Servers that run already, named by environment variables. The user in the URLs must be allowed everything. */
export function envProviderOf(flavour: Flavour): Provider {
  const { urlVariable, replicaUrlsVariable } = flavour
  const misfit = (reason: string): never => {
    throw new TestClusterError(`the servers that ${urlVariable} names cannot be used: ${reason}`, {
      hint: `unset ${urlVariable}, or choose another provider with SLUICE_TEST_PROVIDER or the option provider`,
    })
  }
  return {
    name: 'env',
    find(options: ResolvedClusterOptions): Promise<Availability> {
      const primaryUrl = process.env[urlVariable]
      const replicaUrls = (process.env[replicaUrlsVariable] ?? '').split(',').map((url) => url.trim()).filter(Boolean)
      if (!primaryUrl) {
        if (replicaUrls.length > 0) throw new TestClusterError(`${replicaUrlsVariable} is set, but ${urlVariable} is not`)
        return Promise.resolve({ reason: `${urlVariable} is not set`, remedy: `set it, and ${replicaUrlsVariable} (comma-separated) for replicas` })
      }
      if (replicaUrls.length < options.replicas) misfit(`${options.replicas} replicas were asked for, ${replicaUrlsVariable} names ${replicaUrls.length}`)
      if (options.tls || Object.keys(options.settings).length > 0) misfit('tls and settings cannot be applied to servers that run already')
      const servers = [primaryUrl, ...replicaUrls.slice(0, options.replicas)].map((url, index) => new GivenServer(`node${index + 1}`, url, urlVariable))
      return Promise.resolve({ start: () => useGiven(flavour, servers, options, misfit) })
    },
  }
}

async function useGiven(
  flavour: Flavour, servers: readonly GivenServer[], { major }: ResolvedClusterOptions, misfit: (reason: string) => never,
): Promise<Rig> {
  const [primary] = servers
  if (!primary) return misfit('there are none')
  const [row] = await adminQuery(primary.mysqlAdmin(), 'select version() as version')
  const said = String(row?.['version'])
  const version = said.split('-')[0] ?? ''
  if (/mariadb/i.test(said) !== (flavour.engine === 'mariadb')) misfit(`${flavour.title} was asked for, the server named there is ${said}`)
  if (major !== undefined && Number.parseInt(version) !== major) misfit(`${flavour.title} ${major} was asked for, the server named there is ${version}`)
  return {
    provider: 'env', version, database: primary.database, owner: undefined, servers, ca: undefined, steering: steeringOf(flavour),
    addReplica: () => unsupported('env', 'addReplica', NOT_OURS),
    rejoin: () => unsupported('env', 'rejoin', NOT_OURS),
    checkPromotion: () => unsupported('env', 'promote', NOT_OURS),
    destroy: () => Promise.resolve(),
  }
}
