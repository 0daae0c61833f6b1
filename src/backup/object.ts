import type { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { AgeDecrypt } from './age/decrypt.js'
import { AgeEncrypt } from './age/encrypt.js'
import type { ReadKeys, WriteKeys } from './age/header.js'
import { BackupError } from './errors.js'
import type { ManifestObject } from './manifest.js'
import type { BackupStore } from './store.js'
import { Digest } from './streams.js'

type Stages = [Readable, ...Transform[]]

/**
 * Runs data through all stages into `sink`; the first error of any of them ends all of them, and is the one thrown. It is
 * over only when `sink` is: an aborted pipeline rejects at once, while a store still takes back what it wrote.
 */
export async function flow(stages: Stages, sink: (source: AsyncIterable<Buffer>) => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  let sinking: Promise<void> | undefined
  const tracked = (source: AsyncIterable<Buffer>): Promise<void> => sinking = sink(source)
  try {
    await pipeline([...stages, tracked] as unknown as readonly NodeJS.ReadWriteStream[], signal ? { signal } : {})
  } finally {
    await sinking?.catch(() => undefined)
  }
}

/** How an object is made of the bytes of its source. */
export interface ObjectRecipe {
  readonly store: BackupStore
  /** Key in the store. */
  readonly key: string
  /** Name in the manifest. */
  readonly name: string
  readonly kind: ManifestObject['kind']
  readonly gzip: boolean
  readonly keys: WriteKeys | undefined
  readonly signal: AbortSignal
  readonly onBytes: (bytes: number) => void
}

/**
 * Compresses, encrypts and stores a stream; hashes before and after. Nothing is stored when the source fails.
 *
 * @param source - ends only when what it comes from has succeeded
 * @returns the object's entry for the manifest, and the last bytes of the plain data
 */
export async function writeObject(source: Stages, recipe: ObjectRecipe): Promise<{ object: ManifestObject; tail: string }> {
  const { store, key, signal } = recipe
  const plain = new Digest(recipe.onBytes)
  const sealed = new Digest()
  const stages: Transform[] = [plain, ...recipe.gzip ? [createGzip()] : [], ...recipe.keys ? [new AgeEncrypt(recipe.keys)] : [], sealed]
  await flow([...source, ...stages] as Stages, async (body) => { await store.write(key, body, { signal }) }, signal)
  return {
    object: { key: recipe.name, kind: recipe.kind, plainSha256: plain.sha256, plainBytes: plain.bytes, sha256: sealed.sha256, bytes: sealed.bytes },
    tail: plain.tail,
  }
}

/** How an object is read. */
export interface ReadRecipe {
  readonly store: BackupStore
  readonly key: string
  readonly object: ManifestObject
  readonly gzip: boolean
  /** undefined = it is not encrypted. */
  readonly keys: ReadKeys | undefined
  readonly signal: AbortSignal | undefined
  readonly onBytes: (bytes: number) => void
}

/**
 * Reads an object into `sink`, as the tool wrote it, and compares both hashes at the end.
 *
 * @returns the last bytes of the plain data
 * @throws {@link BackupError} `corrupt`, naming the object; `keyMissing`
 */
export async function readObject(recipe: ReadRecipe, sink: (source: AsyncIterable<Buffer>) => Promise<void>): Promise<string> {
  const { store, key, object, keys, signal } = recipe
  const sealed = new Digest(recipe.onBytes)
  const plain = new Digest()
  try {
    const stages: Transform[] = [sealed, ...keys ? [new AgeDecrypt(keys)] : [], ...recipe.gzip ? [createGunzip()] : [], plain]
    await flow([await store.read(key, signal), ...stages], sink, signal)
  } catch (error) {
    throw explained(error, key)
  }
  compare(key, 'as stored', object.sha256, object.bytes, sealed)
  compare(key, 'as dumped', object.plainSha256, object.plainBytes, plain)
  return plain.tail
}

/**
 * Reads an object as it is stored and compares its hash.
 *
 * @throws {@link BackupError} `corrupt`, naming the object
 */
export async function checkStored(recipe: Omit<ReadRecipe, 'gzip' | 'keys'>): Promise<void> {
  const sealed = new Digest(recipe.onBytes)
  try {
    await flow([await recipe.store.read(recipe.key, recipe.signal), sealed], drain, recipe.signal)
  } catch (error) {
    throw explained(error, recipe.key)
  }
  compare(recipe.key, 'as stored', recipe.object.sha256, recipe.object.bytes, sealed)
}

/** Reads to the end. */
export async function drain(source: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of source) void _
}

function compare(key: string, what: string, sha256: string, bytes: number, found: Digest): void {
  if (found.sha256 === sha256 && found.bytes === bytes) return
  const sizes = found.bytes === bytes ? 'its SHA-256 is another' : `it has ${String(found.bytes)} bytes, not ${String(bytes)}`
  throw new BackupError('corrupt', `${key} is not what was written (${what}): ${sizes}`)
}

const ZLIB = /^Z_|^ERR_ZLIB/

function explained(error: unknown, key: string): unknown {
  if (error instanceof BackupError) {
    if (error.kind === 'corrupt') return new BackupError('corrupt', `${key}: ${error.message}`, { cause: error })
    if (error.kind === 'notFound') return new BackupError('corrupt', `${key} is missing`, { cause: error })
    if (error.kind === 'keyMissing') return new BackupError('keyMissing', `${key} is encrypted: ${error.message}`, { hint: error.hint, cause: error })
    return error
  }
  const code = String((error as { code?: unknown } | null)?.code)
  return ZLIB.test(code) ? new BackupError('corrupt', `${key}: its compressed data is damaged`, { cause: error }) : error
}
