import { randomBytes } from 'node:crypto'
import { BackupError } from './errors.js'
import { nameBeside } from './layout.js'
import { load } from './load.js'
import type { BackupParts } from './parts.js'
import { makePlan, type RestorePlan } from './plan.js'
import { Progress } from './progress.js'
import type { RestoreOptions } from './restore-options.js'
import { makeMissingRoles } from './roles.js'
import { Session } from './session.js'
import { checkAllStored, findSource, type DumpSource } from './source.js'
import { statement } from '../core/statement.js'

/** A finished restore. */
export interface RestoreResult {
  readonly id: string
  readonly database: string
  /** `signed`: its manifest is proven; `unsigned`: only its checksums are; `unverified`: a bare file, of which nothing is known. */
  readonly origin: 'signed' | 'unsigned' | 'unverified'
  /** Whether the database was made by this restore. */
  readonly created: boolean
  /** Id of the backup of what was there before; only with `confirm`. */
  readonly safetyBackup: string | undefined
  readonly durationMs: number
  readonly bytes: number
}

/** Makes a backup of another database of the server, before it is dropped. */
export type SafetyBackup = (database: string, signal: AbortSignal | undefined) => Promise<string>

/** Restores a backup, or a bare dump file, all or nothing: what this made is dropped again when it fails. */
export async function restoreBackup(parts: BackupParts, idOrPath: string, options: RestoreOptions, safety: SafetyBackup): Promise<RestoreResult> {
  const startedAt = performance.now()
  const { signal } = options
  const progress = new Progress(options.onProgress)
  progress.phase('preparing')
  const source = await findSource(parts, idOrPath)
  const database = options.database ?? defaultTarget(parts, source)
  const { maintenance } = parts.tools.databases
  return Session.with(parts.where, maintenance, signal, async (session) => {
    const plan = await makePlan(parts, session, source, database, options)
    refuse(plan)
    progress.phase('checking', source.bytes)
    if (source.entry) await checkAllStored(parts, source.entry, progress, signal)
    if (options.globals && source.entry) await makeMissingRoles(parts, session, source.entry, plan.missingRoles, signal)
    const { created, safetyBackup } = await prepare(parts, session, source, database, options, safety)
    await filling(parts, session, source, database, { ...options, created }, progress)
    progress.phase('done')
    return {
      id: source.id, database, origin: source.entry?.authenticity ?? 'unverified', created, safetyBackup, durationMs: Math.round(performance.now() - startedAt), bytes: source.bytes,
    }
  })
}

function defaultTarget(parts: BackupParts, source: DumpSource): string {
  const suffix = source.entry ? source.id.slice(-8) : randomBytes(4).toString('hex')
  return nameBeside(parts.database, `_restore_${suffix}`)
}

function refuse({ problems, database, targetEmpty }: RestorePlan): void {
  const [first] = problems
  if (!targetEmpty) {
    throw new BackupError('targetNotEmpty', `${database} is not empty: nothing was changed`, {
      hint: `restore into another database, or give confirm: '${database}' to replace it (it is backed up first)`,
    })
  }
  if (first !== undefined) throw new BackupError('refused', `this restore would fail: ${problems.join('; ')}`, { hint: 'nothing was changed; see docs/guides/backups.md' })
}

interface Prepared {
  readonly created: boolean
  readonly safetyBackup: string | undefined
}

async function prepare(
  parts: BackupParts, session: Session, source: DumpSource, database: string, options: RestoreOptions, safety: SafetyBackup,
): Promise<Prepared> {
  const { databases } = parts.tools
  const exists = await session.ask(databases.exists(database))
  let safetyBackup: string | undefined
  if (exists) {
    if (await isEmpty(parts, database, options.signal)) return { created: false, safetyBackup }
    safetyBackup = await safety(database, options.signal)
    await dropDatabase(parts, session, database)
  }
  await session.run(databases.create(database, source.entry?.manifest.encoding))
  return { created: true, safetyBackup }
}

/** Whether a database holds nothing of a user's own. */
function isEmpty(parts: BackupParts, database: string, signal: AbortSignal | undefined): Promise<boolean> {
  return Session.with(parts.where, database, signal, (session) => session.ask(parts.tools.databases.isEmpty))
}

const DROP_ATTEMPTS = 20

/** Ends a database's sessions and drops it; clients that come back at once are ended again. */
export async function dropDatabase(parts: BackupParts, session: Session, database: string): Promise<void> {
  const { databases } = parts.tools
  for (let attempt = 1; ; attempt += 1) {
    if (databases.endSessions) await session.run(databases.endSessions([database]))
    try {
      await session.run(databases.drop(database))
      return
    } catch (error) {
      if (attempt === DROP_ATTEMPTS) throw error
    }
  }
}

async function filling(
  parts: BackupParts, session: Session, source: DumpSource, database: string, options: RestoreOptions & { readonly created: boolean }, progress: Progress,
): Promise<void> {
  progress.phase('restoring', source.bytes)
  try {
    await load(parts, session, source, {
      database, noOwner: options.noOwner === true, noPrivileges: options.noPrivileges === true, jobs: options.jobs ?? parts.settings.parallelJobs,
    }, progress, options.signal)
    await analyze(parts, database, options.signal)
  } catch (error) {
    // on a connection of its own: the job's may be the one that failed
    const { maintenance } = parts.tools.databases
    if (options.created) await Session.with(parts.where, maintenance, undefined, (own) => dropDatabase(parts, own, database)).catch(() => undefined)
    throw error
  }
}

/** A restored database has no statistics: its first queries would be planned blindly. */
async function analyze(parts: BackupParts, database: string, signal: AbortSignal | undefined): Promise<void> {
  const { analyze: text } = parts.tools.databases
  if (text !== undefined) await Session.with(parts.where, database, signal, (session) => session.run(statement(text)))
}
