import { randomBytes } from 'node:crypto'
import type { DumpedTable } from '../core/dump.js'
import { asError } from '../core/deadline.js'
import { SluiceError } from '../core/errors.js'
import { recordVerification, type Entry, type VerifyLevel, type VerifyRecord } from './catalog.js'
import { BackupError } from './errors.js'
import { load } from './load.js'
import { drain } from './object.js'
import type { BackupParts } from './parts.js'
import { Progress, type OnProgress } from './progress.js'
import { dropDatabase } from './restore.js'
import { Session } from './session.js'
import { countTables } from './snapshot.js'
import { checkAllStored, findSource, readEntryObject, type DumpSource } from './source.js'

/** How thoroughly, and with what. */
export interface VerifyOptions {
  /**
   * 0: the manifest, and the sizes of what is stored. 1: everything read again, hashes of what is stored. 2 (default):
   * decrypted, decompressed, hashed, and read in full by the tool that would restore it. 3: restored into a throw-away
   * database and compared with the counts and hashes of the dump's own snapshot.
   */
  readonly level?: VerifyLevel | undefined
  /** Called with the restored database of level 3; what it throws is a finding. */
  readonly assert?: ((database: string) => Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnProgress | undefined
}

/** A verification that found nothing wrong. */
export interface VerifyResult extends VerifyRecord {
  readonly id: string
  /** Whether the backup may be called good: everything was read by what would restore it. */
  readonly good: boolean
  /** `signed`, `unsigned`, or, for a bare file, `unverified`: nobody knows whether it is what was once dumped. */
  readonly origin: 'signed' | 'unsigned' | 'unverified'
}

/**
 * Looks at a backup. What is found is stored beside it, also when it is damaged.
 *
 * @throws {@link BackupError} `corrupt`, naming the object; `keyMissing`
 */
export async function verifyBackup(parts: BackupParts, idOrPath: string, options: VerifyOptions): Promise<VerifyResult> {
  const startedAt = performance.now()
  const level = options.level ?? 2
  const progress = new Progress(options.onProgress)
  const source = await findSource(parts, idOrPath)
  const record = (ok: boolean, findings: readonly string[], restoreMs?: number): VerifyRecord => ({
    level, ok, findings, restoreMs, at: new Date().toISOString(), durationMs: Math.round(performance.now() - startedAt),
  })
  try {
    const { findings, restoreMs } = await look(parts, source, level, options, progress)
    const found = record(true, findings, restoreMs)
    if (source.entry) await recordVerification(parts, source.entry.folder, found)
    progress.phase('done')
    return { ...found, id: source.id, good: level >= 2, origin: source.entry?.authenticity ?? 'unverified' }
  } catch (error) {
    // a missing key or tool says nothing about the backup
    if (source.entry && error instanceof BackupError && error.kind === 'corrupt') await recordVerification(parts, source.entry.folder, record(false, [error.message])).catch(() => undefined)
    throw error
  }
}

interface Look {
  readonly findings: readonly string[]
  readonly restoreMs: number | undefined
}

async function look(parts: BackupParts, source: DumpSource, level: VerifyLevel, options: VerifyOptions, progress: Progress): Promise<Look> {
  const { signal } = options
  if (source.entry) await checkSizes(parts, source.entry)
  progress.phase('checking', source.bytes)
  if (level >= 1 && source.entry) await checkAllStored(parts, source.entry, progress, signal)
  if (level >= 2 || !source.entry) await readThrough(parts, source, progress, signal)
  return level === 3 ? restoreAndCompare(parts, source, options, progress) : { findings: [], restoreMs: undefined }
}

/** Every object is there and as long as the manifest says. */
async function checkSizes(parts: BackupParts, { folder, manifest }: Entry): Promise<void> {
  const sizes = new Map<string, number>()
  for await (const { key, bytes } of parts.store.list(folder)) sizes.set(key.slice(folder.length), bytes)
  for (const { key, bytes } of manifest.objects) {
    const found = sizes.get(key)
    if (found === bytes) continue
    throw new BackupError('corrupt', `${folder}${key} ${found === undefined ? 'is missing' : `has ${String(found)} bytes, not ${String(bytes)}`}`)
  }
}

/** Everything decrypted and hashed, and read by the program that would restore it, which writes it nowhere. */
async function readThrough(parts: BackupParts, source: DumpSource, progress: Progress, signal: AbortSignal | undefined): Promise<void> {
  const { entry } = source
  for (const object of entry?.manifest.objects.filter(({ kind }) => kind === 'globals') ?? []) {
    if (entry) await readEntryObject(parts, entry, object, drain, progress, signal)
  }
  await Session.with(parts.where, undefined, signal, (session) =>
    load(parts, session, source, { database: undefined, noOwner: false, noPrivileges: false, jobs: 1 }, progress, signal)
      .catch((error: unknown) => { throw unreadable(source, error) }))
}

/** A tool that cannot read what has the right hash, or a bare file: the dump itself is damaged. */
function unreadable(source: DumpSource, error: unknown): unknown {
  if (!(error instanceof BackupError) || error.kind !== 'failed') return error
  return new BackupError('corrupt', `${source.id}: it cannot be read to its end: ${error.message}`, { cause: error })
}

async function restoreAndCompare(parts: BackupParts, source: DumpSource, options: VerifyOptions, progress: Progress): Promise<Look> {
  const { databases } = parts.tools
  const { signal } = options
  const database = `sluice_verify_${randomBytes(6).toString('hex')}`
  return Session.with(parts.where, databases.maintenance, signal, async (session) => {
    const manifest = source.entry?.manifest
    await session.run(databases.create(database, manifest?.encoding))
    try {
      progress.phase('restoring', source.bytes)
      const startedAt = performance.now()
      const missing = databases.missingRoles && manifest ? await session.ask(databases.missingRoles(manifest.roles)) : []
      const noRoles = missing.length > 0
      await load(parts, session, source, { database, noOwner: noRoles, noPrivileges: noRoles, jobs: parts.settings.parallelJobs }, progress, signal)
      const restoreMs = Math.round(performance.now() - startedAt)
      progress.phase('comparing')
      if (manifest?.tables) await compareTables(parts, source.id, database, manifest.tables, manifest.selection.schemaOnly, signal)
      await asserted(source, database, options)
      return { restoreMs, findings: noRoles ? [`owners were not compared: the server lacks the roles ${missing.join(', ')}`] : [] }
    } finally {
      await Session.with(parts.where, databases.maintenance, undefined, (own) => dropDatabase(parts, own, database))
    }
  })
}

async function asserted(source: DumpSource, database: string, { assert }: VerifyOptions): Promise<void> {
  try {
    await assert?.(database)
  } catch (thrown) {
    throw new BackupError('corrupt', `${source.id}: an assertion about the restored database failed: ${asError(thrown).message}`, { cause: thrown })
  }
}

async function compareTables(
  parts: BackupParts, id: string, database: string, expected: readonly DumpedTable[], empty: boolean, signal: AbortSignal | undefined,
): Promise<void> {
  const hashed = new Set(expected.filter(({ hash }) => hash !== undefined).map(nameOf))
  const found = await Session.with(parts.where, database, signal, async (session) => {
    for (const statement of parts.tools.snapshot.open) await session.run(statement)
    try {
      return await countTables(parts.tools, session, expected, (table) => hashed.has(nameOf(table)))
    } catch (error) {
      if (error instanceof SluiceError && !error.connectionLost) throw new BackupError('corrupt', `${id}: a table could not be read after the restore: ${error.message}`, { cause: error })
      throw error
    }
  })
  const wrong = found.flatMap((table, index) => {
    const want = expected[index]
    if (!want || empty) return []
    if (table.rows !== want.rows) return [`${nameOf(table)} has ${String(table.rows)} rows, not ${String(want.rows)}`]
    return table.hash === want.hash ? [] : [`${nameOf(table)} holds other rows than were dumped`]
  })
  if (wrong.length > 0) throw new BackupError('corrupt', `${id}: after a restore, ${wrong.slice(0, 5).join('; ')}${wrong.length > 5 ? ` and ${String(wrong.length - 5)} more` : ''}`)
}

const nameOf = ({ schema, name }: { readonly schema: string; readonly name: string }): string => `${schema}.${name}`
