import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostPort } from '../../core/driver.js'
import type { NodeOptions } from '../../config/options.js'
import type { ResolvedNode } from '../../config/resolved.js'
import { splitUrls } from '../../config/url.js'
import { resolveOptions } from '../../config/resolve.js'
import { knownSchemes } from '../../database/registry.js'
import { Database } from '../../facade/database.js'
import type { Cluster } from '../../testing/cluster.js'
import type { ClusterNode } from '../../testing/cluster-node.js'
import { TestClusterError } from '../../testing/errors.js'
import { startCluster } from '../../testing/start-cluster.js'
import type { ClusterEngine } from '../../testing/options.js'
import type { Ask, EmbeddedPlace } from './engine.js'
import type { DemoOptions } from './options.js'
import { successionOf, type Succession } from './succession.js'

/** A server of the demo, and the way to ask it alone. */
export interface DemoServer {
  readonly name: string
  readonly role: 'primary' | 'replica'
  readonly url: string
  readonly ask: Ask
  /** It is there by itself, beside the primary: the readers of its file. */
  readonly implied?: boolean
}

/** The replica that dies and comes back. */
export interface Victim {
  readonly name: string
  /** SIGKILL to all of its processes. */
  kill(): Promise<void>
  /** Settles when it takes connections again. */
  start(): Promise<void>
}

/** Where the demo runs. */
export interface DemoServers {
  /** The primary first. */
  readonly all: readonly DemoServer[]
  /** Where they come from, for people. */
  readonly origin: string
  /** The database is the demo's own, and empty. */
  readonly own: boolean
  /** Who may be killed; or why nobody. */
  readonly victim: Victim | string
  /** How the primary is replaced; or why not. */
  readonly succession: Succession | string
  /** Ends what was started. */
  destroy(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * One's own servers when `DATABASE_URL` names them (`DATABASE_REPLICA_URLS` the replicas), otherwise servers started
 * for the demo.
 *
 * @param narrate - told in one sentence what is going on
 */
export async function openServers(options: DemoOptions, env: Environment, narrate: (message: string) => void): Promise<DemoServers> {
  const url = env['DATABASE_URL']
  if (url) return ownServers(options, url, splitUrls(env['DATABASE_REPLICA_URLS'] ?? ''))
  const { place } = options.engine
  return 'cluster' in place ? startedServers(options, place.cluster, narrate) : embeddedServers(place.embedded)
}

/** A database in this process, in a folder that is gone afterwards. */
async function embeddedServers(placed: (folder: string) => EmbeddedPlace): Promise<DemoServers> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'))
  const { url, readers } = placed(folder)
  // one that stays open, so that those who ask do not start the engine again
  const kept = await Database.open(url)
  const ask = (target: 'primary' | 'replica'): Ask => async (sql, values = []) =>
    kept.connection(async (connection) => (await connection.query(sql, values)).rows, { target })
  const primary: DemoServer = { name: 'primary', role: 'primary', url, ask: ask('primary') }
  return {
    all: readers ? [primary, { name: 'primary (readers)', role: 'replica', url, ask: ask('replica'), implied: true }] : [primary],
    origin: 'in this process',
    own: true,
    victim: 'the engine is part of this process',
    succession: 'the engine is part of this process',
    destroy: async () => {
      await kept.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startedServers({ replicas, engine: demo }: DemoOptions, engine: ClusterEngine, narrate: (message: string) => void): Promise<DemoServers> {
  const cluster = await startCluster({ engine, replicas, onProgress: (message) => { narrate(withWarning(message)) } })
    .catch((error: unknown) => { throw forTheDemo(error) })
  const askAt = (url: string): Ask => askAlone(resolveOptions(url, knownSchemes()).primary)
  const ask = ({ url }: ClusterNode): Ask => askAt(url)
  const { nodes } = cluster
  const nameOf = (node: ClusterNode): string => node === nodes[0] ? 'primary' : replicaName(nodes.indexOf(node) - 1)
  return {
    all: [
      { name: 'primary', role: 'primary', url: cluster.url, ask: ask(cluster.primary) },
      ...cluster.replicas.map((node, index): DemoServer => ({ name: replicaName(index), role: 'replica', url: node.url, ask: ask(node) })),
    ],
    origin: cluster.provider,
    own: true,
    victim: victimOf(cluster),
    succession: successionOf(cluster, demo.synchronous, nameOf, ({ superuserUrl }) => askAt(superuserUrl)),
    destroy: () => cluster.destroy(),
  }
}

/** What changes the machine for good is not said in passing. */
function withWarning(message: string): string {
  return message.includes('apt-get') ? `${message}: nothing else was found, and this is root; it stays installed on this machine` : message
}

function forTheDemo(error: unknown): unknown {
  if (!(error instanceof TestClusterError)) return error
  return new TestClusterError(error.message.replace('for the tests', 'for the demo'), {
    cause: error, hint: `${error.hint === undefined ? '' : `${error.hint}; `}or name servers of your own by DATABASE_URL`,
  })
}

function replicaName(index: number): string {
  return `replica-${String(index + 1)}`
}

function victimOf(cluster: Cluster): Victim | string {
  const { replicas } = cluster
  const node = replicas.at(-1)
  if (node === undefined) return 'there is no replica to kill'
  if (node.state !== 'running') return `the servers come from the environment (provider ${cluster.provider}), they are not ours to kill`
  return { name: replicaName(replicas.length - 1), kill: () => node.kill(), start: () => node.start() }
}

/** Asks each of them once, so that one that is not there is known before anything is said to be ready. */
async function ownServers({ engine }: DemoOptions, primary: string, replicas: readonly string[]): Promise<DemoServers> {
  const resolved = resolveOptions({ primary, replicas }, knownSchemes())
  const urls = [primary, ...replicas]
  const all = [resolved.primary, ...resolved.replicas].map((node, index): DemoServer =>
    ({ name: node.name, role: index === 0 ? 'primary' : 'replica', url: urls[index] ?? primary, ask: askAlone(node) }))
  await Promise.all(all.map(({ ask }) => engine.version(ask)))
  return {
    all,
    origin: 'your own, from DATABASE_URL',
    own: false,
    victim: 'the servers are yours, not ours to kill',
    succession: 'the servers are yours, not ours to kill',
    destroy: () => Promise.resolve(),
  }
}

/** One server on its own, whatever its role: nothing can be routed elsewhere. */
function askAlone(node: ResolvedNode): Ask {
  return async (sql, values = []) => {
    const db = new Database({ primary: withoutDefaults(node), pool: { max: 1 } })
    try {
      return await db.connection(async (connection) => (await connection.query(sql, values)).rows)
    } finally {
      await db.close()
    }
  }
}

/** The server with what it had taken over from the primary spelled out. */
function withoutDefaults({ name, target }: ResolvedNode): NodeOptions {
  const { scheme, hosts, targetSessionAttrs, user, password, database, tls, applicationName, parameters, driverOptions } = target
  return {
    name, engine: scheme, hosts: hosts.map(hostText), targetSessionAttrs, user, password, database, ssl: tls, applicationName, parameters, driverOptions,
  }
}

function hostText({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : encodeURIComponent(host)}:${String(port)}`
}
