import { ConstraintError, LockTimeoutError, SluiceError } from '../core/errors.js'
import { sql } from '../sql/tag.js'
import { asInHistory, type AppliedMigration, type Task } from './apply.js'
import { refuseAlone, type Steps } from './atomic.js'
import { MigrationError } from './errors.js'
import { failedError } from './failed.js'
import {
  checkInside, claimOf, endOf, execute, guardOf, hasLeft, identityOf, inDoubt, rollBack, scriptOf, timeoutsOf, type Direction,
} from './in-transaction.js'
import { climb } from './ladder.js'
import type { DownResult, UpResult } from './results.js'
import type { Run } from './run.js'

/** One migration of several, and its way. */
interface Step {
  readonly task: Task
  readonly direction: Direction
}

/** What was done, in order. */
type Done = readonly (AppliedMigration & { readonly direction: Direction })[]

/**
 * Runs all of it in one transaction, with all rows of the history: everything is there afterwards, or nothing. No row is
 * marked before: what a run that died leaves is undone by the server and needs nobody. When a table is busy, all of it is
 * undone, gets out of the way and begins again.
 *
 * @param choose - looks at the history and says what is to be done
 * @throws ConfigError a file cannot run in a transaction: nothing was sent
 * @throws MigrationError `failed`: all was undone; `locked`: other runners were faster, again and again
 */
export async function applyTogether(run: Run, choose: () => Promise<Steps>): Promise<UpResult & DownResult> {
  const wanted = stepsOf(await choose())
  let steps = wanted
  // Without a lock, or between processes that share a file, another one may have been faster: whoever was has committed.
  for (let round = 0; round <= wanted.length; round++) {
    const done = steps.length === 0 ? [] : await new Together(run, steps).run()
    if (done) return { reverted: resultOf(done, 'down'), applied: resultOf(done, 'up') }
    const keys = new Set(wanted.map(keyOf))
    steps = stepsOf(await choose()).filter((step) => keys.has(keyOf(step)))
  }
  throw new MigrationError('locked', 'other sessions apply the same migrations; nothing was changed', { transient: true, node: run.session.node, hint: 'run again' })

  function stepsOf(chosen: Steps): Step[] {
    refuseAlone(run.config, chosen)
    const as = (tasks: readonly Task[], direction: Direction): Step[] => tasks.map((task) => ({ task: asInHistory(task), direction }))
    return [...as(chosen.down, 'down'), ...as(chosen.up, 'up')]
  }
}

function keyOf({ task: { migration: { service, kind, version, name } }, direction }: Step): string {
  return `${direction} ${service} ${kind} ${kind === 'R' ? name : String(version)}`
}

function resultOf(done: Done, way: Direction): AppliedMigration[] {
  return done.filter(({ direction }) => direction === way).map(({ direction: _, ...applied }) => applied)
}

/** One transaction of several migrations. */
class Together {
  readonly #run: Run
  readonly #steps: readonly Step[]
  /** The one that is being run. */
  #at = 0
  #committing = false

  constructor(run: Run, steps: readonly Step[]) {
    this.#run = run
    this.#steps = steps
  }

  /** Undefined: another runner has done a part of it, and nothing was done here. */
  async run(): Promise<Done | undefined> {
    const run = this.#run
    const done = await climb(run, () => this.#step.task.migration, () => this.#attempt())
      .catch(async (error: unknown) => { throw await this.#explained(error) })
    for (const [index, { direction, durationMs }] of (done ?? []).entries()) {
      run.done.migrations++
      run.tell({ phase: direction === 'up' ? 'applied' : 'reverted', durationMs, position: this.#position(index) }, this.#steps[index]?.task.migration)
    }
    return done
  }

  async #attempt(): Promise<Done | undefined> {
    const run = this.#run
    this.#at = 0
    this.#committing = false
    try {
      const identity = await this.#begin()
      const done: (AppliedMigration & { direction: Direction })[] = []
      for (const [index, { task: { migration }, direction }] of this.#steps.entries()) {
        this.#at = index
        run.limits.signal?.throwIfAborted()
        run.tell({ phase: direction === 'up' ? 'applying' : 'reverting', position: this.#position(index) }, migration)
        const startedAt = performance.now()
        if (!await this.#claim()) {
          await rollBack(run)
          return undefined
        }
        await execute(run, scriptOf(migration, direction))
        await checkInside(run)
        const durationMs = performance.now() - startedAt
        await run.history.script([...endOf(run, migration, direction, durationMs), ...guardOf(run, identity)], run.limits)
        const { service, version, name } = migration
        done.push({ service, version, name, durationMs, direction })
      }
      this.#committing = true
      await run.history.script([...guardOf(run, identity), sql.raw('commit')], run.limits)
      return done
    } catch (error) {
      await rollBack(run)
      throw error
    }
  }

  async #begin(): Promise<string> {
    const { history, limits } = this.#run
    const { facts } = history.sql
    const identity = facts.guard ? [sql`select ${sql.raw(facts.guard.identity)} as identity`] : []
    return identityOf((await history.script([sql.raw(facts.begin), ...identity], limits)).rows)
  }

  /** The limits of the one before are not for this one. False: another runner has it. */
  async #claim(): Promise<boolean> {
    const run = this.#run
    const { history } = run
    const { task: { migration, row }, direction } = this.#step
    const mark = direction === 'up' ? [history.running(migration, row !== undefined, undefined, run.identity)] : []
    try {
      const { rowCount } = await history.script([
        ...history.sql.facts.resetTimeouts.map((text) => sql.raw(text)),
        ...timeoutsOf(run, scriptOf(migration, direction)), ...mark, claimOf(run, migration, direction),
      ], run.limits)
      return rowCount === 1
    } catch (error) {
      if (error instanceof ConstraintError && error.kind === 'unique') return false
      throw error
    }
  }

  /** Also written into the log, where that is possible. */
  async #explained(error: unknown): Promise<unknown> {
    const run = this.#run
    const { history, session } = run
    const { task: { migration }, direction } = this.#step
    const escaped = hasLeft(error)
    const lost = session.broken || (error instanceof SluiceError && error.connectionLost)
    const undone = this.#steps.length === 1 ? 'all of it was undone' : `all ${String(this.#steps.length)} migrations of this run were undone`
    const unknown = lost && this.#committing ? 'whether all of this run is done is not known: status tells' : undone
    const state = escaped ? 'what it and those before it did until then stays' : unknown
    const failure = failedError(run, migration, scriptOf(migration, direction), error, state)
    run.tell({ phase: 'failed', error: failure }, migration)
    // those before it were committed with it
    if (escaped) run.done.migrations += this.#at
    if (lost || error instanceof LockTimeoutError) return failure
    const { service, version, name } = migration
    await history.together([
      ...escaped ? inDoubt(run, migration, direction, failure.message) : [], history.log({ action: 'failed', service, version, name, detail: failure.message }),
    ]).catch(() => rollBack(run))
    return failure
  }

  get #step(): Step {
    const step = this.#steps[this.#at]
    if (!step) throw new RangeError('a run of no migrations')
    return step
  }

  #position(index: number): { number: number; of: number } {
    return { number: index + 1, of: this.#steps.length }
  }
}
