import { createRequire } from 'node:module'
import type * as LruCachePackage from 'lru-cache'
import type { Dependencies } from './dependencies.js'
import type { Snapshot } from './snapshot.js'

/** Rows in memory. */
export interface Entry {
  readonly snapshot: Snapshot
  readonly dependencies: Dependencies
  /** Reading of the logical clock when their reading began. */
  readonly stamp: number
  /** `performance.now()` when their reading began: their age counts from there. */
  readonly loadedAt: number
  /** Reading of the logical clock up to which they are known to hold. */
  checkedAt: number
}

/**
 * The entries of one cache, the least recently used leaving first. lru-cache is loaded with the first of them; its own
 * `fetch` is not used: there a delete during a load rejects those who wait, and one caller's abort rejects them all.
 */
export class Entries {
  readonly #limits: { readonly max: number; readonly maxBytes: number | undefined }
  #entries: LruCachePackage.LRUCache<string, Entry> | undefined
  #removing = false
  /** Entries that had to leave for others, ever. */
  evictions = 0

  constructor(limits: { readonly max: number; readonly maxBytes: number | undefined }) { this.#limits = limits }

  get size(): number { return this.#entries?.size ?? 0 }

  /** Estimated. */
  get bytes(): number { return this.#entries?.calculatedSize ?? 0 }

  get(key: string): Entry | undefined { return this.#entries?.get(key) }

  set(key: string, entry: Entry): void {
    this.#entries ??= this.#make()
    this.#entries.set(key, entry)
  }

  delete(key: string): void {
    this.#removing = true
    this.#entries?.delete(key)
    this.#removing = false
  }

  clear(): void {
    this.#removing = true
    this.#entries?.clear()
    this.#removing = false
  }

  #make(): LruCachePackage.LRUCache<string, Entry> {
    const { LRUCache } = createRequire(import.meta.url)('lru-cache') as typeof LruCachePackage
    const { max, maxBytes } = this.#limits
    return new LRUCache<string, Entry>({
      max, maxSize: maxBytes ?? Number.MAX_SAFE_INTEGER, sizeCalculation: ({ snapshot }) => snapshot.bytes,
      dispose: (_entry, _key, reason) => { if (reason === 'evict' && !this.#removing) this.evictions++ },
    })
  }
}
