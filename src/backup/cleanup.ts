import { readCatalog, type Entry } from './catalog.js'
import { databaseFolder, MANIFEST } from './layout.js'
import type { BackupParts } from './parts.js'
import { retain, type RetentionDecision, type RetentionEntry } from './retention.js'

/** What a clean-up did, or, as a dry run, would do. */
export interface CleanupResult extends RetentionDecision {
  readonly dryRun: boolean
  /** Bytes of the backups that are deleted. */
  readonly bytes: number
  /** Folders of jobs that died more than a day ago. */
  readonly partial: readonly string[]
  /** Backups the store would not let go (an object lock): they stay, and that is no error. */
  readonly retained: readonly string[]
}

const PARTIAL_MS = 24 * 3_600_000

/** How a clean-up is run. */
export interface CleanupOptions {
  readonly dryRun?: boolean | undefined
  /** Default: the present. */
  readonly now?: Date | undefined
  readonly signal?: AbortSignal | undefined
}

/** Applies the retention to the backups of this database, each cluster for itself. */
export async function cleanUp(parts: BackupParts, options: CleanupOptions): Promise<CleanupResult> {
  const now = (options.now ?? new Date()).getTime()
  const dryRun = options.dryRun === true
  const own = databaseFolder('', parts.database).split('/')[2]
  const { entries, partial } = await readCatalog(parts, (folder) => folder.split('/')[2] === own)
  const decisions = [...groups(entries).values()].map((group) => retain(group.map(retentionEntry), policyOf(parts), now))
  const doomed = decisions.flatMap((decision) => decision.delete)
  const byId = new Map(entries.map((entry) => [entry.manifest.id, entry]))
  const stale = partial.filter(({ modifiedAt }) => modifiedAt.getTime() < now - PARTIAL_MS).map(({ folder }) => folder)
  const retained: string[] = []
  if (!dryRun) {
    for (const id of doomed) {
      options.signal?.throwIfAborted()
      const entry = byId.get(id)
      if (entry && !await removeBackup(parts, entry.folder)) retained.push(id)
    }
    for (const folder of stale) await removeBackup(parts, folder)
  }
  return {
    dryRun, retained, partial: stale, keep: decisions.flatMap(({ keep }) => keep), delete: doomed.filter((id) => !retained.includes(id)),
    bytes: doomed.reduce((sum, id) => sum + (byId.get(id)?.manifest.objects.reduce((all, { bytes }) => all + bytes, 0) ?? 0), 0),
  }
}

function policyOf({ settings }: BackupParts): Parameters<typeof retain>[1] {
  return { retentionDays: settings.retentionDays, keep: settings.keep, timezone: settings.schedule?.timezone ?? 'UTC' }
}

function groups(entries: readonly Entry[]): Map<string, Entry[]> {
  const byCluster = new Map<string, Entry[]>()
  for (const entry of entries) byCluster.set(entry.manifest.cluster, [...byCluster.get(entry.manifest.cluster) ?? [], entry])
  return byCluster
}

function retentionEntry({ manifest, verifications, pinnedUntil }: Entry): RetentionEntry {
  const last = verifications.at(-1)
  return {
    id: manifest.id, at: Date.parse(manifest.startedAt), parent: undefined,
    verified: verifications.some(({ ok, level }) => ok && level >= 2),
    damaged: last !== undefined && !last.ok,
    pinnedUntil: pinnedUntil === undefined ? undefined : Date.parse(pinnedUntil),
  }
}

/** The manifest first: from then on it is no backup any more, whatever happens to the rest. */
async function removeBackup(parts: BackupParts, folder: string): Promise<boolean> {
  const keys: string[] = []
  for await (const { key } of parts.store.list(folder)) keys.push(key)
  keys.sort((a, b) => Number(b.endsWith(MANIFEST)) - Number(a.endsWith(MANIFEST)))
  for (const key of keys) {
    const removed = await parts.store.remove(key).then(() => true, (error: unknown) => {
      if (isDenied(error)) return false
      throw error
    })
    if (!removed) return false
  }
  await parts.store.sweep?.(folder, 0)
  return true
}

function isDenied(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'AccessDenied' || (cause as NodeJS.ErrnoException).code === 'EPERM') return true
  }
  return false
}
