import type { Assessed } from './assess.js'
import { MigrationError } from './errors.js'
import type { Migration, MigrationSet } from './migration.js'
import { waitForSession } from './recover.js'
import type { Run } from './run.js'
import type { Sql } from '../sql/tag.js'

/** Said in place of a version: nothing counts as applied. */
export const NO_VERSION = -1

/**
 * Writes into the history that a service is at this version, and runs nothing: everything up to it counts as applied,
 * nothing above does, and nothing is in doubt. golang-migrate's `force`.
 *
 * @throws MigrationError `missing`: there is no such version
 */
export async function force(run: Run, assessed: readonly Assessed[], set: MigrationSet, service: string, version: number): Promise<void> {
  const own = assessed.filter((each) => serviceOf(each) === service && (each.migration ?? each.row)?.kind !== 'R')
  const known = own.some((each) => (each.migration ?? each.row)?.version === version)
  if (version > 0 && !known) {
    const versions = set.migrations.filter((migration) => migration.service === service && migration.kind === 'V').map((migration) => migration.version)
    throw new MigrationError('missing', `there is no version ${String(version)} of ${service}; nothing was changed`, { service, version, hint: `versions: ${versions.join(', ') || 'none'}` })
  }
  for (const { row } of own) if (row) await waitForSession(run, row)
  await run.history.together([...own.flatMap((each) => change(run, each, version)), run.history.log({ action: 'force', service, version, detail: `at version ${String(version)} from now on` })])
}

function serviceOf({ migration, row }: Assessed): string | undefined {
  return (migration ?? row)?.service
}

function change({ history }: Run, { migration, row }: Assessed, version: number): Sql[] {
  if (row && row.version > version) return [history.remove(row), history.forgetStatements(row)]
  if (row?.kind === 'B' || row?.state === 'applied') return []
  if (!migration) return row ? [history.remove(row), history.forgetStatements(row)] : []
  if (migration.version > version) return []
  return [...row ? [history.remove(row), history.forgetStatements(row)] : [], adoption(history, migration)]
}

/** The row of a migration that counts as applied from now on. */
export function adoption(history: Run['history'], { service, version, kind, name, checksum }: Migration): Sql {
  return history.adopted({ service, version, kind, name }, checksum)
}
