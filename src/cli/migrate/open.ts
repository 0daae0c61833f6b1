import { optionsFromEnvironment } from '../../config/env.js'
import type { DatabaseOptions } from '../../config/options.js'
import { Database } from '../../facade/database.js'
import { MigrationManager } from '../../migrations/manager.js'
import type { MigrationOptions } from '../../migrations/options.js'
import { optionsOfFile } from '../chosen-options.js'
import type { Invocation } from '../command.js'
import { UsageError } from '../exit.js'
import type { Output } from '../output.js'
import { flagOption, textOption, textOptions, wholeOption } from '../values.js'
import type { MigrationProgress } from './progress.js'

/** The migrations a command line is about. */
export interface OpenMigrations {
  readonly migrations: MigrationManager
  /** Where a new migration is written. */
  readonly folder: string
  readonly close: () => Promise<void>
}

const DAY_MS = 86_400_000

/** Of the file that was named, else of the environment; what stands on the command line outranks both. Opens no connection. */
export async function openMigrations(invocation: Invocation, output: Output, progress: MigrationProgress): Promise<OpenMigrations> {
  const file = textOption(invocation, 'config', undefined)
  const name = textOption(invocation, 'database', undefined)
  if (file === undefined && name !== undefined) throw new UsageError('--database names one of a file\'s databases: give --config, too')
  const options: DatabaseOptions = file === undefined ? optionsFromEnvironment(output.env).options : await optionsOfFile(file, name, output)
  const observers = [...options.observers ?? [], { migration: (event: Parameters<MigrationProgress['tell']>[0]) => { progress.tell(event) } }]
  const db = new Database({ ...options, pool: { ...options.pool, min: 0 }, observers })
  const chosen = migrationOptions(invocation)
  const { sources, dir } = db.assembly.options.migrations
  const folder = typeof chosen.dir === 'string' ? chosen.dir : folderOf(sources, textOption(invocation, 'service', undefined)) ?? dir
  return { migrations: new MigrationManager(db, chosen), folder, close: () => db.close({ drainMs: 0 }) }
}

function migrationOptions(invocation: Invocation): MigrationOptions {
  const lockTimeoutMs = wholeOption(invocation, 'lockTimeout', { min: 0, max: DAY_MS, otherwise: -1 })
  return {
    dir: textOption(invocation, 'dir', undefined), seeds: textOption(invocation, 'seeds', undefined), schema: textOption(invocation, 'schema', undefined),
    ...lockTimeoutMs === -1 ? {} : { lockTimeoutMs }, allowOutOfOrder: textOptions(invocation, 'allowOutOfOrder'),
    atomic: flagOption(invocation, 'atomic') ? 'all' : undefined,
  }
}

function folderOf(sources: readonly { readonly service: string; readonly dir: string }[] | undefined, service: string | undefined): string | undefined {
  if (sources === undefined) return undefined
  const found = sources.length === 1 ? sources[0] : sources.find((source) => source.service === service)
  return found?.dir
}
