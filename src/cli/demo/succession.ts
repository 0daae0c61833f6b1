import { sleep } from '../../core/deadline.js'
import type { Cluster } from '../../testing/cluster.js'
import type { ClusterNode } from '../../testing/cluster-node.js'
import type { Ask, Synchronous } from './engine.js'

/** The primary dies and a replica takes its place. */
export interface Succession {
  /** Commits wait from now on until a replica has them, too: what is acknowledged then is safe from the death of the primary. */
  synchronize(): Promise<void>
  /** SIGKILL to all processes of the primary. */
  kill(): Promise<void>
  /** Makes the replica that has most of the log the primary; resolves with its name when it takes writes. */
  promote(): Promise<string>
}

const POLL_MS = 50
const IN_FORCE_WITHIN_MS = 20_000

/**
 * @param nameOf - what a node is called in the demo
 * @param askAs - asks a node as its superuser
 * @returns why not, where the primary cannot be replaced
 */
export function successionOf(
  cluster: Cluster, synchronous: Synchronous | undefined, nameOf: (node: ClusterNode) => string, askAs: (node: ClusterNode) => Ask,
): Succession | string {
  if (synchronous === undefined) return 'this engine was given no words for synchronous replication here'
  if (cluster.primary.state !== 'running') return `the servers come from the environment (provider ${cluster.provider}), they are not ours to kill`
  // one is promoted, and another one has to be there for its commits to wait for
  if (cluster.replicas.length < 2) return 'it takes two replicas'
  return {
    synchronize: () => synchronize(cluster, synchronous, askAs),
    kill: () => cluster.primary.kill(),
    promote: async () => nameOf(await cluster.promote()),
  }
}

async function synchronize({ nodes, primary, replicas }: Cluster, { switchOn, waitingFor }: Synchronous, askAs: (node: ClusterNode) => Ask): Promise<void> {
  for (const node of nodes) for (const text of switchOn) await askAs(node)(text)
  for (const expiresAt = performance.now() + IN_FORCE_WITHIN_MS; ;) {
    const [row] = await askAs(primary)(waitingFor)
    if (Number(row?.['replicas']) >= replicas.length) return
    if (performance.now() > expiresAt) throw new Error('the replicas did not become synchronous')
    await sleep(POLL_MS)
  }
}
