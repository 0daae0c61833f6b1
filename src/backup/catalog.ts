import type { DumpedTable } from '../core/dump.js'
import { BackupError } from './errors.js'
import { databaseFolder, MANIFEST, PIN, ROOT } from './layout.js'
import { parseManifest, type Authenticity, type Manifest } from './manifest.js'
import type { BackupParts } from './parts.js'
import { readText, writeText } from './store.js'

/** How thoroughly a backup was looked at: see {@link VerifyResult.level}. */
export type VerifyLevel = 0 | 1 | 2 | 3

/** What a verification found; stored beside the backup. */
export interface VerifyRecord {
  readonly level: VerifyLevel
  readonly ok: boolean
  /** ISO 8601, UTC. */
  readonly at: string
  readonly durationMs: number
  /** What was wrong, or what could not be compared. */
  readonly findings: readonly string[]
  /** Milliseconds a whole restore took, at level 3. */
  readonly restoreMs: number | undefined
}

/** A backup as people and programs ask for it. */
export interface BackupInfo {
  readonly id: string
  /** `complete`: everything is stored; `good`: proven readable (level 2 or more); `damaged`: the last verification failed, or its manifest is. */
  readonly state: 'complete' | 'good' | 'damaged'
  readonly database: string
  readonly engine: string
  readonly format: Manifest['format']
  readonly encrypted: boolean
  /** Whether the manifest carries a signature that this process could check. */
  readonly authenticity: Authenticity
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly durationMs: number
  /** Bytes stored. */
  readonly bytes: number
  /** Bytes of the database when it was dumped. */
  readonly databaseBytes: number
  readonly serverVersion: string
  readonly host: string
  readonly pinnedUntil: string | undefined
  readonly tags: Readonly<Record<string, string>>
  /** Version of each service's migrations in the dump; undefined where the database has no history of them. */
  readonly migration: Readonly<Record<string, string>> | undefined
  /** Rows and hashes in the dump's snapshot. */
  readonly tables: readonly DumpedTable[] | undefined
  readonly verifications: readonly VerifyRecord[]
  /** Why it is damaged. */
  readonly problem: string | undefined
}

/** A backup found in the store. */
export interface Entry {
  readonly manifest: Manifest
  readonly authenticity: Authenticity
  /** Its folder in the store, ending in `/`. */
  readonly folder: string
  readonly verifications: readonly VerifyRecord[]
  readonly pinnedUntil: string | undefined
}

/** A folder that should be a backup and cannot be read as one. */
export interface Damaged {
  readonly id: string
  readonly folder: string
  readonly problem: string
}

/** Everything that is stored, the newest first. */
export interface Catalog {
  readonly entries: readonly Entry[]
  readonly damaged: readonly Damaged[]
  /** Folders without a manifest: jobs under way, or dead ones; with the time of their latest object. */
  readonly partial: readonly { readonly folder: string; readonly modifiedAt: Date }[]
}

const FOLDER = /^(v1\/[^/]+\/[^/]+\/backups\/([^/]+)\/)(.+)$/

/** Reads all manifests of the store; or only those of the folders `wanted` accepts. */
export async function readCatalog(parts: BackupParts, wanted: (folder: string, id: string) => boolean = () => true): Promise<Catalog> {
  const folders = new Map<string, { id: string; keys: string[]; modifiedAt: Date }>()
  for await (const { key, modifiedAt } of parts.store.list(ROOT)) {
    const [, folder, id, rest] = FOLDER.exec(key) ?? []
    if (folder === undefined || id === undefined || rest === undefined || !wanted(folder, id)) continue
    const found = folders.get(folder) ?? { id, keys: [], modifiedAt }
    found.keys.push(rest)
    if (modifiedAt > found.modifiedAt) found.modifiedAt = modifiedAt
    folders.set(folder, found)
  }
  const entries: Entry[] = []
  const damaged: Damaged[] = []
  const partial: { folder: string; modifiedAt: Date }[] = []
  for (const [folder, { id, keys, modifiedAt }] of folders) {
    if (!keys.includes(MANIFEST)) partial.push({ folder, modifiedAt })
    else await readEntry(parts, folder, id, keys).then((entry) => entries.push(entry), (error: unknown) => {
      if (!(error instanceof BackupError)) throw error
      // removed meanwhile by another process's clean-up
      if (error.kind !== 'notFound') damaged.push({ id, folder, problem: error.message })
    })
  }
  return { entries: entries.sort(newestFirst), damaged, partial }
}

const newestFirst = (a: Entry, b: Entry): number => a.manifest.startedAt < b.manifest.startedAt ? 1 : -1

async function readEntry(parts: BackupParts, folder: string, id: string, keys: readonly string[]): Promise<Entry> {
  const key = `${folder}${MANIFEST}`
  const { manifest, authenticity } = parseManifest(await readText(parts.store, key), parts.signing, key)
  // a manifest moved to another folder would make one backup answer for another
  if (manifest.id !== id) throw new BackupError('corrupt', `${key} belongs to another backup (${manifest.id})`)
  const verifications: VerifyRecord[] = []
  for (const name of keys.filter((rest) => rest.startsWith('verify/')).sort()) {
    verifications.push(await readJson(parts, `${folder}${name}`) as VerifyRecord)
  }
  const pin = keys.includes(PIN) ? await readJson(parts, `${folder}${PIN}`) as { until: string | undefined } : undefined
  return { manifest, authenticity, folder, verifications, pinnedUntil: pin ? pin.until : manifest.pinnedUntil }
}

/** One that cannot be read makes its own backup damaged, and no other. */
async function readJson(parts: BackupParts, key: string): Promise<unknown> {
  try {
    return JSON.parse(await readText(parts.store, key)) as unknown
  } catch (cause) {
    throw cause instanceof SyntaxError ? new BackupError('corrupt', `${key} is not JSON`, { cause }) : cause
  }
}

/**
 * The backup of that id, of its beginning, or `latest`.
 *
 * @throws {@link BackupError} `notFound`; `corrupt` when its manifest is
 */
export async function findEntry(parts: BackupParts, id: string): Promise<Entry> {
  const latest = id === 'latest'
  const own = (folder: string): boolean => folder.split('/')[2] === databaseFolder('', parts.database).split('/')[2]
  const { entries, damaged } = await readCatalog(parts, (folder, name) => latest ? own(folder) : name.startsWith(id))
  const exact = entries.find(({ manifest }) => manifest.id === id)
  const candidates = exact ? [exact] : latest ? entries.slice(0, 1) : entries
  if (candidates.length > 1) throw new BackupError('notFound', `several backups begin with '${id}'`, { hint: 'give more of the id' })
  const [found] = candidates
  if (found) return found
  const [broken] = damaged
  if (broken) throw new BackupError('corrupt', broken.problem)
  throw new BackupError('notFound', `there is no backup '${id}' in ${parts.store.location}`, { hint: 'list() names those that are' })
}

/** Stores what a verification found. */
export async function recordVerification(parts: BackupParts, folder: string, record: VerifyRecord): Promise<void> {
  await writeText(parts.store, `${folder}verify/${record.at.replace(/[:.]/g, '')}.json`, `${JSON.stringify(record)}\n`)
}

/** An entry for the outside. */
export function infoOf({ manifest, authenticity, verifications, pinnedUntil }: Entry): BackupInfo {
  const last = verifications.at(-1)
  const good = verifications.some(({ ok, level }) => ok && level >= 2)
  const { id, database, engine, format, startedAt, finishedAt, durationMs, databaseBytes, serverVersion, host, tags, tables, migration } = manifest
  return {
    id, database, engine, format, startedAt, finishedAt, durationMs, databaseBytes, serverVersion, host, tags, tables, migration, authenticity,
    pinnedUntil, verifications,
    state: last && !last.ok ? 'damaged' : good ? 'good' : 'complete',
    encrypted: manifest.encryption !== undefined,
    bytes: manifest.objects.reduce((sum, object) => sum + object.bytes, 0),
    problem: last && !last.ok ? last.findings.join('; ') : undefined,
  }
}
