import type { Dialect } from '../core/dialect.js'
import { ConfigError } from '../core/errors.js'
import type { Task } from './apply.js'
import { refusalOf, type Assessed } from './assess.js'
import { scriptOf, type Direction } from './in-transaction.js'
import type { MigrationConfig } from './options.js'

/** What a run does: first the ways down, then the ways up. */
export interface Steps {
  readonly down: readonly Task[]
  readonly up: readonly Task[]
}

/** @throws ConfigError everything is to be one transaction, where DDL commits by itself */
export function refuseAtomic({ atomic }: MigrationConfig, { engine, features }: Dialect): void {
  if (atomic === undefined || features.transactionalDdl) return
  throw new ConfigError(`migrations.atomic: on ${engine} every DDL statement commits by itself, so several migrations cannot be one transaction`, {
    option: 'migrations.atomic', hint: 'leave it out: every statement is written down there, and a run goes on where the last one has ended',
  })
}

/** @throws ConfigError naming the files that cannot be part of one transaction */
export function refuseAlone({ atomic }: MigrationConfig, { down, up }: Steps): void {
  if (atomic === undefined) return
  const scripts = (tasks: readonly Task[], direction: Direction): string[] => tasks.flatMap(({ migration }) => {
    const script = scriptOf(migration, direction)
    return script.kind === 'sql' && script.directives.noTransaction ? [script.path] : []
  })
  const alone = [...scripts(down, 'down'), ...scripts(up, 'up')]
  if (alone.length === 0) return
  throw new ConfigError(`migrations.atomic: ${alone.join(', ')} cannot run in a transaction, so that this run cannot be one; nothing was changed`, {
    option: 'migrations.atomic', hint: 'run what comes before it with up(count), and the file itself without atomic',
  })
}

/** The same without the lock, for a run that has not begun. What it would refuse for another reason it refuses itself. */
export function refuseAtOnce(config: MigrationConfig, assessed: readonly Assessed[], ahead: 'allow' | 'refuse', choose: (assessed: readonly Assessed[]) => Steps): void {
  if (!refusalOf(assessed, ahead)) refuseAlone(config, choose(assessed))
}
