import { detached } from '../core/detached.js'
import type { Probes } from '../core/dialect.js'
import type { Role } from '../core/observer.js'
import type { HealthSettings } from '../core/settings.js'
import { Ticker } from '../core/ticker.js'
import type { Node, NodeState } from '../router/node.js'
import { NodeProbe } from './node-probe.js'

/** Condition of one node. */
export interface NodeHealth {
  readonly name: string
  /** As configured. */
  readonly role: Role
  /** What it says itself; undefined before it was asked. */
  readonly says: Role | undefined
  readonly state: NodeState
  /** Replication lag in milliseconds; undefined when unknown. */
  readonly lagMs: number | undefined
  /** Bytes behind the primary; undefined when unknown. */
  readonly lagBytes: number | undefined
  /** Takes no reads because of its lag. */
  readonly lagging: boolean
  /** Recent response time, milliseconds. */
  readonly responseMs: number
  readonly version: string | undefined
  /** Milliseconds since the epoch. */
  readonly checkedAt: number | undefined
  /** Why it is not up, without secrets. */
  readonly lastError: string | undefined
}

/** Condition of a database. */
export interface HealthStatus {
  readonly healthy: boolean
  readonly nodes: readonly NodeHealth[]
}

/** Lag of one replica. */
export interface ReplicationLag {
  readonly node: string
  readonly lagMs: number | undefined
  readonly lagBytes: number | undefined
}

/** What a checker watches. */
export interface HealthParts {
  readonly nodes: readonly Node[]
  readonly probes: Probes
  readonly settings: HealthSettings
  /** A database for reads only: healthy as long as any node answers. */
  readonly readOnly: boolean
}

/** Probes every node at intervals and at the first sign of trouble, and tells what it found. */
export class HealthChecker {
  readonly #parts: HealthParts
  readonly #probes: readonly NodeProbe[]
  readonly #ticker: Ticker
  #closed = false
  #stopped = false

  /** @internal */
  constructor(parts: HealthParts) {
    this.#parts = parts
    this.#probes = parts.nodes.map((node) => new NodeProbe(node, parts.probes.node, parts.settings.timeoutMs))
    this.#ticker = new Ticker(async () => { await this.check() }, () => parts.settings.intervalMs)
  }

  /** Starts probing every `health.intervalMs`. Does not keep the process alive. */
  start(): void {
    this.#stopped = false
    if (!this.#closed) detached(() => { this.#ticker.start() })
  }

  /** @internal Starts unless it was stopped by hand: only a probe finds a node again that is down. */
  ensure(): void {
    if (!this.#stopped) this.start()
  }

  /**
   * Stops probing and closes the probes' connections; {@link HealthChecker.start} begins again. Meanwhile a replica that
   * is found dead stays without traffic, and one that was dead is not found again.
   */
  async stop(): Promise<void> {
    this.#stopped = true
    const stopped = this.#ticker.stop()
    await Promise.all(this.#probes.map((probe) => probe.release()))
    await stopped
  }

  /** @internal Stops for good: also a check asked for later opens nothing. */
  async close(): Promise<void> {
    this.#closed = true
    const stopped = this.#ticker.stop()
    await Promise.all(this.#probes.map((probe) => probe.close()))
    await stopped
  }

  /** Probes every node now. Never rejects: a node that cannot be asked is reported as such. */
  async check(): Promise<HealthStatus> {
    const primary = this.#probes.filter(({ node }) => node.role === 'primary').map((probe) => this.#askPrimary(probe))
    const position = Promise.all(primary).then((positions) => positions[0])
    const replicas = this.#probes.filter(({ node }) => node.role === 'replica').map((probe) => this.#askReplica(probe, position))
    await Promise.all([...primary, ...replicas])
    return this.status()
  }

  /** @internal Probes one node now, because something went wrong with it. */
  async suspect(node: Node): Promise<void> {
    const probe = this.#probes.find((candidate) => candidate.node === node)
    if (!probe) return
    if (node.role === 'primary') await this.#askPrimary(probe)
    else await this.#askReplica(probe, Promise.resolve(this.#primaryPosition()))
  }

  /** What is known now; asks nobody. */
  status(): HealthStatus {
    return { healthy: this.isHealthy(), nodes: this.#probes.map(describe) }
  }

  /** Whether the service behind this database can work: the primary answers and is one (for a read-only one, any node). */
  isHealthy(): boolean {
    if (this.#closed) return false
    const { nodes, readOnly } = this.#parts
    return nodes.some((node) => {
      const answers = node.state !== 'down' && node.state !== 'unknown'
      return answers && (readOnly || (node.role === 'primary' && !node.misplaced))
    })
  }

  /** Lag of each replica as last seen. */
  replicationLag(): readonly ReplicationLag[] {
    return this.#parts.nodes.filter((node) => node.role === 'replica').map(({ name, lagMs, lagBytes }) => ({ node: name, lagMs, lagBytes }))
  }

  /** Replaces all connections and probes again: for use after a network was repaired. */
  async reconnect(): Promise<HealthStatus> {
    await Promise.all(this.#parts.nodes.map((node) => node.reset()))
    return this.check()
  }

  async #askPrimary(probe: NodeProbe): Promise<string | undefined> {
    const facts = await probe.ask()
    if (facts) probe.node.probed(facts, 0)
    return facts?.position
  }

  async #askReplica(probe: NodeProbe, primaryPosition: Promise<string | undefined>): Promise<void> {
    const facts = await probe.ask()
    if (!facts) return
    const ahead = await primaryPosition ?? this.#primaryPosition()
    const { distance } = this.#parts.probes
    const lagBytes = distance && ahead !== undefined && facts.position !== undefined ? distance(ahead, facts.position) : undefined
    // all of the primary's log that is known of has been replayed: however long ago that was, nothing is missing
    probe.node.probed(lagBytes === 0 ? { ...facts, lagMs: 0 } : facts, lagBytes)
  }

  #primaryPosition(): string | undefined {
    return this.#parts.nodes.find((node) => node.role === 'primary')?.facts?.position
  }
}

function describe({ node, version, checkedAt }: NodeProbe): NodeHealth {
  const { name, role, facts, state, lagMs, lagBytes, lagging, responseMs } = node
  return {
    name, role, says: facts?.role, state, lagMs, lagBytes, lagging, responseMs, version, checkedAt, lastError: node.lastError?.message,
  }
}
