import { randomBytes } from 'node:crypto'
import { ClusterNode, type NodeRole } from './cluster-node.js'
import { TestClusterError } from './errors.js'
import type { ProviderName } from './options.js'
import type { Rig } from './rig.js'

/** URLs of one database on every node. */
export interface ClusterDatabase extends AsyncDisposable {
  readonly name: string
  /** For the role that owns the database. */
  readonly url: string
  readonly replicaUrls: readonly string[]
  /** For the superuser. */
  readonly superuserUrl: string
  readonly superuserReplicaUrls: readonly string[]
  /** Ends its sessions and drops it. */
  drop(): Promise<void>
}

/** A node, or its index in {@link Cluster.nodes}. */
export type NodeReference = ClusterNode | number

const REPLAY_TIMEOUT_MS = 10_000

/**
 * A primary and its streaming replicas, made by {@link startCluster} and gone after {@link Cluster.destroy}. When the
 * process ends without it, however it ends, a watchdog clears everything away.
 */
export class Cluster implements AsyncDisposable {
  readonly #rig: Rig
  readonly #nodes: ClusterNode[]
  readonly #made = new Set<string>()

  /** @internal Use {@link startCluster}. */
  constructor(rig: Rig) {
    this.#rig = rig
    this.#nodes = rig.servers.map((server, index) => new ClusterNode(server, rig, index === 0 ? 'primary' : 'replica'))
  }

  /** Where the servers came from. */
  get provider(): ProviderName { return this.#rig.provider }
  /** The server's own version, `15.14`. */
  get version(): string { return this.#rig.version }
  /** Name of the database the URLs lead to. */
  get database(): string { return this.#rig.database }
  /** Certificate (PEM) to trust the servers by, when they serve TLS. */
  get ca(): string | undefined { return this.#rig.ca }
  /** Every node in the order of their making; replaced and added ones included. */
  get nodes(): readonly ClusterNode[] { return this.#nodes }
  /** The node that takes writes, after {@link Cluster.promote} the promoted one. */
  get primary(): ClusterNode {
    const primary = this.#nodes.find((node) => node.role === 'primary')
    if (!primary) throw new TestClusterError('this cluster has no primary')
    return primary
  }
  get replicas(): readonly ClusterNode[] { return this.#nodes.filter((node) => node.role === 'replica') }
  /** URL of the primary for the database's owner. */
  get url(): string { return this.primary.url }
  get replicaUrls(): readonly string[] { return this.replicas.map((node) => node.url) }
  /** URL of the primary for the superuser. */
  get superuserUrl(): string { return this.primary.superuserUrl }
  get superuserReplicaUrls(): readonly string[] { return this.replicas.map((node) => node.superuserUrl) }

  /** The node itself, by reference or index. */
  node(reference: NodeReference): ClusterNode {
    const node = typeof reference === 'number' ? this.#nodes[reference] : this.#nodes.find((candidate) => candidate === reference)
    if (node) return node
    const names = this.#nodes.map(({ name }, index) => `${index} ${name}`).join(', ')
    throw new TestClusterError(`no such node in this cluster: ${typeof reference === 'number' ? reference : reference.name}; it has ${names}`)
  }

  /**
   * Waits until every running replica has replayed all that the primary has written by now.
   *
   * @param timeoutMs - default 10,000
   * @throws TestClusterError naming the replica that lags
   */
  async waitForReplay(timeoutMs = REPLAY_TIMEOUT_MS): Promise<void> {
    const { steering } = this.#rig
    const { text } = await steering.position(this.primary.server)
    await Promise.all(this.#runningReplicas().map((node) => steering.waitUntilReplayed(node.server, text, timeoutMs)))
  }

  /** Makes an empty database and waits until all running replicas have it. Names are made up unless given. */
  async createDatabase(name: string = freshDatabaseName()): Promise<ClusterDatabase> {
    const { server } = this.primary
    await this.#rig.steering.makeDatabase(server, name, this.#rig.owner)
    this.#made.add(name)
    await this.waitForReplay()
    const drop = async (): Promise<void> => {
      if (this.#made.delete(name)) await this.#rig.steering.dropDatabase(this.primary.server, name)
    }
    const replicas = this.replicas.map((node) => node.server)
    return {
      name,
      url: server.url(name, 'app'),
      replicaUrls: replicas.map((replica) => replica.url(name, 'app')),
      superuserUrl: server.url(name, 'superuser'),
      superuserReplicaUrls: replicas.map((replica) => replica.url(name, 'superuser')),
      drop,
      [Symbol.asyncDispose]: drop,
    }
  }

  /**
   * Makes a replica the primary, waits until it takes writes, and lets the other replicas follow it. The former primary
   * is not touched: it may be dead, frozen, or still serving (a split brain). A replica that had replayed more than the
   * promoted one cannot follow; {@link Cluster.rejoin} brings it back.
   *
   * @param reference - default: the running replica that has the most of the log
   */
  async promote(reference?: NodeReference): Promise<ClusterNode> {
    await this.#rig.checkPromotion()
    const chosen = reference === undefined ? await this.#mostAdvanced() : this.node(reference)
    if (chosen.role === 'primary') throw new TestClusterError(`${chosen.name} is the primary already`)
    await this.#rig.steering.promote(chosen.server)
    for (const node of this.#nodes) if (node.role === 'primary') setRole(node, 'former-primary')
    setRole(chosen, 'primary')
    await Promise.all(this.replicas.map((node) => node.server.follow(chosen.server)))
    return chosen
  }

  /** Makes any other node, in whatever state, a streaming replica of the current primary. What only it had is lost. */
  async rejoin(reference: NodeReference): Promise<ClusterNode> {
    const [node, { primary }] = [this.node(reference), this]
    if (node === primary) throw new TestClusterError(`${node.name} is the primary: it has nobody to join`)
    await this.#rig.rejoin(node.server, primary.server)
    setRole(node, 'replica')
    await this.#rig.steering.waitUntilStreaming(node.server)
    return node
  }

  /** Adds a streaming replica. */
  async addReplica(): Promise<ClusterNode> {
    const node = new ClusterNode(await this.#rig.addReplica(this.primary.server), this.#rig, 'replica')
    this.#nodes.push(node)
    await this.#rig.steering.waitUntilStreaming(node.server)
    return node
  }

  /** Ends all servers and deletes their files; with servers that are not ours, undoes what was done to them. May be called again. */
  async destroy(): Promise<void> {
    if (this.provider === 'env') await this.#undo()
    await this.#rig.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> { await this.destroy() }

  async #undo(): Promise<void> {
    const databases = [...this.#made]
    this.#made.clear()
    await Promise.all(this.#nodes.map((node) => node.undo().catch(() => {})))
    for (const name of databases) await this.#rig.steering.dropDatabase(this.primary.server, name).catch(() => {})
  }

  #runningReplicas(): readonly ClusterNode[] {
    return this.replicas.filter((node) => node.state === 'running' || node.state === 'unknown')
  }

  async #mostAdvanced(): Promise<ClusterNode> {
    const candidates = await Promise.all(this.#runningReplicas().map(async (node) => ({ node, ...await this.#rig.steering.position(node.server) })))
    const [best] = candidates.sort((a, b) => compare(b.rank, a.rank))
    if (!best) throw new TestClusterError('no running replica to promote')
    return best.node
  }
}

function setRole(node: ClusterNode, role: NodeRole): void {
  node.become(role)
}

function compare(one: readonly bigint[], other: readonly bigint[]): number {
  for (const [index, value] of one.entries()) {
    const against = other[index] ?? 0n
    if (value !== against) return value > against ? 1 : -1
  }
  return 0
}

/** A name for a database no other test has. */
function freshDatabaseName(): string {
  return `test_${randomBytes(6).toString('hex')}`
}

/** @internal Waits until all replicas of a new cluster stream. */
export async function waitUntilUp(cluster: Cluster, { steering }: Rig): Promise<void> {
  if (!await steering.isWritable(cluster.primary.server)) {
    throw new TestClusterError(`${cluster.primary.name} is given as the primary, but it is a replica`)
  }
  await Promise.all(cluster.replicas.map((node) => steering.waitUntilStreaming(node.server)))
  await cluster.waitForReplay()
}
