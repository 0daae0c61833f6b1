import { assess, refusalOf, type Assessed } from './assess.js'
import { markBaselines } from './baseline.js'
import { NO_HISTORY, type HistoryState } from './history.js'
import type { MigrationSet } from './migration.js'
import { recover } from './recover.js'
import type { Run, RunParts } from './run.js'

/** Compares files and history as the options say. Pure. */
export function judge({ config: { allowOutOfOrder }, texts }: Pick<RunParts, 'config' | 'texts'>, set: MigrationSet, history: HistoryState = NO_HISTORY): Assessed[] {
  return assess(set, history, { allowOutOfOrder, seeds: false, atomicStatements: texts.dialect.features.transactionalDdl })
}

/**
 * Under the lock: what is left of earlier runs is seen to, then whatever stands against a run is thrown.
 *
 * @throws MigrationError `dirty`, `drift`, `missing`, `outOfOrder`
 */
export async function standing(run: Run, set: MigrationSet, ahead: 'allow' | 'refuse'): Promise<Assessed[]> {
  const look = async (): Promise<Assessed[]> => judge({ config: run.config, texts: run.history.sql }, set, await run.history.read())
  let assessed = await look()
  if (await recover(run, assessed)) {
    assessed = await look()
    await recover(run, assessed)
  }
  const refusal = refusalOf(assessed, ahead)
  if (refusal) throw refusal
  await markBaselines(run, assessed)
  return assessed
}
