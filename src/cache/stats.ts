/** Counters of a query cache since it was made, and its size now. */
export interface CacheStats {
  readonly entries: number
  /** Estimated size of the entries. */
  readonly bytes: number
  /** Answered from the cache. */
  readonly hits: number
  /** Answered by the database, the first to ask. */
  readonly misses: number
  /** Answered with rows past their time, while they were being refreshed. */
  readonly stale: number
  /** Waited for somebody else's load of the same rows. */
  readonly coalesced: number
  /** Asked for the cache and could not use it: no proven read, a transaction, parameters without a key, no news of other processes. */
  readonly bypassed: number
  /** Results that were not kept because something they were read from changed meanwhile, or a replica was behind. */
  readonly refused: number
  /** Entries that left because there was no room. */
  readonly evictions: number
  readonly invalidations: number
  /** Refreshes in the background that failed. */
  readonly refreshErrors: number
  /** Share of `hits`, `stale` and `coalesced` in everything that was looked up, 0 to 1. */
  readonly hitRatio: number
  /** News of other processes' writes arrive; undefined where none are asked for. */
  readonly connected: boolean | undefined
}

/** The counters behind {@link CacheStats}. */
export class CacheCounters {
  hits = 0
  misses = 0
  stale = 0
  coalesced = 0
  bypassed = 0
  refused = 0
  invalidations = 0
  refreshErrors = 0

  snapshot(size: Pick<CacheStats, 'entries' | 'bytes' | 'evictions' | 'connected'>): CacheStats {
    const { hits, misses, stale, coalesced, bypassed, refused, invalidations, refreshErrors } = this
    const spared = hits + stale + coalesced
    const hitRatio = spared === 0 ? 0 : spared / (spared + misses)
    return { hits, misses, stale, coalesced, bypassed, refused, invalidations, refreshErrors, hitRatio, ...size }
  }
}
