import type { Task } from './apply.js'
import { refusalOf, type Assessed } from './assess.js'
import { refuseAlone, type Steps } from './atomic.js'
import { serviceOf } from './checks.js'
import type { Direction } from './in-transaction.js'
import type { MigrationSet } from './migration.js'
import type { RunParts } from './run.js'
import { tasksDown, tasksTo, tasksUp } from './tasks.js'

/** A script that would be run. */
export interface PlannedScript {
  readonly service: string
  readonly version: number
  readonly name: string
  readonly direction: 'up' | 'down'
  readonly path: string
  /** Undefined of a migration that is code. */
  readonly sql: string | undefined
  /** Runs statement by statement, outside of a transaction. */
  readonly alone: boolean
}

/** A call that would run something. */
export interface PreviewedCall {
  readonly call: 'up' | 'down' | 'migrate'
  readonly value: number | undefined
  readonly service: string | undefined
}

/**
 * What a call would run.
 *
 * @throws MigrationError whatever that call would refuse
 */
export function scriptsFor(
  { config, texts }: Pick<RunParts, 'config' | 'texts'>, set: MigrationSet, assessed: readonly Assessed[], { call, value, service }: PreviewedCall,
): PlannedScript[] {
  const refusal = refusalOf(assessed, call === 'down' ? 'allow' : config.ahead ?? 'refuse')
  if (refusal) throw refusal
  const { transactionalDdl } = texts.dialect.features
  const { down, up } = stepsOf(set, assessed, { call, value, service })
  refuseAlone(config, { down, up })
  return [...scriptsOf(down, 'down', transactionalDdl), ...scriptsOf(up, 'up', transactionalDdl)]
}

function stepsOf(set: MigrationSet, assessed: readonly Assessed[], { call, value, service }: PreviewedCall): Steps {
  if (call === 'up') return { down: [], up: tasksUp(assessed).slice(0, value) }
  if (call === 'down') return { down: tasksDown(assessed, set, value ?? 1, service), up: [] }
  return tasksTo(assessed, set, serviceOf(set, service), value ?? 0)
}

/** What these tasks would run, in order. */
export function scriptsOf(tasks: readonly Task[], direction: Direction, transactionalDdl: boolean): PlannedScript[] {
  return tasks.flatMap(({ migration }) => {
    const { service, version, name, [direction]: script } = migration
    if (!script) return []
    const sql = script.kind === 'sql' ? script.text : undefined
    const alone = !transactionalDdl || (script.kind === 'sql' && script.directives.noTransaction)
    return [{ service, version, name, direction, path: script.path, sql, alone }]
  })
}
