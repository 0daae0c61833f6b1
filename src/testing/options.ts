import { ConfigError } from '../core/errors.js'

/** Where the servers of a test cluster come from: the first that works, in this order. */
export type ProviderName = 'env' | 'docker' | 'local' | 'embedded' | 'apt'

const PROVIDERS: readonly ProviderName[] = ['env', 'docker', 'local', 'embedded', 'apt']

/** Certificates for the servers, as PEM text. */
export interface ClusterTls {
  readonly cert: string
  readonly key: string
  /** The authority that signed `cert`; also what the server trusts for client certificates. */
  readonly ca?: string | undefined
}

/** What {@link startCluster} is asked for. */
export interface ClusterOptions {
  readonly engine: 'postgres'
  /** Streaming replicas beside the primary, 0 to 8. Default 0. */
  readonly replicas?: number | undefined
  /** Major version wanted, `15`. Default: the highest found. */
  readonly version?: string | number | undefined
  /** Image for the docker provider. Default `postgres:<version>-alpine`. */
  readonly image?: string | undefined
  /** Take this provider and no other. Default: the first that works; `SLUICE_TEST_PROVIDER` sets it from outside. */
  readonly provider?: ProviderName | undefined
  /** Server settings (`postgresql.conf`) of all nodes; they win over those of the cluster. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Serve TLS: own certificates, or `true` for a self-signed one made with `openssl`. */
  readonly tls?: ClusterTls | true | undefined
  /** Lines put before the cluster's own in `pg_hba.conf`. */
  readonly hba?: readonly string[] | undefined
  /** Name of the database in `cluster.url`. Default `app`. */
  readonly database?: string | undefined
  /** Told in one sentence what is going on. */
  readonly onProgress?: ((message: string) => void) | undefined
}

/** {@link ClusterOptions} with every default filled in. */
export interface ResolvedClusterOptions {
  readonly replicas: number
  readonly major: number | undefined
  readonly image: string | undefined
  readonly provider: ProviderName | undefined
  readonly settings: Readonly<Record<string, string>>
  readonly tls: ClusterTls | true | undefined
  readonly hba: readonly string[]
  readonly database: string
  readonly onProgress: (message: string) => void
}

const MAX_REPLICAS = 8

function refuse(option: string, expected: string, got: unknown): never {
  throw new ConfigError(`startCluster: ${option} must be ${expected}, got ${JSON.stringify(got) ?? String(got)}`, { option })
}

function majorOf(version: string | number | undefined, option: string): number | undefined {
  if (version === undefined || version === '') return undefined
  const major = Number(String(version).split('.')[0])
  if (!Number.isInteger(major) || major < 13 || major > 99) refuse(option, 'a PostgreSQL major version from 13 on', version)
  return major
}

function providerOf(name: string | undefined, option: string): ProviderName | undefined {
  if (name === undefined || name === '') return undefined
  return PROVIDERS.find((known) => known === name) ?? refuse(option, `one of ${PROVIDERS.join(', ')}`, name)
}

/**
 * Checks the options and fills in defaults, some of them from the environment.
 *
 * @throws ConfigError naming the option, what was expected and what came
 */
export function resolveClusterOptions(options: ClusterOptions, env: NodeJS.ProcessEnv = process.env): ResolvedClusterOptions {
  if (options.engine !== 'postgres') refuse('engine', "'postgres'", options.engine)
  const replicas = options.replicas ?? 0
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > MAX_REPLICAS) {
    refuse('replicas', `a whole number from 0 to ${MAX_REPLICAS}`, replicas)
  }
  for (const name of Object.keys(options.settings ?? {})) {
    if (!/^[a-z_][a-z0-9_.]*$/i.test(name)) refuse('settings', 'server settings by their names', name)
  }
  const database = options.database ?? 'app'
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(database)) refuse('database', 'a name of letters, digits, _ and -', database)
  return {
    replicas,
    major: majorOf(options.version, 'version') ?? majorOf(env['SLUICE_TEST_POSTGRES_VERSION'], 'SLUICE_TEST_POSTGRES_VERSION'),
    image: options.image,
    provider: providerOf(options.provider, 'provider') ?? providerOf(env['SLUICE_TEST_PROVIDER'], 'SLUICE_TEST_PROVIDER'),
    settings: options.settings ?? {},
    tls: options.tls,
    hba: options.hba ?? [],
    database,
    onProgress: options.onProgress ?? ((): void => {}),
  }
}
