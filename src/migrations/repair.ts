import { sql } from '../sql/tag.js'
import { dirtyError, type Assessed } from './assess.js'
import { CHECKSUM_ALGORITHM, markOf } from './checksum.js'
import type { Run, RunOptions } from './run.js'

/** A file that is no longer what was applied. */
export interface ChangedFile {
  readonly service: string
  readonly version: number
  readonly name: string
  readonly path: string
  /** Checksum of what was applied. */
  readonly applied: string
  /** Checksum of the file as it is. */
  readonly now: string
}

/** Options of `repair`. */
export interface RepairOptions extends RunOptions {
  /** Asked about every file before its checksum is written: whoever answers has looked at what changed. */
  readonly confirm: (file: ChangedFile) => boolean | Promise<boolean>
}

/** What `repair` found and did. */
export interface RepairResult {
  readonly changed: readonly ChangedFile[]
  /** Those whose checksums are the files' now. */
  readonly repaired: readonly ChangedFile[]
}

/** Writes the checksums of files as they are over those of what was applied. Runs nothing of them. */
export async function repair(run: Run, assessed: readonly Assessed[], confirm: RepairOptions['confirm']): Promise<RepairResult> {
  const dirty = assessed.find(({ status }) => status === 'dirty')
  if (dirty) throw dirtyError(dirty)
  const changed: ChangedFile[] = []
  const repaired: ChangedFile[] = []
  for (const { status, migration, row } of assessed) {
    if (status !== 'changed' || !migration || !row) continue
    const { service, version, name, checksum } = migration
    const file: ChangedFile = { service, version, name, path: migration.up.path, applied: row.checksum, now: checksum }
    changed.push(file)
    if (!await confirm(file)) continue
    const { history } = run
    await history.together([
      sql`update ${history.sql.table('migration')} set checksum = ${checksum}, algo = ${CHECKSUM_ALGORITHM}, mark = ${markOf(migration)}, name = ${name}
        where ${history.sql.where(row)}`,
      history.log({ action: 'repair', service, version, name, detail: `${row.checksum} is ${checksum} now` }),
    ])
    repaired.push(file)
  }
  return { changed, repaired }
}
