import { Meter } from './meter.js'

/** What our own side counted for one server. */
export interface NodeCount {
  /** Reads answered by it. */
  reads: number
  /** Writes it acknowledged. */
  writes: number
  /** Reads that were sent once more because the connection they shared was stuck: the server may have counted them twice. */
  sentTwice: number
  readonly meter: Meter
}

/** A call that failed, for the summary. */
export interface Failure {
  readonly count: number
  /** Message of the first one. */
  readonly first: string | undefined
}

/** Books of the load: every acknowledged call by the server that answered it, and every failure. */
export class Ledger {
  readonly #nodes: ReadonlyMap<string, NodeCount>
  readonly #failed = { read: 0, write: 0 }
  readonly #first: { read?: string; write?: string } = {}
  #lastId = 0
  /** Acknowledged orders, and the sum of their ids: two that differ in any single order differ in one of these. */
  acknowledged = 0
  acknowledgedIdSum = 0
  /** Acknowledged writes that were transactions of several statements. */
  transactions = 0
  /** Reads whose answer was not the row asked for. */
  wrongAnswers = 0
  /** Attempts of reads that were made again elsewhere. */
  repeatedReads = 0

  constructor(names: readonly string[]) {
    this.#nodes = new Map(names.map((name) => [name, { reads: 0, writes: 0, sentTwice: 0, meter: new Meter() }]))
  }

  /** An id no other order has. */
  nextId(): number { return ++this.#lastId }

  node(name: string): NodeCount {
    const count = this.#nodes.get(name)
    if (count === undefined) throw new Error(`an answer came from '${name}', which is no server of the demo`)
    return count
  }

  read(node: string, durationMs: number, right: boolean): void {
    const count = this.node(node)
    count.reads++
    count.meter.record(durationMs)
    if (!right) this.wrongAnswers++
  }

  wrote(node: string, id: number, durationMs: number, transaction: boolean): void {
    const count = this.node(node)
    count.writes++
    count.meter.record(durationMs)
    this.acknowledged++
    this.acknowledgedIdSum += id
    if (transaction) this.transactions++
  }

  failed(kind: 'read' | 'write', error: unknown): void {
    this.#failed[kind]++
    this.#first[kind] ??= error instanceof Error ? error.message : String(error)
  }

  failures(kind: 'read' | 'write'): Failure {
    return { count: this.#failed[kind], first: this.#first[kind] }
  }

  get reads(): number { return this.#sum((count) => count.reads) }
  get writes(): number { return this.#sum((count) => count.writes) }

  /** Reads answered by all servers but one. */
  readsElsewhere(than: string): number { return this.reads - this.node(than).reads }

  #sum(of: (count: NodeCount) => number): number {
    let sum = 0
    for (const count of this.#nodes.values()) sum += of(count)
    return sum
  }
}
