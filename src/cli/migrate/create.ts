import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import type { MigrationManager } from '../../migrations/manager.js'
import { UsageError } from '../exit.js'

const DIGITS = 6

/**
 * Makes the two files of a new migration, under the next version of its folder.
 *
 * @returns their paths
 */
export async function createMigration(folder: string, name: string, migrations: MigrationManager): Promise<string[]> {
  if (!/^[A-Za-z0-9_-]+$/.test(name)) throw new UsageError(`migrate create: expected a name of letters, digits, _ and -, got '${name}'`)
  await mkdir(folder, { recursive: true })
  const { migrations: known } = await migrations.load()
  const own = known.filter((migration) => migration.kind === 'V' && migration.up.path.startsWith(resolve(folder) + sep))
  const version = Math.max(0, ...own.map((migration) => migration.version)) + 1
  const base = join(folder, `${String(version).padStart(DIGITS, '0')}_${name}`)
  const paths = [`${base}.up.sql`, `${base}.down.sql`]
  for (const path of paths) await writeFile(path, '', { flag: 'wx' })
  return paths
}
