import { Database, type DatabaseOptions, type FailoverEvent, type NodeEvent } from '../../src/index.js'
import { flakyProxy, startCluster, type Cluster, type ClusterNode, type FlakyProxy } from '../../src/testing/index.js'
import { eventually } from '../support/eventually.js'
import type { ChaosEngine } from './engine.js'

/** A primary with two replicas, a network between them and this process that does as it is told, and databases that use both. */
export interface World {
  readonly engine: ChaosEngine
  readonly cluster: Cluster
  readonly databases: readonly Database[]
  /** What the databases told of servers, for the report of a failure. */
  readonly log: readonly string[]
  proxyOf(node: ClusterNode): FlakyProxy
  /** One statement as superuser, straight on a server. */
  admin(node: ClusterNode, sql: string): Promise<Record<string, unknown>[]>
  /** Waits until every server streams and every database knows who is what, and believes each of them. */
  settled(): Promise<void>
  close(): Promise<void>
}

const SETTLED_MS = 60_000

function optionsFor(cluster: Cluster, proxies: ReadonlyMap<ClusterNode, FlakyProxy>, say: (text: string) => void): DatabaseOptions {
  const [primary, ...replicas] = cluster.nodes.map((node) => ({ name: node.name, url: proxies.get(node)?.url ?? node.url }))
  return {
    primary, replicas,
    pool: { max: 6, acquireTimeoutMs: 60_000 }, health: { intervalMs: 500, timeoutMs: 1_500 },
    connectTimeoutMs: 3_000, statementTimeoutMs: 60_000, failoverTimeoutMs: 60_000, retry: { transactions: 20, reads: 5 },
    observers: [{
      node: ({ node, from, to, reason }: NodeEvent) => { say(`${node} ${from} -> ${to}: ${reason}`) },
      failover: ({ step, node, reason }: FailoverEvent) => { say(`${step} ${node ?? ''}: ${reason}`) },
    }],
  }
}

/** @param databases - so many of them, as in so many processes */
export async function makeWorld(engine: ChaosEngine, databases: number): Promise<World> {
  const cluster = await startCluster(await engine.options())
  const opened: Database[] = []
  const proxies = new Map<ClusterNode, FlakyProxy>()
  const close = async (): Promise<void> => {
    await Promise.all([...proxies.values()].map((proxy) => proxy.restore()))
    await Promise.all(opened.map((db) => db.close({ drainMs: 2_000 })))
    await Promise.all([...proxies.values()].map((proxy) => proxy.close()))
    await cluster.destroy()
  }
  try {
    await engine.replicateSynchronously(cluster)
    for (const node of cluster.nodes) proxies.set(node, await flakyProxy({ target: node.url }))
    const startedAt = performance.now()
    const log: string[] = []
    for (let index = 0; index < databases; index++) {
      const say = (text: string): void => { log.push(`${((performance.now() - startedAt) / 1_000).toFixed(2)} db${String(index)} ${text}`) }
      opened.push(await Database.open(optionsFor(cluster, proxies, say)))
    }
    const proxyOf = (node: ClusterNode): FlakyProxy => {
      const proxy = proxies.get(node)
      if (!proxy) throw new Error(`no proxy leads to ${node.name}`)
      return proxy
    }
    return { engine, cluster, databases: opened, log, proxyOf, admin: engine.admin, close, settled: () => settled(engine, cluster, opened) }
  } catch (error) {
    await close()
    throw error
  }
}

async function settled(engine: ChaosEngine, cluster: Cluster, databases: readonly Database[]): Promise<void> {
  const believed = (db: Database): boolean => db.health.status().nodes.every(({ name, role, state, fenced }) =>
    state === 'up' && fenced === undefined && role === (name === cluster.primary.name ? 'primary' : 'replica'))
  await eventually(() => databases.every(believed), SETTLED_MS)
  await engine.replicateSynchronously(cluster)
  await cluster.waitForReplay(SETTLED_MS)
}
