/** What a shared store knows about a key. */
export interface StoreAnswer {
  /** What was stored, as long as none of its tags has changed since its `stamp` was handed out. */
  readonly value: string | undefined
  /** State of the tags now; handed back to {@link CacheStore.set} by whoever loads the value anew. */
  readonly stamp: string
}

/**
 * Where several processes keep cached rows together: `redisStore` is one. Every promise may reject; then rows are read from
 * the database instead.
 *
 * Invariant a store must keep: once `deleteTagged` has resolved, no `get` answers with a value whose stamp was handed out
 * before, however late that value is stored.
 */
export interface CacheStore {
  get(key: string, tags: readonly string[]): Promise<StoreAnswer>
  set(key: string, value: string, about: { readonly tags: readonly string[]; readonly stamp: string; readonly ttlMs: number }): Promise<void>
  /** Everything with one of these tags is no longer valid; every value has the tag `*all`, too. */
  deleteTagged(tags: readonly string[]): Promise<void>
  close?(): Promise<void>
}

/** The tag of every value. */
export const ALL = '*all'
