import type { CacheEvent, Observer, QueryEvent } from '../core/observer.js'
import type { Shapes } from '../sql/shapes.js'
import { Quantiles } from './quantiles.js'

/** What became of all calls of one statement, since the database was made. Milliseconds, waiting for a connection included. */
export interface StatementStats {
  readonly fingerprint: string
  /** One of its texts, with `?` for every literal. */
  readonly text: string
  /** Attempts that reached or tried to reach a server. */
  readonly calls: number
  readonly errors: number
  /** Returned or affected. */
  readonly rows: number
  readonly totalMs: number
  readonly maxMs: number
  /** Percentiles, at most 9 % off. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** Calls by the node they ran on. */
  readonly nodes: Readonly<Record<string, number>>
  /** Calls answered by the query cache; not part of `calls`. */
  readonly cacheHits: number
}

/** What a list of statements is sorted by, the highest first. */
export type StatementOrder = 'totalMs' | 'calls' | 'errors' | 'rows' | 'maxMs' | 'p99' | 'cacheHits'

/** Which statements are wanted. */
export interface StatementQuery {
  /** Default `totalMs`. */
  readonly orderBy?: StatementOrder | undefined
  /** Default 50. */
  readonly limit?: number | undefined
}

interface Entry {
  readonly fingerprint: string
  readonly text: string
  readonly nodes: Map<string, number>
  readonly quantiles: Quantiles
  calls: number
  errors: number
  rows: number
  totalMs: number
  maxMs: number
  cacheHits: number
}

/** Statements remembered; when there are more, the tenth that took the least time is forgotten. */
const MAX_STATEMENTS = 1_000

/** Statistics per fingerprint, in bounded memory. */
export class StatementStatistics implements Observer {
  readonly #shapes: Shapes
  readonly #entries = new Map<string, Entry>()
  /** Of the last texts, so that the usual call needs one look-up. */
  #byText = new Map<string, Entry>()

  constructor(shapes: Shapes) { this.#shapes = shapes }

  query({ text, node, rowCount, durationMs, error }: QueryEvent): void {
    const entry = this.#entryOf(text)
    entry.calls++
    entry.totalMs += durationMs
    if (durationMs > entry.maxMs) entry.maxMs = durationMs
    entry.quantiles.record(durationMs)
    if (error) entry.errors++
    else {
      entry.rows += rowCount
      entry.nodes.set(node, (entry.nodes.get(node) ?? 0) + 1)
    }
  }

  cache({ text }: CacheEvent): void { this.#entryOf(text).cacheHits++ }

  list({ orderBy = 'totalMs', limit = 50 }: StatementQuery = {}): StatementStats[] {
    return Array.from(this.#entries.values(), statsOf).sort((a, b) => b[orderBy] - a[orderBy]).slice(0, limit)
  }

  #entryOf(text: string): Entry { return this.#byText.get(text) ?? this.#remember(text) }

  #remember(text: string): Entry {
    const { fingerprint, text: shown } = this.#shapes.of(text)
    let entry = this.#entries.get(fingerprint)
    if (!entry) {
      if (this.#entries.size >= MAX_STATEMENTS) this.#forget()
      entry = {
        fingerprint, text: shown, nodes: new Map(), quantiles: new Quantiles(), calls: 0, errors: 0, rows: 0, totalMs: 0, maxMs: 0, cacheHits: 0,
      }
      this.#entries.set(fingerprint, entry)
    }
    if (this.#byText.size >= MAX_STATEMENTS) this.#byText = new Map()
    this.#byText.set(text, entry)
    return entry
  }

  #forget(): void {
    const least = [...this.#entries.values()].sort((a, b) => a.totalMs - b.totalMs).slice(0, MAX_STATEMENTS / 10)
    for (const { fingerprint } of least) this.#entries.delete(fingerprint)
    this.#byText = new Map()
  }
}

function statsOf({ quantiles, nodes, ...counts }: Entry): StatementStats {
  const [p50 = 0, p95 = 0, p99 = 0] = quantiles.at(0.5, 0.95, 0.99)
  return { ...counts, p50, p95, p99, nodes: Object.fromEntries(nodes) }
}
