import { adminQuery, type AdminTarget } from '../admin.js'
import { TestClusterError } from '../errors.js'
import type { ResolvedClusterOptions } from '../options.js'
import { unsupported, type Availability, type Provider, type Rig, type RigServer } from '../rig.js'
import { postgresSteering } from './steering.js'

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

async function useGiven(primaryUrl: string, replicaUrls: readonly string[], { replicas, major }: ResolvedClusterOptions): Promise<Rig> {
  const servers = [primaryUrl, ...replicaUrls.slice(0, replicas)].map((url, index) => new GivenServer(`node${index + 1}`, url))
  const [primary] = servers
  if (!primary) throw new TestClusterError(`${PRIMARY_VARIABLE} is empty`)
  const [row] = await adminQuery(primary.admin(), 'show server_version')
  const version = String(row?.['server_version']).split(' ')[0] ?? ''
  if (major !== undefined && Number.parseInt(version) !== major) misfit(`PostgreSQL ${major} was asked for, the server named there is ${version}`)
  return {
    provider: 'env',
    version,
    database: primary.database,
    owner: undefined,
    steering: postgresSteering,
    servers,
    ca: undefined,
    addReplica: () => unsupported('env', 'addReplica', NOT_OURS),
    rejoin: () => unsupported('env', 'rejoin', NOT_OURS),
    checkPromotion: () => unsupported('env', 'promote', NOT_OURS),
    destroy: () => Promise.resolve(),
  }
}

/** Servers named in the environment are meant: where they do not fit, nothing else may quietly stand in for them. */
function misfit(reason: string): never {
  throw new TestClusterError(`the servers that ${PRIMARY_VARIABLE} names cannot be used: ${reason}`, {
    hint: `unset ${PRIMARY_VARIABLE}, or choose another provider with SLUICE_TEST_PROVIDER or the option provider`,
  })
}

/** Options that only servers of our own can be given. */
function optionsForOwnServers({ tls, hba, settings }: ResolvedClusterOptions): string[] {
  return [...(tls ? ['tls'] : []), ...(hba.length > 0 ? ['hba'] : []), ...(Object.keys(settings).length > 0 ? ['settings'] : [])]
}

/**
 * Servers that run already, named by environment variables. The role in the URLs must be a superuser.
 *
 * `find` throws a {@link TestClusterError} when they are named but do not fit what was asked for.
 */
export const envProvider: Provider = {
  name: 'env',
  async find(options: ResolvedClusterOptions): Promise<Availability> {
    const primaryUrl = process.env[PRIMARY_VARIABLE]
    const replicaUrls = (process.env[REPLICAS_VARIABLE] ?? '').split(',').map((url) => url.trim()).filter(Boolean)
    if (!primaryUrl) {
      if (replicaUrls.length > 0) throw new TestClusterError(`${REPLICAS_VARIABLE} is set, but ${PRIMARY_VARIABLE} is not`)
      return { reason: `${PRIMARY_VARIABLE} is not set`, remedy: `set it, and ${REPLICAS_VARIABLE} (comma-separated) for replicas` }
    }
    if (replicaUrls.length < options.replicas) {
      misfit(`${options.replicas} replicas were asked for, ${REPLICAS_VARIABLE} names ${replicaUrls.length}`)
    }
    const inapplicable = optionsForOwnServers(options)
    if (inapplicable.length > 0) misfit(`${inapplicable.join(', ')} cannot be applied to servers that run already`)
    return { start: () => useGiven(primaryUrl, replicaUrls, options) }
  },
}
