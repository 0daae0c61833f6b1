import type { EjectionSettings } from '../core/settings.js'
import type { Node } from './node.js'

/** Told when a replica is ejected, and when it may be tried again. */
export type EjectionListener = (node: Node, from: string, to: string, reason: string) => void

/** With fewer answers since the last look a mean says nothing. */
const MIN_ANSWERS = 10
/** What a replica did wrong is forgotten when it has been good for so long, or for twice its last ejection. */
const FORGIVEN_MS = 60_000

/** What a replica did wrong of late. */
interface Record {
  ejections: number
  flaps: number
  forgivenAt: number
}

/**
 * Takes reads from a replica that answers, and yet does harm: it is far slower than the others, or fails again and again as
 * soon as it is given work. Each time longer than the time before; never more replicas at once than a share of them, so that
 * what slows down all of them together (a lock, a bad plan) ejects hardly any. A replica that comes back is on trial.
 *
 * After Envoy's outlier detection, with the comparison against the median of the other replicas' means.
 */
export class Outliers {
  readonly #nodes: () => readonly Node[]
  readonly #settings: EjectionSettings
  readonly #tell: EjectionListener
  readonly #random: () => number
  readonly #records = new WeakMap<Node, Record>()

  constructor(nodes: () => readonly Node[], settings: EjectionSettings, tell: EjectionListener, random: () => number = Math.random) {
    this.#nodes = nodes
    this.#settings = settings
    this.#tell = tell
    this.#random = random
  }

  /** Compares what the replicas did since the last look; called at intervals. */
  judge(now = performance.now()): void {
    const replicas = this.#replicas()
    for (const node of replicas) if (node.readmit(now)) this.#tell(node, 'ejected', node.state, 'its ejection is over')
    const looked = replicas.map((node) => ({ node, ...node.takeAnswers() }))
      .filter(({ node, answers }) => answers >= MIN_ANSWERS && node.ejected === undefined && node.state === 'up')
    const { latencyFactor, minLatencyMs } = this.#settings
    for (const { node, meanMs } of looked) {
      const others = looked.filter((other) => other.node !== node).map((other) => other.meanMs)
      if (others.length === 0) continue
      const usualMs = median(others)
      if (meanMs <= usualMs * latencyFactor || meanMs - usualMs < minLatencyMs) continue
      this.#eject(node, `it answers in ${String(Math.round(meanMs))} ms, the others in ${String(Math.round(usualMs))} ms`, now)
    }
  }

  /** A replica that had come back failed at once. The first time that may be chance. */
  flapped(node: Node, now = performance.now()): void {
    const record = this.#record(node, now)
    record.flaps++
    record.forgivenAt = Math.max(record.forgivenAt, now + FORGIVEN_MS)
    if (record.flaps > 1) this.#eject(node, `it failed ${String(record.flaps)} times as soon as it was given work`, now)
  }

  #eject(node: Node, reason: string, now: number): void {
    const replicas = this.#replicas()
    const ejected = replicas.filter((other) => other.ejected !== undefined && other !== node).length
    if (ejected + 1 > Math.floor(this.#settings.maxShare * replicas.length)) return
    const record = this.#record(node, now)
    const { baseMs, maxMs } = this.#settings
    const longest = Math.min(maxMs, baseMs * 2 ** Math.min(record.ejections, 30))
    // all processes see the same slow replica: without jitter they would all try it again at once
    const forMs = longest * (0.75 + this.#random() / 4)
    record.ejections++
    record.forgivenAt = now + forMs + Math.max(FORGIVEN_MS, 2 * forMs)
    const from = node.ejected === undefined ? node.state : 'ejected'
    node.eject(reason, now + forMs)
    this.#tell(node, from, 'ejected', `${reason}; no reads for ${(forMs / 1_000).toFixed(1)} s`)
  }

  #record(node: Node, now: number): Record {
    const known = this.#records.get(node)
    if (known && now < known.forgivenAt) return known
    const record = { ejections: 0, flaps: 0, forgivenAt: now + FORGIVEN_MS }
    this.#records.set(node, record)
    return record
  }

  #replicas(): readonly Node[] { return this.#nodes().filter(({ role, fenced }) => role === 'replica' && fenced === undefined) }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
