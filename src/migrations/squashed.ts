import { MigrationError } from './errors.js'
import type { HistoryRow } from './history-row.js'
import type { Migration } from './migration.js'

/** A migration, its row, and what both mean; see assess.ts. */
interface Judged {
  readonly status: string
  readonly migration: Migration | undefined
  readonly row: HistoryRow | undefined
}

/** Name of the row that says: everything up to here counts as applied. */
export const BASELINE = 'baseline'

/**
 * Where a service stands as to the file that its first migrations were squashed into: the version up to which its history
 * counts as applied without files, -1 where the baseline itself is run (a new database, or one that began with it).
 *
 * @param own - rows of the service
 * @param height - the highest version that is applied
 * @returns `behind`: it has some of what was squashed, and nobody has the files for the rest
 */
export function placeOfBaseline(baseline: Migration | undefined, own: readonly HistoryRow[], height: number): number | 'behind' {
  const versioned = own.filter(({ kind }) => kind === 'V' || kind === 'B')
  if (!baseline || versioned.length === 0) return -1
  if (versioned.some(({ kind, version, name }) => kind === 'V' && version === baseline.version && name === baseline.name)) return -1
  return height >= baseline.version ? baseline.version : 'behind'
}

/** Baselines whose place in the history is taken by what they were made of, and is not marked as such yet. */
export function unmarkedBaselines(assessed: readonly Judged[]): Migration[] {
  return assessed.flatMap(({ migration, status }) => {
    if (!migration?.squashes || status !== 'baseline') return []
    const marked = assessed.some(({ row }) => row?.kind === 'B' && row.service === migration.service && row.version >= migration.version)
    return marked ? [] : [migration]
  })
}

/** The refusal of a database that never got to the end of what was squashed. */
export function behindError({ service, version, up }: Migration, assessed: readonly Judged[]): MigrationError {
  const rows = assessed.filter(({ row }) => row?.service === service && row.kind !== 'R').map(({ row }) => row?.version ?? 0)
  return new MigrationError('missing', `${service} is at version ${String(Math.max(0, ...rows))}, and ${up.path} stands for everything up to ${String(version)}; nothing was changed`, {
    service, version, hint: `run the release that still has the files up to ${String(version)} on this database first, then this one`,
  })
}
