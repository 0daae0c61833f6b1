import { TestClusterError } from './errors.js'

/** Where the servers of a test cluster come from: the first that works, in this order. */
export type ProviderName = 'env' | 'docker' | 'local' | 'embedded' | 'unpack' | 'apt'

const PROVIDERS: readonly ProviderName[] = ['env', 'docker', 'local', 'embedded', 'unpack', 'apt']

/** Engines whose servers {@link startCluster} starts. */
export type ClusterEngine = 'postgres' | 'mariadb' | 'mysql'

interface EngineFacts {
  readonly title: string
  /** The oldest major version that is started. */
  readonly oldest: number
  /** What the engine's environment variables begin with. */
  readonly prefix: string
}

const ENGINES: Readonly<Record<ClusterEngine, EngineFacts>> = {
  postgres: { title: 'PostgreSQL', oldest: 13, prefix: 'SLUICE_TEST_POSTGRES' },
  mariadb: { title: 'MariaDB', oldest: 10, prefix: 'SLUICE_TEST_MARIADB' },
  mysql: { title: 'MySQL', oldest: 8, prefix: 'SLUICE_TEST_MYSQL' },
}

/** Certificates for the servers, as PEM text. */
export interface ClusterTls {
  readonly cert: string
  readonly key: string
  /** The authority that signed `cert`; also what the server trusts for client certificates. */
  readonly ca?: string | undefined
}

/** What {@link startCluster} is asked for. */
export interface ClusterOptions {
  readonly engine: ClusterEngine
  /** Replicas beside the primary, 0 to 8. Default 0. */
  readonly replicas?: number | undefined
  /** Major version wanted, `15`. Default: the highest found. */
  readonly version?: string | number | undefined
  /**
   * Image for the docker provider, from outside `SLUICE_TEST_POSTGRES_IMAGE`, `SLUICE_TEST_MARIADB_IMAGE` or
   * `SLUICE_TEST_MYSQL_IMAGE`. Default `postgres:<version>-alpine`, `mariadb:<version>`, `mysql:<version>`.
   */
  readonly image?: string | undefined
  /**
   * Take this provider and no other. Default: the first that works. From outside `SLUICE_TEST_PROVIDER` sets it for all
   * engines, `SLUICE_TEST_POSTGRES_PROVIDER`, `SLUICE_TEST_MARIADB_PROVIDER` and `SLUICE_TEST_MYSQL_PROVIDER` for one.
   */
  readonly provider?: ProviderName | undefined
  /** Server settings of all nodes (as in `postgresql.conf`, `my.cnf`); they win over those of the cluster. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Serve TLS: own certificates, or `true` for a self-signed one made with `openssl`. */
  readonly tls?: ClusterTls | true | undefined
  /** PostgreSQL: lines put before the cluster's own in `pg_hba.conf`. */
  readonly hba?: readonly string[] | undefined
  /** Name of the database in `cluster.url`. Default `app`. */
  readonly database?: string | undefined
  /** Told in one sentence what is going on. */
  readonly onProgress?: ((message: string) => void) | undefined
}

/** {@link ClusterOptions} with every default filled in. */
export interface ResolvedClusterOptions {
  readonly engine: ClusterEngine
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

interface Kind {
  readonly expected: string
  readonly fits: (value: unknown) => boolean
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): boolean => typeof value === 'string'
const ANYTHING: Kind = { expected: '', fits: () => true }
const TEXT: Kind = { expected: 'a text', fits: isText }

/** Every option there is, and what kind of value it takes; the values of those that take anything are checked one by one. */
const KINDS: Readonly<Record<keyof ClusterOptions, Kind>> = {
  engine: ANYTHING,
  replicas: ANYTHING,
  version: ANYTHING,
  image: TEXT,
  provider: ANYTHING,
  settings: { expected: 'an object of texts', fits: (value) => isRecord(value) && Object.values(value).every(isText) },
  tls: { expected: 'true or { cert, key, ca } as PEM texts', fits: (value) => value === true || (isRecord(value) && isText(value['cert']) && isText(value['key'])) },
  hba: { expected: 'a list of lines', fits: (value) => Array.isArray(value) && value.every(isText) },
  database: TEXT,
  onProgress: { expected: 'a function', fits: (value) => typeof value === 'function' },
}

function refuse(option: string, expected: string, got: unknown): never {
  refuseKind(option, expected, typeof got === 'string' ? JSON.stringify(got) : kindOf(got))
}

function refuseKind(option: string, expected: string, came: string): never {
  throw new TestClusterError(`startCluster: ${option} must be ${expected}, got ${came}`, { neverSent: true })
}

/** What a value is; of texts and objects not what is in them, that may be a key or a password. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (isRecord(value)) return `an object with ${Object.keys(value).join(', ') || 'nothing in it'}`
  return typeof value === 'string' ? 'a string' : typeof value === 'function' ? 'a function' : String(value)
}

/** A call that the types would not let pass: from JavaScript, or with an option that is misspelt. */
function checkShape(options: unknown): void {
  if (!isRecord(options)) refuseKind('its argument', "an object with at least engine: 'postgres'", kindOf(options))
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(KINDS, name)) refuseKind(`option '${name}'`, `one of ${Object.keys(KINDS).join(', ')}`, kindOf(options[name]))
  }
  for (const [name, { expected, fits }] of Object.entries(KINDS)) {
    if (options[name] !== undefined && !fits(options[name])) refuseKind(name, expected, kindOf(options[name]))
  }
}

function majorOf(engine: ClusterEngine, version: string | number | undefined, option: string): number | undefined {
  if (version === undefined || version === '') return undefined
  const { title, oldest } = ENGINES[engine]
  const major = Number(String(version).split('.')[0])
  if (!Number.isInteger(major) || major < oldest || major > 99) refuse(option, `a ${title} major version from ${String(oldest)} on`, version)
  return major
}

function providerOf(name: string | undefined, option: string): ProviderName | undefined {
  if (name === undefined || name === '') return undefined
  return PROVIDERS.find((known) => known === name) ?? refuse(option, `one of ${PROVIDERS.join(', ')}`, name)
}

function providerIn(env: NodeJS.ProcessEnv, variable: string): ProviderName | undefined {
  return providerOf(env[variable], variable)
}

/**
 * Checks the options and fills in defaults, some of them from the environment.
 *
 * @throws TestClusterError naming the option, what was expected and what came
 */
export function resolveClusterOptions(options: ClusterOptions, env: NodeJS.ProcessEnv = process.env): ResolvedClusterOptions {
  checkShape(options)
  const { engine } = options
  if (!Object.hasOwn(ENGINES, engine)) refuse('engine', `one of ${Object.keys(ENGINES).map((name) => `'${name}'`).join(', ')}`, engine)
  if (engine !== 'postgres' && options.hba !== undefined) refuse('hba', "left out: only engine 'postgres' has access rules in a file", options.hba)
  const { prefix } = ENGINES[engine]
  const variable = `${prefix}_VERSION`
  const replicas = options.replicas ?? 0
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > MAX_REPLICAS) {
    refuse('replicas', `a whole number from 0 to ${MAX_REPLICAS}`, replicas)
  }
  for (const name of Object.keys(options.settings ?? {})) {
    if (!/^[a-z_][a-z0-9_.-]*$/i.test(name)) refuse('settings', 'server settings by their names', name)
  }
  const database = options.database ?? 'app'
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(database)) refuse('database', 'a name of letters, digits, _ and -', database)
  return {
    engine,
    replicas,
    major: majorOf(engine, options.version, 'version') ?? majorOf(engine, env[variable], variable),
    image: options.image ?? (env[`${prefix}_IMAGE`] || undefined),
    provider: providerOf(options.provider, 'provider') ?? providerIn(env, `${prefix}_PROVIDER`) ?? providerIn(env, 'SLUICE_TEST_PROVIDER'),
    settings: options.settings ?? {},
    tls: options.tls,
    hba: options.hba ?? [],
    database,
    onProgress: options.onProgress ?? ((): void => {}),
  }
}
