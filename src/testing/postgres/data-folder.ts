import { constants } from 'node:fs'
import { chown, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from '../process.js'

/** Folders whose content a base backup leaves out (PostgreSQL documentation, 26.3.4 "Backing Up the Data Directory"). */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set([
  'pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots', 'pg_stat_tmp', 'pg_subtrans',
])
const LEFT_OUT: ReadonlySet<string> = new Set([
  'postmaster.pid', 'postmaster.opts', 'standby.signal', 'recovery.signal', 'backup_label', 'tablespace_map', 'pg_internal.init',
])

/** Whose the files are to be. */
export async function give(path: string, account: Account | undefined): Promise<void> {
  if (account) await chown(path, account.uid, account.gid)
}

/** Writes a private file for the server. */
export async function writeServerFile(path: string, text: string, account: Account | undefined): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  await give(path, account)
}

/** A folder only the server's user may enter. */
export async function makePrivateFolder(path: string, account: Account | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await give(path, account)
}

/** What of a data folder is copied: everything of a stopped server, or what belongs into a base backup. */
export type CopyScope = 'all' | 'base-backup'

/**
 * Copies a data folder. In a base backup files may grow, shrink and vanish meanwhile: vanished ones are skipped, the
 * rest is put right by replaying the log from the backup's start.
 */
export async function copyDataFolder(from: string, to: string, account: Account | undefined, scope: CopyScope): Promise<void> {
  await copyFolder(from, to, account, scope, false)
}

/** @param foldersOnly - leave out the files: the server wants the folder, but not what was in it */
async function copyFolder(
  from: string, to: string, account: Account | undefined, scope: CopyScope, foldersOnly: boolean,
): Promise<void> {
  await makePrivateFolder(to, account)
  const entries = await readdir(from, { withFileTypes: true }).catch(unlessVanished(scope, []))
  await Promise.all(entries.map(async (entry) => {
    const { name } = entry
    const [source, target] = [join(from, name), join(to, name)]
    if (scope === 'base-backup' && (LEFT_OUT.has(name) || name.startsWith('pgsql_tmp'))) return
    if (entry.isDirectory()) {
      await copyFolder(source, target, account, scope, foldersOnly || (scope === 'base-backup' && WITHOUT_CONTENT.has(name)))
    } else if (entry.isFile() && !foldersOnly) {
      await copyFile(source, target, constants.COPYFILE_FICLONE).then(() => give(target, account)).catch(unlessVanished(scope, undefined))
    }
  }))
}

function unlessVanished<T>(scope: CopyScope, instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (scope === 'base-backup' && error.code === 'ENOENT') return instead
    throw error
  }
}

/** Makes the file that tells a server, when it starts, to be a replica. */
export async function markStandby(dataFolder: string, account: Account | undefined): Promise<void> {
  await writeServerFile(join(dataFolder, 'standby.signal'), '', account)
}

/**
 * Takes out of a data folder what was true of another node only: whom it follows and how far it stays behind, as
 * `ALTER SYSTEM` may have stored it.
 */
export async function forgetFormerRole(dataFolder: string, account: Account | undefined): Promise<void> {
  const file = join(dataFolder, 'postgresql.auto.conf')
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n')
  const kept = lines.filter((line) => !/^\s*(primary_conninfo|primary_slot_name|recovery_min_apply_delay)\b/.test(line))
  await writeServerFile(file, kept.join('\n'), account)
  await rm(join(dataFolder, 'standby.signal'), { force: true })
}
