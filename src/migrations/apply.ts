import { load } from '../core/load.js'
import type { Assessed } from './assess.js'
import type { Direction } from './in-transaction.js'
import { runJournaled } from './journaled.js'
import type { Migration } from './migration.js'
import type { Run } from './run.js'
import { runTransactional } from './transactional.js'

/** A migration that was run, as results tell it. */
export interface AppliedMigration {
  readonly service: string
  readonly version: number
  readonly name: string
  readonly durationMs: number
}

/** Something to run. */
export type Task = Assessed & { readonly migration: Migration }

/** Runs these migrations in this order; umzug keeps the order and ends at the first failure. The failure itself is thrown. */
export async function applyAll(run: Run, tasks: readonly Task[], direction: Direction): Promise<AppliedMigration[]> {
  if (tasks.length === 0) return []
  const { Umzug } = await load('umzug', () => import('umzug'), 'migrations')
  const applied: AppliedMigration[] = []
  let failure: unknown
  const umzug = new Umzug({
    migrations: tasks.map((task, index) => ({
      // its names must differ, and nobody sees them
      name: String(index),
      up: async () => {
        try {
          const one = await applyOne(run, task, direction, { number: index + 1, of: tasks.length })
          if (one) applied.push(one)
        } catch (error) {
          failure = error
          throw error
        }
      },
    })),
    // The history is written in the migrations' own transactions.
    storage: { executed: async () => [], logMigration: async () => {}, unlogMigration: async () => {} },
    logger: undefined,
  })
  try {
    await umzug.up()
  } catch (error) {
    throw failure ?? error
  }
  return applied
}

/** Its row may have been made when its file had another name: it is the same migration, and keeps the name in the history. */
export function asInHistory(task: Task): Task {
  const { row, migration } = task
  return row ? { ...task, migration: { ...migration, name: row.name } } : task
}

async function applyOne(run: Run, given: Task, direction: Direction, position: { number: number; of: number }): Promise<AppliedMigration | undefined> {
  const task = asInHistory(given)
  const { migration } = task
  run.limits.signal?.throwIfAborted()
  run.tell({ phase: direction === 'up' ? 'applying' : 'reverting', position }, migration)
  const script = migration[direction]
  // Seeds are rows, and rows can be undone everywhere.
  const undoable = run.history.sql.dialect.features.transactionalDdl || migration.kind === 'S'
  const alone = script?.kind === 'sql' && script.directives.noTransaction
  const durationMs = script && (alone || !undoable) ? await runJournaled(run, task, script, direction) : await runTransactional(run, task, direction)
  if (durationMs === undefined) return undefined
  run.done.migrations++
  run.tell({ phase: direction === 'up' ? 'applied' : 'reverted', durationMs, position }, migration)
  const { service, version, name } = migration
  return { service, version, name, durationMs }
}
