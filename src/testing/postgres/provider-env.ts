import { adminQuery, type AdminTarget } from '../admin.js'
import { TestClusterError } from '../errors.js'
import type { ResolvedClusterOptions } from '../options.js'
import { unsupported, type Availability, type Provider, type Rig, type RigServer } from '../rig.js'

const PRIMARY_VARIABLE = 'SLUICE_TEST_POSTGRES_URL'
const REPLICAS_VARIABLE = 'SLUICE_TEST_POSTGRES_REPLICA_URLS'
const NOT_OURS = 'the servers named in the environment are not ours to stop or change'
const DEFAULT_PORT = 5432

/** A server that runs already and stays. Both kinds of URL are the one that was given. */
class GivenServer implements RigServer {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly state = 'unknown'
  readonly #url: string

  constructor(name: string, url: string) {
    if (!URL.canParse(url)) throw new TestClusterError(`${PRIMARY_VARIABLE} or ${REPLICAS_VARIABLE} holds something that is not a URL`)
    const { hostname, port } = new URL(url)
    this.name = name
    this.host = hostname
    this.port = port === '' ? DEFAULT_PORT : Number(port)
    this.#url = url
  }

  get database(): string { return decodeURIComponent(new URL(this.#url).pathname.slice(1)) || 'postgres' }

  admin(database?: string): AdminTarget {
    return { url: database === undefined ? this.#url : this.url(database) }
  }

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

async function useGiven(primaryUrl: string, replicaUrls: readonly string[], replicas: number): Promise<Rig> {
  const servers = [primaryUrl, ...replicaUrls.slice(0, replicas)].map((url, index) => new GivenServer(`node${index + 1}`, url))
  const [primary] = servers
  if (!primary) throw new TestClusterError(`${PRIMARY_VARIABLE} is empty`)
  const [row] = await adminQuery(primary.admin(), 'show server_version')
  return {
    provider: 'env',
    version: String(row?.['server_version']).split(' ')[0] ?? '',
    database: primary.database,
    owner: undefined,
    servers,
    ca: undefined,
    addReplica: () => unsupported('env', 'addReplica', NOT_OURS),
    rejoin: () => unsupported('env', 'rejoin', NOT_OURS),
    checkPromotion: () => unsupported('env', 'promote', NOT_OURS),
    destroy: () => Promise.resolve(),
  }
}

/** Servers that run already, named by environment variables. The role in the URLs must be a superuser. */
export const envProvider: Provider = {
  name: 'env',
  async find(options: ResolvedClusterOptions): Promise<Availability> {
    const primaryUrl = process.env[PRIMARY_VARIABLE]
    const replicaUrls = (process.env[REPLICAS_VARIABLE] ?? '').split(',').map((url) => url.trim()).filter(Boolean)
    if (!primaryUrl) {
      return { reason: `${PRIMARY_VARIABLE} is not set`, remedy: `set it, and ${REPLICAS_VARIABLE} (comma-separated) for replicas` }
    }
    if (replicaUrls.length < options.replicas) {
      return { reason: `${options.replicas} replicas wanted, ${REPLICAS_VARIABLE} names ${replicaUrls.length}`, remedy: 'name as many' }
    }
    if (options.tls || options.hba.length > 0 || Object.keys(options.settings).length > 0) {
      return { reason: 'tls, hba and settings cannot be applied to servers that run already', remedy: 'leave them out' }
    }
    return { start: () => useGiven(primaryUrl, replicaUrls, options.replicas) }
  },
}
