import { MigrationError } from './errors.js'
import type { HistoryState } from './history.js'
import type { Run } from './run.js'
import { BASELINE, unmarkedBaselines } from './squashed.js'
import type { Assessed } from './assess.js'

/**
 * Declares that a database which was there before its history is at this version: files up to it are never run here.
 *
 * @throws MigrationError `drift`: the history of this service is not empty
 */
export async function baseline(run: Run, { rows }: HistoryState, service: string, version: number): Promise<void> {
  checkEmpty(rows, service, 'baseline')
  const { history } = run
  const key = { service, version, kind: 'B', name: BASELINE } as const
  await history.together([history.adopted(key, ''), history.log({ action: 'baseline', service, version, name: BASELINE })])
}

/** Writes down that what was squashed is applied here, so that a start with nothing to do can tell by one query. Runs nothing. */
export async function markBaselines({ history }: Run, assessed: readonly Assessed[]): Promise<void> {
  for (const { service, version, checksum } of unmarkedBaselines(assessed)) {
    const key = { service, version, kind: 'B', name: BASELINE } as const
    await history.together([history.adopted(key, checksum), history.log({ action: 'baseline', service, version, name: BASELINE, detail: 'its files were squashed' })])
  }
}

/** @throws MigrationError `drift`: something is there that must not be overwritten */
export function checkEmpty(rows: HistoryState['rows'], service: string, method: string): void {
  const own = rows.filter((row) => row.service === service && row.kind !== 'S')
  if (own.length === 0) return
  throw new MigrationError('drift', `${method}: the history of ${service} has ${String(own.length)} ${own.length === 1 ? 'row' : 'rows'} already; nothing was changed`, {
    service, hint: 'force(version) says where a database stands whose history is wrong',
  })
}
