import type { Assessed } from './assess.js'

/** Where a service stands. */
export interface MigrationVersion {
  /** Highest version applied, or the one that is dirty; 0 before the first. */
  readonly version: number
  /** A migration was interrupted or failed in the middle, and what it has done is not known. */
  readonly dirty: boolean
}

/** The version these migrations of one service amount to. */
export function versionOf(assessed: readonly Assessed[]): MigrationVersion {
  const dirty = assessed.find(({ status }) => status === 'dirty')
  if (dirty) return { version: (dirty.migration ?? dirty.row)?.version ?? 0, dirty: true }
  const versions = assessed.filter(({ row }) => row?.state === 'applied' && row.kind !== 'R').map(({ row }) => row?.version ?? 0)
  return { version: Math.max(0, ...versions), dirty: false }
}
