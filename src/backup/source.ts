import { createReadStream, existsSync } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { DumpFormat } from '../core/dump.js'
import { AgeDecrypt } from './age/decrypt.js'
import { findEntry, type Entry } from './catalog.js'
import { BackupError } from './errors.js'
import type { Manifest, ManifestObject } from './manifest.js'
import { checkStored, flow, readObject } from './object.js'
import type { BackupParts } from './parts.js'
import type { Progress } from './progress.js'

/** Where the data of a dump comes from, whether it has a manifest or is a bare file. */
export interface DumpSource {
  readonly id: string
  readonly format: DumpFormat
  /** undefined: a bare file, of which nobody knows whether it is what was once dumped. */
  readonly entry: Entry | undefined
  readonly bytes: number
  /** Folder on this machine, for a bare dump in directory format. */
  readonly bareFolder: string | undefined
  /** Sends the single data stream into `sink`, checked to its end; returns its last bytes. */
  read(sink: (source: AsyncIterable<Buffer>) => Promise<void>, progress: Progress, signal: AbortSignal | undefined): Promise<string>
}

/** The backup of an id, or a dump file by its path. */
export async function findSource(parts: BackupParts, idOrPath: string): Promise<DumpSource> {
  if (looksLikePath(idOrPath)) return bareSource(parts, resolve(idOrPath))
  return entrySource(parts, await findEntry(parts, idOrPath))
}

function looksLikePath(text: string): boolean {
  return /[/\\]/.test(text) || (/\.(dump|sql|gz|age|tar|custom|pgdump|backup|bak)$/i.test(text) && existsSync(text))
}

/** The objects of a backup that hold its data. */
function dataObjects(manifest: Manifest): readonly ManifestObject[] {
  return manifest.objects.filter(({ kind }) => kind === 'data')
}

function entrySource(parts: BackupParts, entry: Entry): DumpSource {
  const { manifest } = entry
  const objects = dataObjects(manifest)
  return {
    id: manifest.id, format: manifest.format, entry, bareFolder: undefined,
    bytes: objects.reduce((sum, object) => sum + object.bytes, 0),
    read: (sink, progress, signal) => {
      const [object] = objects
      if (!object) throw new BackupError('corrupt', `${manifest.id}: its manifest names no data`)
      return readEntryObject(parts, entry, object, sink, progress, signal)
    },
  }
}

/** Reads one object of a backup as the tool wrote it. */
export function readEntryObject(
  parts: BackupParts, { folder, manifest }: Entry, object: ManifestObject,
  sink: (source: AsyncIterable<Buffer>) => Promise<void>, progress: Progress, signal: AbortSignal | undefined,
): Promise<string> {
  const gzip = object.kind === 'data' && manifest.compression === 'gzip'
  return readObject({
    store: parts.store, key: `${folder}${object.key}`, object, gzip, keys: manifest.encryption && parts.readKeys, signal, onBytes: progress.counter(),
  }, sink)
}

/** Reads every object of a backup as it is stored, and compares. */
export async function checkAllStored(parts: BackupParts, { folder, manifest }: Entry, progress: Progress, signal: AbortSignal | undefined): Promise<void> {
  for (const object of manifest.objects) {
    await checkStored({ store: parts.store, key: `${folder}${object.key}`, object, signal, onBytes: progress.counter() })
  }
}

/** Brings all files of a dump in directory format onto this machine, checked. */
export async function spoolFolder(
  parts: BackupParts, source: DumpSource, privateFolder: string, progress: Progress, signal: AbortSignal | undefined,
): Promise<string> {
  if (source.bareFolder !== undefined) return source.bareFolder
  const { entry } = source
  if (!entry) throw new BackupError('failed', 'a dump in directory format is a folder')
  const folder = join(privateFolder, 'restore')
  await mkdir(folder, { mode: 0o700 })
  for (const object of dataObjects(entry.manifest)) {
    const name = object.key.slice(object.key.indexOf('/') + 1).replace(/\.age$/, '')
    const path = join(folder, name)
    if (dirname(path) !== folder) throw new BackupError('corrupt', `${object.key} is not the name of a dump's file`)
    await readEntryObject(parts, entry, object, (body) => writeFile(path, body, { mode: 0o600 }), progress, signal)
  }
  return folder
}

async function bareSource(parts: BackupParts, path: string): Promise<DumpSource> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new BackupError('notFound', `there is no dump ${path}`, { cause })
  })
  if (facts.isDirectory()) {
    if (!existsSync(join(path, 'toc.dat'))) throw new BackupError('notFound', `${path} is a folder, and not a dump in directory format (it has no toc.dat)`)
    return { id: path, format: 'directory', entry: undefined, bytes: 0, bareFolder: path, read: () => { throw new BackupError('failed', 'a folder is not one stream') } }
  }
  const { stages, format } = await unwrapped(parts, path)
  return {
    id: path, format, entry: undefined, bytes: facts.size, bareFolder: undefined,
    read: async (sink, progress, signal) => {
      let tail = ''
      const count = progress.counter()
      let bytes = 0
      await flow([createReadStream(path, { highWaterMark: 256 * 1024 }), ...stages()], (body) => sink((async function* () {
        for await (const part of body) {
          bytes += part.length
          count(bytes)
          tail = (tail + part.subarray(-512).toString('latin1')).slice(-512)
          yield part
        }
      })()), signal)
      return tail
    },
  }
}

/** What a file is wrapped in, found by its first bytes, and what is inside. */
async function unwrapped(parts: BackupParts, path: string): Promise<{ stages: () => Transform[]; format: DumpFormat }> {
  const makers: (() => Transform)[] = []
  for (;;) {
    const start = await beginning([createReadStream(path, { end: 1024 * 1024 }), ...makers.map((make) => make())])
    if (start.subarray(0, 5).toString('latin1') === 'PGDMP') return { stages: () => makers.map((make) => make()), format: 'custom' }
    if (makers.length < 3 && start[0] === 0x1f && start[1] === 0x8b) makers.push(() => createGunzip())
    else if (makers.length < 3 && start.toString('latin1').startsWith('age-encryption.org/v1\n')) makers.push(() => new AgeDecrypt(parts.readKeys))
    else return { stages: () => makers.map((make) => make()), format: 'plain' }
  }
}

/** The first bytes that come out of the stages; errors after them (the file was opened in part) do not count. */
async function beginning(stages: [Readable, ...Transform[]]): Promise<Buffer> {
  let start = Buffer.alloc(0)
  try {
    await flow(stages, async (body) => {
      for await (const part of body) {
        start = Buffer.concat([start, part])
        if (start.length >= 64) return
      }
    }, undefined)
  } catch (error) {
    if (start.length === 0) throw error
  }
  return start
}
