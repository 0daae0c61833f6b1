import { hostname } from 'node:os'
import { readCatalog } from './catalog.js'
import { dumpGlobals } from './globals.js'
import { dumpObjects, type DumpJob } from './dump.js'
import { backupFolder, databaseFolder, MANIFEST, newId } from './layout.js'
import { lockFor } from './lock.js'
import { manifestText, type Manifest, type ManifestObject } from './manifest.js'
import { loginFor, toolFor, type BackupParts } from './parts.js'
import { inPrivateFolder } from './private-folder.js'
import { Progress, type OnProgress } from './progress.js'
import { Session } from './session.js'
import { countTables, openSnapshot, type SelectionOptions, type Snapshot } from './snapshot.js'
import { writeText } from './store.js'
import { together } from './together.js'
import type { Tool } from './tools.js'

/** Objects and parts of dead jobs older than this are swept when the next job starts. */
const STALE_MS = 24 * 3_600_000

/** How a backup is made. */
export interface CreateOptions extends SelectionOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnProgress | undefined
  readonly format?: Manifest['format'] | undefined
  /** Days the backup is kept whatever the retention says. */
  readonly pinDays?: number | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** When a backup of this database that began at that time or later is there already, it is the result and none is made. */
  readonly unlessSince?: Date | undefined
}

/** What came of it. */
export interface Created {
  readonly manifest: Manifest
  /** false: it was there already. */
  readonly made: boolean
}

/** Makes one backup; nothing is listed unless all of it is stored. */
export async function createBackup(parts: BackupParts, options: CreateOptions): Promise<Created> {
  const progress = new Progress(options.onProgress)
  progress.phase('preparing')
  return Session.with(parts.where, parts.database, options.signal, async (session) => {
    const cluster = await clusterOf(parts, session)
    await lockFor(parts, session, progress, options.signal)
    const there = options.unlessSince && await madeSince(parts, cluster, options.unlessSince)
    if (there) return { manifest: there, made: false }
    await parts.store.sweep?.(databaseFolder(cluster, parts.database), STALE_MS)
    return { manifest: await make(parts, options, session, cluster, progress), made: true }
  })
}

async function make(parts: BackupParts, options: CreateOptions, session: Session, cluster: string, progress: Progress): Promise<Manifest> {
  const tool = await toolFor(parts, 'dump', session.server.versionNumber)
  progress.phase('snapshot')
  const snapshot = await openSnapshot(parts, session, options)
  const startedAt = new Date()
  const id = newId(startedAt)
  const folder = backupFolder(cluster, parts.database, id)
  try {
    const written = await inPrivateFolder((privateFolder) => {
      const job = { parts, session, tool, snapshot, folder, privateFolder, progress, format: options.format ?? parts.settings.format }
      return writeAll(job, options.signal)
    }, parts.settings.spoolDir)
    progress.phase('committing')
    options.signal?.throwIfAborted()
    const manifest = manifestOf({ parts, options, session, tool, snapshot, id, cluster, startedAt, written })
    await writeText(parts.store, `${folder}${MANIFEST}`, manifestText(manifest, parts.signing), { signal: options.signal })
    return manifest
  } catch (error) {
    // what cannot be taken away now is swept as a dead job's; the first error is the one to tell
    await removeAll(parts, folder).catch(() => undefined)
    throw error
  }
}

/** Asked under the lock: whoever had it before us may have made the very backup we want. */
async function madeSince(parts: BackupParts, cluster: string, since: Date): Promise<Manifest | undefined> {
  const own = databaseFolder(cluster, parts.database)
  const [newest] = (await readCatalog(parts, (folder) => folder.startsWith(own))).entries
  return newest && Date.parse(newest.manifest.startedAt) >= since.getTime() ? newest.manifest : undefined
}

/** Which cluster this is, so that backups of two servers never mix. */
async function clusterOf(parts: BackupParts, session: Session): Promise<string> {
  const { systemId } = await session.ask(parts.where.driver.dialect.probes.node)
  return `${parts.engine}-${systemId ?? 'local'}`
}

interface Written {
  readonly objects: readonly ManifestObject[]
  readonly tables: Manifest['tables']
  readonly globalsAbsent: string | undefined
}

/** Dumps while the same snapshot is counted on the session that holds it. */
async function writeAll(job: Omit<DumpJob, 'login' | 'signal'>, outer: AbortSignal | undefined): Promise<Written> {
  const { parts, session, snapshot, privateFolder, progress } = job
  const login = await loginFor(parts, session, parts.database, privateFolder)
  // how much smaller a compressed dump will be nobody knows
  progress.phase('dumping', parts.settings.compression ? undefined : snapshot.facts.bytes)
  const [objects, tables] = await together(outer,
    (signal) => dumpObjects({ ...job, login, signal }),
    () => snapshot.name === undefined ? Promise.resolve(undefined) : countTables(parts.tools, session, snapshot.tables))
  progress.phase('globals')
  const globals = await dumpGlobals({ ...job, login, signal: outer ?? new AbortController().signal })
  return { objects: [...objects, ...globals.objects], tables, globalsAbsent: globals.absent }
}

async function removeAll(parts: BackupParts, folder: string): Promise<void> {
  await parts.store.remove(`${folder}${MANIFEST}`)
  for await (const { key } of parts.store.list(folder)) await parts.store.remove(key).catch(() => undefined)
  await parts.store.sweep?.(folder, 0)
}

interface ManifestParts {
  readonly parts: BackupParts
  readonly options: CreateOptions
  readonly session: Session
  readonly tool: Tool
  readonly snapshot: Snapshot
  readonly id: string
  readonly cluster: string
  readonly startedAt: Date
  readonly written: Written
}

function manifestOf({ parts, options, session, tool, snapshot, id, cluster, startedAt, written }: ManifestParts): Manifest {
  const { settings, writeKeys } = parts
  const format = options.format ?? settings.format
  const finishedAt = new Date()
  const { facts } = snapshot
  return {
    schemaVersion: 1, id, kind: 'full', engine: parts.engine, database: parts.database, cluster, format,
    serverVersion: session.server.version, serverVersionNumber: session.server.versionNumber,
    tool: { name: tool.file.slice(tool.file.lastIndexOf('/') + 1), version: tool.said },
    compression: !settings.compression ? 'none' : format === 'plain' ? 'gzip' : 'tool',
    encryption: writeKeys && { scheme: 'age', recipients: 'recipients' in writeKeys ? writeKeys.recipients.map(({ text }) => text) : [], passphrase: 'passphrase' in writeKeys },
    selection: snapshot.selection, objects: written.objects,
    encoding: facts.encoding, extensions: facts.extensions, roles: facts.roles, databaseBytes: facts.bytes, position: facts.position,
    tables: written.tables, sequences: snapshot.sequences, migration: snapshot.migration, globalsAbsent: written.globalsAbsent,
    startedAt: startedAt.toISOString(), finishedAt: finishedAt.toISOString(), durationMs: finishedAt.getTime() - startedAt.getTime(),
    host: hostname(), tags: options.tags ?? {},
    pinnedUntil: options.pinDays === undefined ? undefined : new Date(finishedAt.getTime() + options.pinDays * 86_400_000).toISOString(),
  }
}
