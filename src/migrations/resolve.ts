import { ConfigError } from '../core/errors.js'
import { entryOf, titleOfAssessed, type Assessed } from './assess.js'
import { MigrationError } from './errors.js'
import { settle, waitForSession } from './recover.js'
import type { Run, RunOptions } from './run.js'

/** What has become of the statement in doubt. */
export interface Resolution extends RunOptions {
  /** Its number, as the refusal says it: proof that the same statement is meant. */
  readonly statement?: number | undefined
  /** `applied`: it is done, and the next run goes on after it. `not-applied`: it has left nothing, and is run again. */
  readonly outcome: 'applied' | 'not-applied'
  readonly service?: string | undefined
}

/** @throws ConfigError the outcome is none */
export function checkResolution({ outcome, statement }: Resolution): void {
  const known: readonly unknown[] = ['applied', 'not-applied']
  if (!known.includes(outcome)) throw new ConfigError(`migrations.resolve: outcome: expected 'applied' or 'not-applied', got ${JSON.stringify(outcome)}`)
  if (statement !== undefined && !(Number.isSafeInteger(statement) && statement > 0)) throw new ConfigError(`migrations.resolve: statement: expected a whole number of at least 1, got ${String(statement)}`)
}

/**
 * Writes down what a person has found out about the statement in doubt.
 *
 * @throws MigrationError `missing`: there is no such migration, or nothing about it is in doubt, or another statement is
 */
export async function resolve(run: Run, assessed: readonly Assessed[], service: string, version: number, { statement, outcome }: Resolution): Promise<void> {
  const found = assessed.find(({ migration, row }) => (migration ?? row)?.service === service && (migration ?? row)?.version === version && (migration ?? row)?.kind !== 'R')
  const facts = { service, version }
  if (!found?.row) throw new MigrationError('missing', `version ${String(version)} of ${service} was never begun: there is nothing to resolve; nothing was changed`, facts)
  await waitForSession(run, found.row)
  const open = found.journal.find(({ state }) => state !== 'done')
  if (found.status !== 'dirty' || !open) {
    throw new MigrationError('missing', `${titleOfAssessed(found)} is ${found.status}: nothing about it is in doubt; nothing was changed`, facts)
  }
  if (statement !== undefined && statement !== open.index) {
    throw new MigrationError('missing', `${titleOfAssessed(found)}: statement ${String(open.index)} is in doubt, not ${String(statement)}; nothing was changed`, { ...facts, statement: open.index })
  }
  const of = entryOf(found).statement?.of ?? open.index
  await run.history.together([
    ...settle(run.history, open, outcome === 'applied'),
    run.history.log({ action: 'resolve', service, version, name: found.row.name, detail: `statement ${String(open.index)}/${String(of)}: ${outcome}` }),
  ])
}
