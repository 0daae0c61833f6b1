import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, mkdir, open, readdir, rename, rm, rmdir, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { BackupError } from './errors.js'
import type { BackupStore, StoredObject, WriteOptions } from './store.js'

const PARTIAL = '.partial'
const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code

/** A folder. Files and folders are readable by their owner alone. */
export class FileStore implements BackupStore {
  readonly location: string
  readonly #root: string

  constructor(root: string) {
    this.#root = resolve(root)
    this.location = `file:${this.#root}`
  }

  /** Written beside its place, brought to disk, then renamed: what has the name is complete, also after a power cut. */
  async write(key: string, body: AsyncIterable<Buffer>, options: WriteOptions = {}): Promise<boolean> {
    const path = this.#path(key)
    const partial = `${path}.${randomBytes(4).toString('hex')}${PARTIAL}`
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await writeFile(partial, body, options.signal)
      return await place(partial, path, options.ifAbsent === true)
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined)
      throw typeof codeOf(error) === 'string' && !(error instanceof BackupError) && 'syscall' in (error as object)
        ? new BackupError('failed', `writing ${path} failed: ${(error as Error).message}`, { cause: error }) : error
    }
  }

  async read(key: string, signal?: AbortSignal): Promise<Readable> {
    const path = this.#path(key)
    const file = await open(path, 'r').catch((cause: unknown) => {
      throw codeOf(cause) === 'ENOENT' ? new BackupError('notFound', `there is no ${path}`, { cause }) : cause
    })
    return createReadStream(path, { fd: file, highWaterMark: 256 * 1024, ...signal ? { signal } : {} })
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const folder = this.#path(prefix.slice(0, prefix.lastIndexOf('/') + 1))
    for (const path of await filesBelow(folder)) {
      const key = this.#key(path)
      if (!key.startsWith(prefix) || key.endsWith(PARTIAL)) continue
      const facts = await stat(path).catch(() => undefined)
      if (facts) yield { key, bytes: facts.size, modifiedAt: facts.mtime }
    }
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key)
    await rm(path, { force: true })
    // folders that are empty now go with it, up to the root
    for (let folder = dirname(path); folder.startsWith(this.#root + sep); folder = dirname(folder)) {
      if (!await rmdir(folder).then(() => true, () => false)) break
    }
  }

  async sweep(prefix: string, olderThanMs: number): Promise<number> {
    let swept = 0
    for (const path of await filesBelow(this.#path(prefix))) {
      if (!path.endsWith(PARTIAL)) continue
      const facts = await stat(path).catch(() => undefined)
      if (!facts || facts.mtimeMs > Date.now() - olderThanMs) continue
      await this.remove(this.#key(path))
      swept += 1
    }
    return swept
  }

  #key(path: string): string { return relative(this.#root, path).split(sep).join('/') }
  #path(key: string): string { return join(this.#root, key) }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

async function writeFile(path: string, body: AsyncIterable<Buffer>, signal: AbortSignal | undefined): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const part of body) {
      signal?.throwIfAborted()
      await writeAll(file, part)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

async function writeAll(file: FileHandle, part: Buffer): Promise<void> {
  for (let at = 0; at < part.length;) at += (await file.write(part, at)).bytesWritten
}

/** Gives the finished file its name. A hard link refuses a name that is taken, a rename does not. */
async function place(partial: string, path: string, ifAbsent: boolean): Promise<boolean> {
  if (ifAbsent) {
    const taken = await link(partial, path).then(() => false, (error: unknown) => {
      if (codeOf(error) === 'EEXIST') return true
      throw error
    })
    await rm(partial, { force: true })
    if (taken) return false
  } else {
    await rename(partial, path)
  }
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
  return true
}
