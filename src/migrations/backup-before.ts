import { ConfigError } from '../core/errors.js'

/** The part of a backup manager that migrations ask for. */
interface Backups {
  backup(options: { readonly pinDays: number; readonly tags: Readonly<Record<string, string>> }): Promise<{ readonly id: string }>
}

/** Days the backup is kept whatever the retention says. */
const PINNED_DAYS = 30

/**
 * Makes a backup with the database's own settings. When it fails, its error is thrown and nothing is migrated.
 *
 * @throws ConfigError the database has no backups
 */
export async function backUp(db: object): Promise<string> {
  const { backups } = db as { backups?: Backups }
  if (!backups) {
    throw new ConfigError("migrations.backup: 'before' needs a database that can be backed up; nothing was changed", { option: 'migrations.backup', hint: 'give backup: { location } when opening it' })
  }
  return (await backups.backup({ pinDays: PINNED_DAYS, tags: { reason: 'before migration' } })).id
}
