import type { BackupParts } from './parts.js'
import type { RestoreOptions } from './restore-options.js'
import { Session } from './session.js'
import type { DumpSource } from './source.js'

/** What a restore would do, found out without changing anything. */
export interface RestorePlan {
  readonly id: string
  readonly database: string
  /** Whether the target will be made. */
  readonly creates: boolean
  /** false: the target holds something and would not be touched. */
  readonly targetEmpty: boolean
  /** Bytes to read. */
  readonly bytes: number
  /** Bytes the database had when it was dumped; undefined for a bare file. */
  readonly databaseBytes: number | undefined
  readonly missingRoles: readonly string[]
  readonly missingExtensions: readonly string[]
  /** Why it would fail; empty = it can be tried. */
  readonly problems: readonly string[]
  /** Milliseconds the last restore of this backup took, from its verifications. */
  readonly lastRestoreMs: number | undefined
}

/** Looks at the target server before anything is touched. The session is to its maintenance database. */
export async function makePlan(parts: BackupParts, session: Session, source: DumpSource, database: string, options: RestoreOptions): Promise<RestorePlan> {
  const { databases } = parts.tools
  const exists = await session.ask(databases.exists(database))
  const replaced = options.confirm === database
  const targetEmpty = !exists || replaced || await Session.with(parts.where, database, options.signal, (own) => own.ask(databases.isEmpty))
  const manifest = source.entry?.manifest
  const roles = options.noOwner ? [] : manifest?.roles ?? []
  const missingRoles = databases.missingRoles && roles.length > 0 ? await session.ask(databases.missingRoles(roles)) : []
  const extensions = manifest?.extensions ?? []
  const missingExtensions = databases.missingExtensions && extensions.length > 0 ? await session.ask(databases.missingExtensions(extensions)) : []
  const problems = [
    ...missingExtensions.length > 0 ? [`the server lacks the extension${missingExtensions.length > 1 ? 's' : ''} ${missingExtensions.join(', ')}`] : [],
    ...missingRoles.length > 0 && !options.globals
      ? [`the server lacks the role${missingRoles.length > 1 ? 's' : ''} ${missingRoles.join(', ')} (restore with globals: true, or noOwner: true)`] : [],
    ...manifest && manifest.engine !== parts.engine ? [`it is a backup of ${manifest.engine}, and this is ${parts.engine}`] : [],
  ]
  return {
    id: source.id, database, creates: !exists || replaced, targetEmpty, bytes: source.bytes,
    databaseBytes: manifest?.databaseBytes, missingRoles, missingExtensions, problems,
    lastRestoreMs: source.entry?.verifications.findLast(({ restoreMs }) => restoreMs !== undefined)?.restoreMs,
  }
}
