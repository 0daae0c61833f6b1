import { asError, limitsFrom, type Limits } from '../core/deadline.js'
import { ConfigError } from '../core/errors.js'
import { serverOf } from '../backup/parts.js'
import type { DatabaseCore } from '../database/core.js'
import { applyAll, type Task } from './apply.js'
import { judge } from './judge.js'
import type { Migration, MigrationSet } from './migration.js'
import { rehearse, type RehearsedLock, type RehearsedMigration } from './rehearse.js'
import { withLock, type Run, type RunParts } from './run.js'
import { withScratch } from './squash/scratch.js'
import { tasksUp } from './tasks.js'

/** What is rehearsed. */
export interface PendingRehearsal {
  readonly db: DatabaseCore
  readonly parts: RunParts
  readonly set: MigrationSet
  readonly pending: readonly Migration[]
  readonly signal: AbortSignal | undefined
}

/** Here, in a transaction that is rolled back, or on a scratch database. */
export async function rehearsePending(work: PendingRehearsal, where: true | 'scratch'): Promise<RehearsedMigration[]> {
  return where === 'scratch' ? rehearseOnScratch(work) : rehearse(work.parts, work.pending, limitsFrom(undefined, work.signal))
}

/**
 * Applies everything, what is pending last, on a scratch database: also what cannot run in a transaction, and code. Locks are
 * those of statements that can run in one: each file is tried in a transaction first. The real database is not touched.
 *
 * @throws ConfigError the engine has no scratch databases, or the role may not make one
 * @throws MigrationError what is applied already cannot be applied any more
 */
async function rehearseOnScratch({ db, parts, set, pending, signal }: PendingRehearsal): Promise<RehearsedMigration[]> {
  if (pending.length === 0) return []
  const { driver } = parts.assembly
  const tools = await driver.dump?.()
  if (!tools) {
    throw new ConfigError(`migrations.plan: ${driver.dialect.engine} has no scratch databases to rehearse on; nothing was changed`, {
      option: 'rehearse', hint: 'rehearse: true, where DDL can be undone; else run them on a copy of the database',
    })
  }
  return withScratch({ call: 'plan', parts, tools, where: serverOf(db) }, signal, async (scratch) => {
    const rehearsed = new Set(pending)
    const tasks = tasksUp(judge(scratch.parts, set))
    // file by file, whatever the real run is told: each has a duration and an error of its own
    const own = { ...scratch.parts, config: { ...scratch.parts.config, atomic: undefined } }
    return withLock(own, { signal }, async (run) => {
      await applyAll(run, tasks.filter(({ migration }) => !rehearsed.has(migration)), 'up')
      return all(run, own, tasks.filter(({ migration }) => rehearsed.has(migration)))
    })
  })
}

async function all(run: Run, parts: RunParts, tasks: readonly Task[]): Promise<RehearsedMigration[]> {
  const known = new Set((await run.session.ask(parts.texts.facts.tables, run.limits)).map(({ name }) => name))
  const tried: RehearsedMigration[] = []
  for (const task of tasks) {
    const one = await tryOne(run, parts, task, known)
    tried.push(one)
    if (one.error !== undefined) break
  }
  return tried
}

async function tryOne(run: Run, parts: RunParts, task: Task, known: ReadonlySet<string>): Promise<RehearsedMigration> {
  const { service, version, name } = task.migration
  const startedAt = performance.now()
  const locks = await locksOf(parts, task.migration, known, limitsFrom(undefined, run.limits.signal))
  try {
    const [applied] = await applyAll(run, [task], 'up')
    return { service, version, name, durationMs: applied?.durationMs ?? 0, locks, error: undefined, untried: undefined }
  } catch (error) {
    if (run.session.broken || run.limits.signal?.aborted === true) throw error
    return { service, version, name, durationMs: performance.now() - startedAt, locks, error: asError(error).message, untried: undefined }
  }
}

/** On tables that were there before anything that is pending. Whatever goes wrong here goes wrong again when it is applied. */
async function locksOf(parts: RunParts, migration: Migration, known: ReadonlySet<string>, limits: Limits): Promise<readonly RehearsedLock[]> {
  const [rehearsed] = await rehearse(parts, [migration], limits)
  return (rehearsed?.locks ?? []).filter(({ relation }) => known.has(relation.replaceAll('"', '')))
}
