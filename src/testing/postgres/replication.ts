import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { adminQuery, withAdmin } from '../admin.js'
import { TestClusterError } from '../errors.js'
import type { Account } from '../process.js'
import { copyDataFolder, writeServerFile } from '../server-files.js'
import { BASE_BACKUP, forgetFormerRole, markStandby } from './data-folder.js'
import type { LocalServer } from './local-server.js'

/** PostgreSQL 15 renamed the two functions of a base backup. */
const RENAMED_IN = 15

/**
 * Fills the data folders of stopped servers with a base backup of a running one, and makes them its replicas. Done with
 * the server's own backup functions and plain copies, so it needs no client program.
 * Source: PostgreSQL documentation, 26.3.3 "Making a Base Backup Using the Low Level API".
 */
export async function copyFromPrimary(
  primary: LocalServer, replicas: readonly LocalServer[], major: number, account: Account | undefined,
): Promise<void> {
  const renamed = major >= RENAMED_IN
  const label = await withAdmin(primary.admin(), async (query) => {
    await query(renamed ? "select pg_backup_start('sluice', true)" : "select pg_start_backup('sluice', true, false)")
    await Promise.all(replicas.map(async (replica) => {
      await rm(replica.dataFolder, { recursive: true, force: true })
      await copyDataFolder(primary.dataFolder, replica.dataFolder, account, BASE_BACKUP)
    }))
    const [row] = await query(renamed ? 'select labelfile from pg_backup_stop(false)' : 'select labelfile from pg_stop_backup(false, false)')
    return String(row?.['labelfile'])
  })
  await Promise.all(replicas.map(async (replica) => {
    await writeServerFile(join(replica.dataFolder, 'backup_label'), label, account)
    await becomeReplica(replica, primary, account)
  }))
}

async function becomeReplica(server: LocalServer, primary: LocalServer, account: Account | undefined): Promise<void> {
  await forgetFormerRole(server.dataFolder, account)
  await markStandby(server.dataFolder, account)
  await server.configure(primary)
}

/**
 * Makes a stopped former primary a replica of the current one: rewound where `pg_rewind` is installed and willing, else
 * copied anew.
 *
 * @returns how it was done
 */
export async function returnAsReplica(
  server: LocalServer, primary: LocalServer, major: number, account: Account | undefined,
): Promise<'rewound' | 'copied'> {
  if (await rewind(server, primary)) {
    await becomeReplica(server, primary, account)
    return 'rewound'
  }
  await copyFromPrimary(primary, [server], major, account)
  return 'copied'
}

async function rewind(server: LocalServer, primary: LocalServer): Promise<boolean> {
  if (!server.has('pg_rewind')) return false
  // Until the new primary's first checkpoint its control file still shows the old timeline, and pg_rewind would find
  // that there is nothing to do.
  await adminQuery(primary.admin(), 'checkpoint')
  await rm(join(server.dataFolder, 'postmaster.pid'), { force: true })
  const source = `host='${primary.folder}' port=${primary.port} user=postgres dbname=postgres`
  try {
    await server.run('pg_rewind', ['-D', server.dataFolder, '--no-sync', `--source-server=${source}`])
    return true
  } catch (error) {
    if (error instanceof TestClusterError) return false
    throw error
  }
}
