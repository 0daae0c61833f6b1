import { randomUUID } from 'node:crypto'
import type { CacheStore, StoreAnswer } from '../core/cache-store.js'
import { load } from '../core/load.js'

/** What is asked of a Redis client: the npm package `redis` has it, connected by whoever made it. */
export interface RedisClient {
  sendCommand(args: string[]): Promise<unknown>
}

/** Settings of {@link redisStore}. */
export interface RedisStoreOptions {
  /** Begins every key; default `sluice:`. */
  readonly prefix?: string | undefined
}

/** How long a tag's version is kept when nothing changes. Longer than any entry lives; a lost version only costs a reload. */
const VERSION_MS = 30 * 24 * 60 * 60 * 1_000
const CONNECT_MS = 2_000

/**
 * Cached rows in Redis (or what speaks its protocol), shared by every process that names the same server and prefix.
 *
 * Every tag has a version, a random text that `deleteTagged` replaces; an entry carries the versions it was loaded under,
 * and counts only as long as they are the present ones. A version that was evicted comes back as another one: nothing old
 * is revived by that.
 *
 * @param server - a URL (then the npm package `redis` is needed), or a connected client, which stays yours to close
 * @example
 * ```ts
 * const db = await Database.open({ primary: url, cache: { store: redisStore('redis://cache1:6379') } })
 * ```
 */
export function redisStore(server: string | RedisClient, options: RedisStoreOptions = {}): CacheStore {
  return new RedisStore(server, options.prefix ?? 'sluice:')
}

class RedisStore implements CacheStore {
  readonly #server: string | RedisClient
  readonly #prefix: string
  #opening: Promise<RedisClient> | undefined
  #closed = false
  #own: { destroy(): void } | undefined

  constructor(server: string | RedisClient, prefix: string) {
    this.#server = server
    this.#prefix = prefix
  }

  async get(key: string, tags: readonly string[]): Promise<StoreAnswer> {
    const client = await this.#client()
    const [entry, ...versions] = texts(await client.sendCommand(['MGET', this.#entry(key), ...tags.map((tag) => this.#version(tag))]))
    const stamp = (versions.every((version) => version !== undefined) ? versions : await this.#made(client, tags)).join(' ')
    return { value: entry?.startsWith(`${stamp}\n`) ? entry.slice(stamp.length + 1) : undefined, stamp }
  }

  async set(key: string, value: string, about: { readonly stamp: string; readonly ttlMs: number }): Promise<void> {
    const client = await this.#client()
    await client.sendCommand(['SET', this.#entry(key), `${about.stamp}\n${value}`, 'PX', String(about.ttlMs)])
  }

  async deleteTagged(tags: readonly string[]): Promise<void> {
    const client = await this.#client()
    await Promise.all(tags.map((tag) => client.sendCommand(['SET', this.#version(tag), randomUUID(), 'PX', String(VERSION_MS)])))
  }

  async close(): Promise<void> {
    // one that is still connecting, or not yet, ends there
    this.#closed = true
    this.#own?.destroy()
    this.#own = undefined
    await this.#opening?.catch(() => undefined)
  }

  /** Versions of tags that have none yet; whoever makes one first has made it for all. */
  async #made(client: RedisClient, tags: readonly string[]): Promise<readonly string[]> {
    await Promise.all(tags.map((tag) => client.sendCommand(['SET', this.#version(tag), randomUUID(), 'NX', 'PX', String(VERSION_MS)])))
    const versions = texts(await client.sendCommand(['MGET', ...tags.map((tag) => this.#version(tag))]))
    return versions.map((version) => version ?? randomUUID())
  }

  async #client(): Promise<RedisClient> {
    if (typeof this.#server !== 'string') return this.#server
    this.#opening ??= this.#connect(this.#server)
    try {
      return await this.#opening
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /** A client that says at once that it has no connection, and finds its way back by itself. */
  async #connect(url: string): Promise<RedisClient> {
    const { createClient } = await load('redis', () => import('redis'), 'redisStore(url)')
    if (this.#closed) throw new Error('the cache store is closed')
    const client = createClient({ url, disableOfflineQueue: true, socket: { connectTimeout: CONNECT_MS } })
    this.#own = client
    // every failure reaches the command it belongs to
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  #entry(key: string): string { return `${this.#prefix}e:${key}` }

  #version(tag: string): string { return `${this.#prefix}v:${tag}` }
}

function texts(answer: unknown): (string | undefined)[] {
  return Array.isArray(answer) ? answer.map((text: unknown) => typeof text === 'string' ? text : undefined) : []
}
