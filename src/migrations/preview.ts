import type { Task } from './apply.js'
import type { Direction } from './transactional.js'

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
