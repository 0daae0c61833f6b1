import type { Readable } from 'node:stream'

/** One stored object. */
export interface StoredObject {
  /** Letters, digits and `._-/`, never beginning with `/`. */
  readonly key: string
  readonly bytes: number
  readonly modifiedAt: Date
}

/** How an object is written. */
export interface WriteOptions {
  readonly signal?: AbortSignal | undefined
  /** Refuse when the key exists; see {@link BackupStore.write}. */
  readonly ifAbsent?: boolean | undefined
}

/** Where backups are kept: implement these four methods to keep them somewhere else. */
export interface BackupStore {
  /** For people: the location without secrets. */
  readonly location: string
  /**
   * Stores everything `body` yields, all or nothing: when `body` throws or `signal` aborts, nothing is left under `key` and
   * none of its parts either.
   *
   * @returns false when `ifAbsent` was asked for and the key exists; true otherwise
   * @throws whatever `body` throws, as it is; else {@link BackupError} `failed`
   */
  write(key: string, body: AsyncIterable<Buffer>, options?: WriteOptions): Promise<boolean>
  /**
   * The object from its beginning.
   *
   * @throws {@link BackupError} `notFound`
   */
  read(key: string, signal?: AbortSignal): Promise<Readable>
  /** Objects whose keys begin with `prefix`, in any order. */
  list(prefix: string): AsyncIterable<StoredObject>
  /** Removes an object; one that is not there is no error. */
  remove(key: string): Promise<void>
  /** Removes what writes that died left under `prefix` longer ago than this. Stores that leave nothing do without. */
  sweep?(prefix: string, olderThanMs: number): Promise<number>
}

/** A small object's text. */
export async function readText(store: BackupStore, key: string, signal?: AbortSignal): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of await store.read(key, signal)) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

/** Stores a small text. */
export function writeText(store: BackupStore, key: string, text: string, options?: WriteOptions): Promise<boolean> {
  return store.write(key, once(Buffer.from(text)), options)
}

async function* once(part: Buffer): AsyncGenerator<Buffer> {
  yield part
}
