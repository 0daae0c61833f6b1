import { detached } from '../core/detached.js'
import type { NodeFacts, Probes } from '../core/dialect.js'
import type { Role } from '../core/observer.js'
import type { HealthSettings } from '../core/settings.js'
import { Ticker } from '../core/ticker.js'
import type { Node, NodeState } from '../router/node.js'
import type { Roles } from '../router/roles.js'
import { NodeProbe } from './node-probe.js'
import { Pursuit } from './pursuit.js'
import { SilenceWatch } from './silence.js'

/** Condition of one node. */
export interface NodeHealth {
  readonly name: string
  /** What it is taken for now. */
  readonly role: Role
  /** What it says itself; undefined before it was asked. */
  readonly says: Role | undefined
  readonly state: NodeState
  /** Replication lag in milliseconds; undefined when unknown. */
  readonly lagMs: number | undefined
  /** Bytes behind the primary; undefined when unknown. */
  readonly lagBytes: number | undefined
  /** Why it must not be used at all, whatever its state: a former primary, a stranger; undefined when it may. */
  readonly fenced: string | undefined
  /** Takes no reads because of its lag. */
  readonly lagging: boolean
  /** Why it gets no reads for a while although it answers; undefined when it may have some. */
  readonly ejected: string | undefined
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
  readonly nodes: () => readonly Node[]
  readonly roles: Roles
  readonly probes: Probes
  readonly settings: HealthSettings
  /** A database for reads only: healthy as long as any node answers. */
  readonly readOnly: boolean
  /** Called after each regular round of probes. */
  readonly judge: () => void
  /** Calls that wait for a primary now. */
  readonly waiting: () => number
}

/** So long the primary is looked for at a quick pace although nobody waits for it. */
const UNASKED_MS = 60_000

/** Probes every node at intervals and at the first sign of trouble, and tells what it found. */
export class HealthChecker {
  readonly #parts: HealthParts
  readonly #probes = new Map<Node, NodeProbe>()
  readonly #ticker: Ticker
  readonly #pursuit: Pursuit<Node>
  readonly #silence: SilenceWatch
  #soughtAt = 0
  #closed = false
  #stopped = false

  /** @internal */
  constructor(parts: HealthParts) {
    this.#parts = parts
    const { nodes, settings, roles, waiting } = parts
    this.#ticker = new Ticker(async () => {
      await this.check()
      parts.judge()
    }, () => settings.intervalMs)
    this.#pursuit = new Pursuit({
      targets: nodes, longestMs: settings.intervalMs,
      ask: (node) => this.#ask(node, undefined),
      wanted: () => roles.writable === undefined && (waiting() > 0 || performance.now() - this.#soughtAt < UNASKED_MS),
    })
    this.#silence = new SilenceWatch({ nodes, ask: async (node) => await this.#probeOf(node).ask() !== undefined })
  }

  /** Starts probing every `health.intervalMs`. Does not keep the process alive. */
  start(): void {
    this.#stopped = false
    if (this.#closed) return
    detached(() => {
      this.#ticker.start()
      this.#silence.start()
    })
  }

  /** @internal Starts unless it was stopped by hand: only a probe finds a node again that is down. */
  ensure(): void {
    if (!this.#stopped) this.start()
  }

  /**
   * Stops probing and closes the probes' connections; {@link HealthChecker.start} begins again. Meanwhile a replica that
   * is found dead stays without traffic, and one that was dead is not found again; a primary is still looked for while
   * work waits for it.
   */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#halt((probe) => probe.release())
  }

  /** @internal Stops for good: also a check asked for later opens nothing. */
  async close(): Promise<void> {
    this.#closed = true
    this.#pursuit.close()
    await this.#halt((probe) => probe.close())
  }

  /** Probes every node now. Never rejects: a node that cannot be asked is reported as such. */
  async check(): Promise<HealthStatus> {
    const { roles } = this.#parts
    const { primary } = roles
    const position = primary && this.#probeOf(primary).ask().then((facts) => facts?.position)
    await Promise.all(this.#parts.nodes().map((node) => this.#ask(node, position)))
    return this.status()
  }

  /** @internal Probes one node now, because something went wrong with it. */
  async suspect(node: Node): Promise<void> { await this.#ask(node, undefined) }

  /** @internal Asks all nodes who they are; resolves when the named one has answered or failed to. */
  async ask(name: string | undefined): Promise<void> {
    const answers = this.#parts.nodes().map((node) => ({ node, answer: this.#ask(node, undefined) }))
    const asked = answers.filter(({ node }) => name === undefined || node.name === name)
    await Promise.all((asked.length > 0 ? asked : answers).map(({ answer }) => answer))
  }

  /** @internal Asks all nodes again and again until there is a primary. */
  seek(): void {
    if (this.#closed || this.#parts.roles.writable !== undefined) return
    this.#soughtAt = performance.now()
    this.#pursuit.start()
  }

  /** What is known now; asks nobody. */
  status(): HealthStatus {
    return { healthy: this.isHealthy(), nodes: this.#parts.nodes().map((node) => describe(this.#probeOf(node))) }
  }

  /** Whether the service behind this database can work: the primary answers and is one (for a read-only one, any node). */
  isHealthy(): boolean {
    if (this.#closed) return false
    const { nodes, readOnly, roles } = this.#parts
    if (readOnly) return nodes().some(answers)
    const { primary, writable } = roles
    return writable !== undefined && answers(writable) && !writable.misplaced && primary === writable
  }

  /** Lag of each replica as last seen. */
  replicationLag(): readonly ReplicationLag[] {
    return this.#parts.nodes().filter((node) => node.role === 'replica').map(({ name, lagMs, lagBytes }) => ({ node: name, lagMs, lagBytes }))
  }

  /**
   * Replaces all connections, forgets which primaries and clusters were seen, and probes again: for use after a network or
   * a cluster was repaired by hand.
   */
  async reconnect(): Promise<HealthStatus> {
    await Promise.all(this.#parts.nodes().map((node) => node.reset()))
    this.#parts.roles.forget()
    return this.check()
  }

  /**
   * @param position - of the primary, to measure by; undefined: as last known. It is not waited for where the answer itself
   * is news about the primary.
   */
  async #ask(node: Node, position: Promise<string | undefined> | undefined): Promise<void> {
    const facts = await this.#probeOf(node).ask()
    if (!facts) return
    const { roles, probes: { distance } } = this.#parts
    if (facts.role === 'primary' || facts.role !== node.role) {
      roles.learned(node, facts, facts.role === 'primary' ? 0 : undefined)
      return
    }
    const ahead = await position ?? roles.primary?.facts?.position
    const lagBytes = distance && ahead !== undefined && facts.position !== undefined ? distance(ahead, facts.position) : undefined
    roles.learned(node, withLag(facts, lagBytes), lagBytes)
  }

  #probeOf(node: Node): NodeProbe {
    let probe = this.#probes.get(node)
    if (!probe) {
      probe = new NodeProbe(node, this.#parts.probes.node, this.#parts.settings.timeoutMs)
      this.#probes.set(node, probe)
      if (this.#closed) void probe.close()
    }
    return probe
  }

  async #halt(end: (probe: NodeProbe) => Promise<void>): Promise<void> {
    const stopped = [this.#ticker.stop(), this.#silence.stop()]
    await Promise.all(Array.from(this.#probes.values(), end))
    await Promise.all(stopped)
  }
}

function answers({ state }: Node): boolean {
  return state !== 'down' && state !== 'unknown'
}

/** All of the primary's log that is known of has been replayed: however long ago that was, nothing is missing. */
function withLag(facts: NodeFacts, lagBytes: number | undefined): NodeFacts {
  return lagBytes === 0 ? { ...facts, lagMs: 0 } : facts
}

function describe({ node, version, checkedAt }: NodeProbe): NodeHealth {
  const { name, role, facts, state, fenced, lagMs, lagBytes, lagging, ejected, responseMs } = node
  return {
    name, role, says: facts?.role, state, fenced, lagMs, lagBytes, lagging, ejected, responseMs, version, checkedAt, lastError: node.lastError?.message,
  }
}
