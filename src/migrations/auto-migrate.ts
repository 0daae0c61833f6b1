import { QueryError } from '../core/errors.js'
import type { DatabaseCore } from '../database/core.js'
import { markOf } from './checksum.js'
import { HistorySql } from './history-sql.js'
import { MigrationManager } from './manager.js'
import type { MigrationSet } from './migration.js'
import { migrationConfig, type MigrationOptions } from './options.js'
import type { UpResult } from './results.js'
import type { RunOptions } from './run.js'

/**
 * Brings the database to what the files say, when a program starts: any number of processes may call it at once. With
 * nothing to do it is one short query. A database that is newer than the files is left alone, and said so once: in a
 * rolling deploy old and new programs run side by side.
 *
 * @example
 * ```ts
 * import { autoMigrate, Database } from 'sluice'
 *
 * const db = await Database.open()
 * await autoMigrate(db, { dir: 'migrations' })
 * ```
 * @throws {@link MigrationError} as {@link MigrationManager.up}
 */
export async function autoMigrate(db: DatabaseCore, options: MigrationOptions & RunOptions = {}): Promise<UpResult> {
  const { signal, ...rest } = options
  const manager = new MigrationManager(db, { ...rest, ahead: rest.ahead ?? 'allow' })
  const set = await manager.load()
  if (await isUpToDate(db, rest, set)) return { applied: [] }
  const { pending, refusal } = await manager.plan()
  if (refusal === undefined && pending.length === 0 && !await manager.unmarked()) {
    await warnAhead(db, manager)
    return { applied: [] }
  }
  return manager.up(undefined, { signal })
}

/** One query: as many rows as files, and the same sum of marks. Anything else is looked into. */
async function isUpToDate(db: DatabaseCore, options: MigrationOptions, set: MigrationSet): Promise<boolean> {
  const { assembly } = db
  const texts = new HistorySql(assembly.driver.dialect, migrationConfig(options, assembly.options.migrations).schema)
  try {
    const found = await db.many<Digest>(texts.digest(set.services), [], { target: 'primary', ambient: false, label: 'sluice: autoMigrate' })
    return set.services.every((service) => isSame(set, service, found.find((row) => row.service === service)))
  } catch (error) {
    // no history yet, or one that this version does not know
    if (error instanceof QueryError) return false
    throw error
  }
}

interface Digest {
  readonly service: string
  readonly n: unknown
  readonly mark: unknown
  readonly baseline: unknown
}

function isSame({ migrations }: MigrationSet, service: string, { n, mark, baseline }: Omit<Digest, 'service'> = { n: 0, mark: 0, baseline: null }): boolean {
  const wanted = migrations.filter((migration) => migration.service === service && (migration.kind === 'R' || migration.version > Number(baseline ?? -1)))
  return Number(n) === wanted.length && BigInt(String(mark)) === wanted.reduce((sum, migration) => sum + BigInt(markOf(migration)), 0n)
}

async function warnAhead(db: DatabaseCore, manager: MigrationManager): Promise<void> {
  const newer = (await manager.status()).filter(({ ahead }) => ahead)
  const { notifier } = db.assembly
  const [first] = newer
  if (!first) return
  const node = db.assembly.fleet.all.find(({ role }) => role === 'primary')?.name
  notifier.notify('warning', {
    code: 'SLUICE_MIGRATION_AHEAD', node, error: undefined,
    message: `the database is newer than this program: ${newer.map(({ version, name }) => `${String(version)}_${name}`).join(', ')} ${newer.length === 1 ? 'is' : 'are'} applied, and not among its files`,
  })
}
