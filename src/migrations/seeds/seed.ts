import { ConfigError } from '../../core/errors.js'
import { applyAll } from '../apply.js'
import { assess, entryOf, refusalOf, titleOfAssessed, type Assessed, type StatusEntry } from '../assess.js'
import { MigrationError } from '../errors.js'
import { NO_HISTORY, type HistoryState } from '../history.js'
import { judge } from '../judge.js'
import type { MigrationSet } from '../migration.js'
import { scriptsOf, type PlannedScript } from '../preview.js'
import { recover } from '../recover.js'
import type { UpResult } from '../results.js'
import { withLock, withSession, type RunOptions, type RunParts } from '../run.js'
import { tasksUp } from '../tasks.js'
import { loadSeeds, type Seed } from './load-seeds.js'

/** Which seeds. */
export interface SeedOptions extends RunOptions {
  /** Those without a tag, and those that are tagged with this: `development`. Default: only those without. */
  readonly environment?: string | undefined
}

/** The seeds of an environment, and where they stand. */
export interface SeedWork {
  readonly parts: RunParts
  /** The migrations they come after. */
  readonly set: MigrationSet
  readonly options: SeedOptions
}

/**
 * Applies seeds that are not applied yet, and repeatable ones that have changed, each in a transaction with its row of the
 * history.
 *
 * @throws MigrationError `outOfOrder`: migrations are pending; `drift`: a seed has changed; `failed`, `locked`, `dirty`
 */
export async function seed(work: SeedWork): Promise<UpResult> {
  const { parts, set, options } = work
  const seeds = await chosenSeeds(work)
  return withLock(parts, options, async (run) => {
    const state = await run.history.read()
    refuseBefore(judge(parts, set, state))
    let assessed = assessSeeds(parts, seeds, state)
    if (await recover(run, assessed)) assessed = assessSeeds(parts, seeds, await run.history.read())
    const refusal = refusalOf(assessed, 'allow')
    if (refusal) throw refusal.kind === 'drift' ? changedError(refusal, assessed) : refusal
    return { applied: await applyAll(run, tasksUp(assessed), 'up') }
  })
}

/** Every seed of the environment and its state. */
export async function seedStatus(work: SeedWork): Promise<StatusEntry[]> {
  return (await look(work)).filter(({ migration }) => migration).map(entryOf)
}

/** What `seed` would run. */
export async function previewSeeds(work: SeedWork): Promise<PlannedScript[]> {
  return scriptsOf(tasksUp(await look(work)), 'up', true)
}

/** The seeds with their rows, as `resolve` looks at them. */
export function assessSeeds({ texts }: RunParts, seeds: readonly Seed[], state: HistoryState = NO_HISTORY): Assessed[] {
  const services = [...new Set(seeds.map(({ service }) => service))]
  return assess({ services, migrations: seeds }, state, { seeds: true, allowOutOfOrder: new Set(), atomicStatements: texts.dialect.features.transactionalDdl })
    // rows without a file are seeds of another environment, or of earlier days
    .filter(({ migration, status }) => migration !== undefined || status === 'dirty')
}

/** @throws ConfigError there is no folder, or the environment is no name */
export async function chosenSeeds({ parts: { config, texts }, options: { environment } }: Pick<SeedWork, 'parts' | 'options'>): Promise<Seed[]> {
  if (config.seeds.length === 0) {
    throw new ConfigError('migrations.seeds: expected a folder with seeds, got nothing', { option: 'migrations.seeds', hint: "give seeds: 'seeds' beside dir, or --seeds <folder>" })
  }
  if (environment !== undefined && !/^[A-Za-z][\w-]*$/.test(environment)) {
    throw new ConfigError(`migrations.seed: environment: expected a name such as 'development', got ${JSON.stringify(environment)}`, { option: 'environment' })
  }
  const all = await loadSeeds(config.seeds, { lexicon: texts.dialect.lexicon, alone: texts.facts.alone })
  return all.filter(({ environments }) => environments.length === 0 || (environment !== undefined && environments.includes(environment)))
}

async function look(work: SeedWork): Promise<Assessed[]> {
  const seeds = await chosenSeeds(work)
  return assessSeeds(work.parts, seeds, await withSession(work.parts, (history) => history.read()))
}

/** Rows are for the tables of the newest version, and for no other. */
function refuseBefore(migrations: readonly Assessed[]): void {
  const refusal = refusalOf(migrations, 'allow')
  if (refusal) throw refusal
  const pending = tasksUp(migrations)
  const [first] = pending
  if (!first) return
  throw new MigrationError('outOfOrder', `seeds come after migrations, and ${String(pending.length)} of those ${pending.length === 1 ? 'is' : 'are'} pending, the first one ${titleOfAssessed(first)}; nothing was changed`, {
    service: first.migration.service, version: first.migration.version, hint: 'run up first',
  })
}

function changedError(refusal: MigrationError, assessed: readonly Assessed[]): MigrationError {
  const file = assessed.find(({ status }) => status === 'changed')?.migration?.up.path ?? ''
  return new MigrationError('drift', refusal.message, {
    service: refusal.service, version: refusal.version,
    hint: `a seed is applied once: put the file back (${file}) and add another one; what is to be run again on every change is named R__<name>.sql`,
  })
}
