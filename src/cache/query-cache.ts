import type { Limits } from '../core/deadline.js'
import type { QueryResult } from '../core/result.js'
import type { InvalidationBus } from './bus.js'
import { checkedInvalidation, dependenciesOf, touchedBy, type Dependencies, type Invalidation, type Named } from './dependencies.js'
import { Entries, type Entry } from './entries.js'
import { Flight, type LimitError } from './flight.js'
import { Generations } from './generations.js'
import { Keys } from './key.js'
import type { SharedEntries } from './shared.js'
import { handOut, snapshotOf, type Snapshot } from './snapshot.js'
import { CacheCounters, type CacheStats } from './stats.js'

/** One call that wants to be answered from the cache. */
export interface Ask {
  readonly key: string
  /** Tables read off the statement; undefined when that cannot be told. */
  readonly tables: readonly string[] | undefined
  /** What the caller named himself. */
  readonly named: Named
  /** Age up to which this caller takes rows as fresh, and for how long after that while they are refreshed. */
  readonly ttlMs: number
  readonly swrMs: number
  /** `performance.now()` of the call. */
  readonly startedAt: number
  readonly limits: Limits
  readonly limitError: LimitError
}

/** What a load gives: the result, and whether others may have it too. */
export interface Loaded {
  readonly result: QueryResult<unknown>
  /** It is known to include every change this process knows of. */
  readonly upToDate: boolean
}

/**
 * Reads the rows from the database.
 *
 * @param changedAt - `performance.now()` of the last known change of anything they are read from; `-Infinity` for none
 */
export type Load = (signal: AbortSignal, changedAt: number) => Promise<Loaded>

/** How a call was answered. */
export type CacheOutcome = 'hit' | 'miss' | 'stale' | 'coalesced' | 'bypass'

/** What a cache is made of. */
export interface QueryCacheParts {
  readonly max: number
  readonly maxBytes: number | undefined
  /** What to do while the news of other processes do not arrive. */
  readonly whileDisconnected: 'bypass' | 'serve'
  readonly bus?: InvalidationBus | undefined
  readonly shared?: SharedEntries | undefined
  /** Told why a refresh in the background failed. */
  readonly onRefreshError?: ((error: unknown) => void) | undefined
  readonly now?: (() => number) | undefined
}

interface Journey {
  readonly flight: Flight<Arrived>
  readonly dependencies: Dependencies
  readonly stamp: number
  readonly startedAt: number
}

interface Arrived {
  readonly snapshot: Snapshot
  /** The rows as the driver gave them; undefined when they came out of a shared store. */
  readonly original: QueryResult<unknown> | undefined
}

/**
 * Rows of statements that asked for it (`cache: true`), kept until they are too old or something they were read from
 * changes. Writes through the database invalidate their tables by themselves, after they are committed.
 *
 * Invariant (docs/decisions/0007-query-cache.md argues it): rows are handed out only if nothing that they depend on was
 * known to have changed after their reading had begun.
 */
export class QueryCache {
  readonly #parts: QueryCacheParts
  readonly #entries: Entries
  readonly #generations = new Generations()
  readonly #journeys = new Map<string, Journey>()
  readonly #counters = new CacheCounters()
  readonly #now: () => number
  readonly #keys: Keys

  /** @internal */
  constructor(parts: QueryCacheParts) {
    this.#parts = parts
    this.#entries = new Entries(parts)
    this.#now = parts.now ?? (() => performance.now())
    this.#keys = new Keys(parts.shared !== undefined)
  }

  /** @internal Listens to the news of other processes. */
  start(): void { this.#parts.bus?.start({ changed: (names) => { this.#apply(names) } }) }

  /**
   * Drops what depends on any of these. Entries that are being loaded now are not kept either. Resolves when a shared
   * store has been told.
   *
   * @throws ConfigError `what` holds something else than lists of tables, tags or keys
   *
   * @example
   * ```ts
   * await db.cache.invalidate({ tables: ['users'], tags: ['dashboard'] })
   * ```
   */
  async invalidate(what: Invalidation): Promise<void> { await this.#change(touchedBy(checkedInvalidation(what))) }

  /** Drops everything. */
  async clear(): Promise<void> { await this.#change(undefined) }

  stats(): CacheStats {
    const { size: entries, bytes, evictions } = this.#entries
    return this.#counters.snapshot({ entries, bytes, evictions, connected: this.#parts.bus?.connected })
  }

  /** @internal A change of these tables was committed; undefined: of any. */
  written(tables: readonly string[] | undefined): Promise<void> | undefined {
    return this.#change(tables && touchedBy({ tables }))
  }

  /** @internal Another server takes writes now: it may lack commits whose rows are kept here, and its news come from there. */
  failedOver(): void {
    this.#apply(undefined)
    this.#parts.bus?.reconnect()
    void this.#parts.shared?.invalidate(undefined)
  }

  /** @internal A call wanted the cache and goes without it. */
  bypass(): void { this.#counters.bypassed++ }

  /**
   * @internal The key of a statement; undefined when its parameters have none.
   *
   * @param scope - what else makes answers differ: the role asked for
   */
  keyOf(text: string, params: readonly unknown[], scope: string, ownKey: string | undefined): string | undefined {
    return this.#keys.of(text, params, scope, ownKey)
  }

  /** @internal Rows that may be handed out now, without loading; for callers that must not fill the cache. */
  peek<Row>(ask: Ask): QueryResult<Row> | undefined {
    const entry = this.#usable ? this.#valid(ask.key) : undefined
    if (!entry || ask.startedAt - entry.loadedAt >= ask.ttlMs) return undefined
    this.#counters.hits++
    return handOut<Row>(entry.snapshot, ask.startedAt)
  }

  /** @internal Answers from the cache, else from the database: once for everybody who asks meanwhile. */
  fetch<Row>(ask: Ask, load: Load, tell?: (outcome: CacheOutcome) => void): Promise<QueryResult<Row>> {
    if (!this.#usable) {
      this.#counters.bypassed++
      tell?.('bypass')
      return this.#alone<Row>(ask, load)
    }
    const entry = this.#valid(ask.key)
    const ageMs = entry ? ask.startedAt - entry.loadedAt : Infinity
    if (entry && ageMs < ask.ttlMs) {
      this.#counters.hits++
      tell?.('hit')
      return Promise.resolve(handOut<Row>(entry.snapshot, ask.startedAt))
    }
    if (entry && ageMs < ask.ttlMs + ask.swrMs) {
      this.#counters.stale++
      tell?.('stale')
      this.#refresh(ask, load)
      return Promise.resolve(handOut<Row>(entry.snapshot, ask.startedAt))
    }
    return this.#travel<Row>(ask, load, tell)
  }

  /** @internal */
  async close(): Promise<void> {
    for (const { flight } of this.#journeys.values()) flight.abort()
    this.#entries.clear()
    await Promise.all([this.#parts.bus?.close(), this.#parts.shared?.close()])
  }

  /** Whether what other processes change is known here, or need not be. */
  get #usable(): boolean {
    const { bus, whileDisconnected } = this.#parts
    return bus === undefined || whileDisconnected === 'serve' || bus.connected
  }

  #travel<Row>(ask: Ask, load: Load, tell: ((outcome: CacheOutcome) => void) | undefined): Promise<QueryResult<Row>> {
    const journey = this.#journeys.get(ask.key)
    if (journey && this.#holds(journey) && ask.startedAt - journey.startedAt <= ask.ttlMs + ask.swrMs) {
      this.#counters.coalesced++
      tell?.('coalesced')
      return journey.flight.join(ask.limits, ask.limitError).then(({ snapshot }) => handOut<Row>(snapshot, ask.startedAt))
    }
    this.#counters.misses++
    tell?.('miss')
    const { flight } = this.#depart(ask, load, false)
    return flight.join(ask.limits, ask.limitError).then(({ snapshot, original }) => (original ?? handOut(snapshot, ask.startedAt)) as QueryResult<Row>)
  }

  #refresh(ask: Ask, load: Load): void {
    const journey = this.#journeys.get(ask.key)
    if (journey && this.#holds(journey)) return
    const { flight } = this.#depart(ask, load, true)
    flight.join({ expiresAt: Infinity, signal: undefined }, ask.limitError).catch((error: unknown) => {
      this.#counters.refreshErrors++
      this.#parts.onRefreshError?.(error)
    })
  }

  /** Without looking and without keeping. */
  #alone<Row>(ask: Ask, load: Load): Promise<QueryResult<Row>> {
    const flight = new Flight<Loaded>(false)
    flight.start((signal) => load(signal, this.#generations.last(this.#dependenciesOf(ask)).at), () => undefined)
    return flight.join(ask.limits, ask.limitError).then(({ result }) => result as QueryResult<Row>)
  }

  #depart(ask: Ask, load: Load, refresh: boolean): Journey {
    const { key } = ask
    const dependencies = this.#dependenciesOf(ask)
    const journey: Journey = { flight: new Flight<Arrived>(refresh), dependencies, stamp: this.#generations.stamp, startedAt: this.#now() }
    const forget = (): void => { if (this.#journeys.get(key) === journey) this.#journeys.delete(key) }
    this.#journeys.set(key, journey)
    journey.flight.start(async (signal) => {
      try {
        return this.#parts.shared ? await this.#throughStore(ask, journey, load, signal, this.#parts.shared) : await this.#load(ask, journey, load, signal)
      } finally {
        forget()
      }
    }, forget)
    return journey
  }

  async #load({ key }: Ask, journey: Journey, load: Load, signal: AbortSignal): Promise<Arrived> {
    const { result, upToDate } = await load(signal, this.#generations.last(journey.dependencies).at)
    const snapshot = snapshotOf(result)
    if (upToDate && this.#usable && this.#holds(journey)) {
      const { dependencies, stamp, startedAt: loadedAt } = journey
      this.#entries.set(key, { snapshot, dependencies, stamp, loadedAt, checkedAt: stamp })
    } else {
      this.#counters.refused++
    }
    return { snapshot, original: result }
  }

  async #throughStore(ask: Ask, journey: Journey, load: Load, signal: AbortSignal, shared: SharedEntries): Promise<Arrived> {
    const { dependencies } = journey
    const { found, stamp } = await shared.get(ask.key, dependencies)
    if (found && found.ageMs < ask.ttlMs && this.#holds(journey)) {
      this.#counters.misses--
      this.#counters.hits++
      return { snapshot: found.snapshot, original: undefined }
    }
    const startedAt = this.#now()
    const { result, upToDate } = await load(signal, this.#generations.last(dependencies).at)
    const snapshot = snapshotOf(result)
    if (upToDate && stamp !== undefined && this.#holds(journey)) {
      await shared.set(ask.key, snapshot, { dependencies, stamp, ageMs: this.#now() - startedAt, ttlMs: ask.ttlMs })
    } else {
      this.#counters.refused++
    }
    return { snapshot, original: result }
  }

  /** The entry, unless something it was read from has changed since; then it is dropped. */
  #valid(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    const { stamp } = this.#generations
    if (entry.checkedAt === stamp) return entry
    if (!this.#holds(entry)) {
      this.#entries.delete(key)
      return undefined
    }
    entry.checkedAt = stamp
    return entry
  }

  /** Whether nothing that this was read from is known to have changed since the reading began. */
  #holds({ dependencies, stamp }: { readonly dependencies: Dependencies; readonly stamp: number }): boolean {
    return this.#generations.last(dependencies).stamp <= stamp
  }

  #change(names: Dependencies | undefined): Promise<void> | undefined {
    if (names?.length === 0) return undefined
    this.#apply(names)
    this.#parts.bus?.publish(names)
    return this.#parts.shared?.invalidate(names)
  }

  #apply(names: Dependencies | undefined): void {
    this.#counters.invalidations++
    this.#generations.change(names, this.#now())
    if (!names) this.#entries.clear()
  }

  #dependenciesOf({ tables, named }: Ask): Dependencies { return dependenciesOf(tables, named) }
}
