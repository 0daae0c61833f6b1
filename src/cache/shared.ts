import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import { asError, sleep, withTimeout } from '../core/deadline.js'
import type { QueryResult } from '../core/result.js'
import type { Dependencies } from './dependencies.js'
import { snapshotOf, type Snapshot } from './snapshot.js'
import { ALL, type CacheStore } from '../core/cache-store.js'

/** Rows found in a shared store. */
export interface Found {
  readonly snapshot: Snapshot
  /** Milliseconds since their reading began. */
  readonly ageMs: number
}

/** What became of a look-up; `stamp` undefined: the store cannot be used now. */
export interface Lookup {
  readonly found: Found | undefined
  readonly stamp: string | undefined
}

/** What is stored beside rows. */
export interface About {
  readonly dependencies: Dependencies
  readonly stamp: string
  /** Milliseconds since their reading began. */
  readonly ageMs: number
  readonly ttlMs: number
}

const NOTHING: Lookup = { found: undefined, stamp: undefined }

/** A store that does not answer must not hold up a query, nor a writer, for longer. */
const PATIENCE_MS = 250
const RETRY_MS = 500
/** More names than that are told as "everything". */
const MAX_PENDING = 1_000

/**
 * Rows in a {@link CacheStore}. While an invalidation could not be delivered, this process reads nothing from the store and
 * tries again; others may read old rows there until their time is over.
 */
export class SharedEntries {
  readonly #store: CacheStore
  readonly #namespace: string
  readonly #onTrouble: (error: Error) => void
  readonly #closing = new AbortController()
  #pending = new Set<string>()
  #delivering: Promise<void> | undefined
  #inTrouble = false

  constructor(store: CacheStore, namespace: string, onTrouble: (error: Error) => void) {
    this.#store = store
    this.#namespace = namespace
    this.#onTrouble = onTrouble
  }

  /** Whether everything that was changed here is known to the store. */
  get settled(): boolean { return this.#pending.size === 0 && !this.#delivering }

  /** Never rejects. */
  async get(key: string, dependencies: Dependencies): Promise<Lookup> {
    if (!this.settled) return NOTHING
    try {
      const { value, stamp } = await this.#inTime(this.#store.get(this.#key(key), this.#tags(dependencies)))
      this.#inTrouble = false
      return { found: value === undefined ? undefined : found(value), stamp }
    } catch (error) {
      this.#complain(error)
      return NOTHING
    }
  }

  /** Keeps rows whose reading began when `stamp` was handed out. Never rejects. */
  async set(key: string, { result, instances }: Snapshot, about: About): Promise<void> {
    if (instances || about.ttlMs < 1) return
    try {
      const value = serialize({ ...result, loadedAt: Date.now() - about.ageMs }).toString('base64')
      const { stamp, ttlMs } = about
      await this.#inTime(this.#store.set(this.#key(key), value, { tags: this.#tags(about.dependencies), stamp, ttlMs: Math.ceil(ttlMs) }))
    } catch (error) {
      this.#complain(error)
    }
  }

  /** Resolves when the store has taken it, or does not answer for the time being; it is then told again. Never rejects. */
  async invalidate(dependencies: Dependencies | undefined): Promise<void> {
    for (const name of dependencies ?? [ALL]) this.#pending.add(name)
    if (this.#pending.size > MAX_PENDING) this.#pending = new Set([ALL])
    this.#delivering ??= this.#deliver().finally(() => { this.#delivering = undefined })
    await withTimeout(this.#delivering, PATIENCE_MS, () => new Error('slow')).catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#delivering
    await this.#store.close?.()
  }

  async #deliver(): Promise<void> {
    while (this.#pending.size > 0 && !this.#closing.signal.aborted) {
      // a name that changes once more while it is being told is told once more
      const names = this.#pending
      this.#pending = new Set()
      try {
        await this.#inTime(this.#store.deleteTagged([...names].map((name) => this.#tag(name))))
      } catch (error) {
        for (const name of names) this.#pending.add(name)
        this.#complain(error)
        await sleep(RETRY_MS, this.#closing.signal, false).catch(() => undefined)
      }
    }
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return withTimeout(answer, PATIENCE_MS, () => new Error(`the cache store did not answer within ${String(PATIENCE_MS)} ms`))
  }

  #complain(thrown: unknown): void {
    if (this.#inTrouble || this.#closing.signal.aborted) return
    this.#inTrouble = true
    this.#onTrouble(asError(thrown))
  }

  /** Texts and parameter values do not leave the process as they are. */
  #key(key: string): string { return createHash('sha256').update(`${this.#namespace}\0${key}`).digest('base64url') }

  #tag(name: string): string { return `${this.#namespace}:${name}` }

  #tags(dependencies: Dependencies): string[] { return [...dependencies, ALL].map((name) => this.#tag(name)) }
}

/** What another version wrote, or nobody knows who, is not there. */
function found(value: string): Found | undefined {
  try {
    const { loadedAt, ...result } = deserialize(Buffer.from(value, 'base64')) as QueryResult<unknown> & { loadedAt: number }
    if (!Array.isArray(result.rows) || typeof loadedAt !== 'number') return undefined
    return { snapshot: snapshotOf(result), ageMs: Math.max(0, Date.now() - loadedAt) }
  } catch {
    return undefined
  }
}
