import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError } from '../../core/errors.js'
import type { MigrationSet } from '../migration.js'
import { folderPath, type MigrationSourceOptions } from '../source.js'

/** Where files went. */
export interface SquashedFiles {
  /** Path of the new file; undefined where nothing was written. */
  readonly baseline: string | undefined
  /** The files it stands for, where they are now. */
  readonly archived: readonly string[]
}

/** What is to be put in place. */
export interface Placement {
  readonly set: MigrationSet
  readonly chosen: MigrationSet
  readonly sources: readonly MigrationSourceOptions[]
  readonly service: string
  readonly to: number
  readonly archive: string | undefined
  readonly sql: string
}

const DIGITS = 6
const ARCHIVE = 'squashed'

/**
 * Writes the baseline, and moves what it stands for out of the folder. The order leaves no state in which a database could be
 * built wrongly: the new file lies complete under a name that is not read; the old ones are moved; then it gets its own name.
 * In between, files that a database has applied are missing, and everything refuses to run and says so.
 *
 * @throws ConfigError the migrations were given in memory, or the archive is their own folder
 */
export async function placeFiles({ chosen, sources, service, to, archive, sql }: Placement): Promise<SquashedFiles> {
  const source = sources.find((one) => one.service === service)
  if (!source || !('dir' in source)) {
    throw new ConfigError(`migrations.squash: the migrations of ${service} are given in memory: there is no folder to write to; nothing was changed`, {
      option: 'migrations.sources', hint: 'take the text of a dry run: squash(to, { dryRun: true })',
    })
  }
  const folder = folderPath(source.dir)
  const shelf = archive === undefined ? join(folder, ARCHIVE) : resolve(archive)
  if (shelf === folder) throw new ConfigError('migrations.squash: the archive is the folder of the migrations itself; nothing was changed', { option: 'archive' })
  const digits = Math.max(DIGITS, ...chosen.migrations.map(({ up }) => /^\d*/.exec(basename(up.path))?.[0].length ?? 0))
  const name = `${String(to).padStart(digits, '0')}_baseline.up.sql`
  const draft = join(folder, `.${name}`)
  await writeDurably(draft, sql)
  await mkdir(shelf, { recursive: true })
  const versions = new Set(chosen.migrations.map(({ version }) => version))
  const archived: string[] = []
  for (const file of (await readdir(folder)).sort()) {
    const [digitsOfFile] = /^[0-9]+(?=_)/.exec(file) ?? []
    if (digitsOfFile === undefined || !versions.has(Number(digitsOfFile))) continue
    await rename(join(folder, file), join(shelf, file))
    archived.push(join(shelf, file))
  }
  const baseline = join(folder, name)
  await rename(draft, baseline)
  await syncFolder(dirname(baseline))
  return { baseline, archived }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Names are on disk when their folder is; not every system lets one do that. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync().catch(() => undefined)
  } finally {
    await folder.close()
  }
}
