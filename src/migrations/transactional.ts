import { ConstraintError, LockTimeoutError, SluiceError } from '../core/errors.js'
import { sql, type Sql } from '../sql/tag.js'
import type { Assessed } from './assess.js'
import { failedError } from './failed.js'
import {
  checkInside, claimOf, endOf, execute, guardOf, hasLeft, identityOf, inDoubt, rollBack, scriptOf, timeoutsOf, type Direction,
} from './in-transaction.js'
import { climb } from './ladder.js'
import type { Migration, Script } from './migration.js'
import type { Run } from './run.js'

/**
 * Runs a migration inside one transaction, together with its row of the history: both are there afterwards, or neither.
 *
 * 1. The row is marked `running`, on its own: whoever looks sees what is under way, and what was interrupted.
 * 2. BEGIN, and the claim first: of several runners without a lock only one gets it.
 * 3. The script.
 * 4. The guard (still the same transaction, still our lock), the row's end, COMMIT.
 *
 * @returns milliseconds; undefined when another runner has it already
 */
export async function runTransactional(run: Run, { migration, row }: Assessed & { migration: Migration }, direction: Direction): Promise<number | undefined> {
  const startedAt = performance.now()
  const script = scriptOf(migration, direction)
  let known = row !== undefined
  const done = await climb(run, () => migration, async () => {
    const mark = direction === 'up' ? markRunning(run, migration, known) : []
    const identity = await claim(run, migration, direction, mark, script)
    known = true
    if (identity === undefined) return false
    try {
      await execute(run, script)
      await checkInside(run)
      await run.history.script([...endOf(run, migration, direction, performance.now() - startedAt), ...guardOf(run, identity), sql.raw('commit')], run.limits)
      return true
    } catch (error) {
      await rollBack(run)
      throw error
    }
  }).catch(async (error: unknown) => { throw await explained(run, migration, direction, script, error) })
  return done ? performance.now() - startedAt : undefined
}

function markRunning({ history, identity }: Run, migration: Migration, known: boolean): Sql[] {
  return [sql.raw(history.sql.facts.begin), ...history.asynchronously, history.running(migration, known, undefined, identity), sql.raw('commit')]
}

/** Marks, begins, claims; the transaction's identity (`''` where the engine has none), or undefined when the claim failed. */
async function claim(run: Run, migration: Migration, direction: Direction, mark: readonly Sql[], script: Script): Promise<string | undefined> {
  const { history, limits } = run
  const { facts } = history.sql
  const returning = facts.guard ? sql` returning ${sql.raw(facts.guard.identity)} as identity` : sql.empty
  try {
    const { rows, rowCount } = await history.script([
      ...mark, sql.raw(facts.begin), ...timeoutsOf(run, script), sql`${claimOf(run, migration, direction)}${returning}`,
    ], limits)
    if (rowCount === 1) return identityOf(rows)
    await rollBack(run)
    return undefined
  } catch (error) {
    await rollBack(run)
    // Without a lock (it was lost, or never had) two runners may come to make the same row.
    if (error instanceof ConstraintError && error.kind === 'unique') return undefined
    throw error
  }
}

/** Also written into the row, where that is possible: `status` shows it. */
async function explained(run: Run, migration: Migration, direction: Direction, script: Script, error: unknown): Promise<unknown> {
  const escaped = hasLeft(error)
  const failure = failedError(run, migration, script, error, escaped ? 'what it did before that stays' : 'all of it was undone')
  run.tell({ phase: 'failed', error: failure }, migration)
  const { history, session } = run
  const lost = session.broken || (error instanceof SluiceError && error.connectionLost)
  if (lost || (direction === 'down' && !escaped) || error instanceof LockTimeoutError) return failure
  const { service, version, name } = migration
  await history.together([
    // a seed is begun anew: its rows are what somebody has to look at
    ...escaped ? migration.kind === 'S' ? [history.remove(migration)] : inDoubt(run, migration, direction, failure.message) : [
      sql`update ${history.sql.table('migration')} set state = 'failed', finished_at = ${history.sql.now}, error = ${failure.message}
        where ${history.sql.where(migration)} and state = 'running'`,
    ],
    history.log({ action: 'failed', service, version, name, detail: failure.message }),
  ]).catch(() => rollBack(run))
  return failure
}
