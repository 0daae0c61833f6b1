import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from '../process.js'
import { writeServerFile, type LiveCopy } from '../server-files.js'

/** Folders whose content a base backup leaves out (PostgreSQL documentation, 26.3.4 "Backing Up the Data Directory"). */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set([
  'pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots', 'pg_stat_tmp', 'pg_subtrans',
])
const LEFT_OUT: ReadonlySet<string> = new Set([
  'postmaster.pid', 'postmaster.opts', 'standby.signal', 'recovery.signal', 'backup_label', 'tablespace_map', 'pg_internal.init',
])

/** What belongs into a base backup; replaying the log from the backup's start puts the rest right. */
export const BASE_BACKUP: LiveCopy = {
  isLeftOut: (name) => LEFT_OUT.has(name) || name.startsWith('pgsql_tmp'),
  isEmptied: (name) => WITHOUT_CONTENT.has(name),
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
