import { sleep } from '../core/deadline.js'
import type { SessionFacts } from '../core/maintenance.js'
import { maintenanceKey } from '../database/maintenance-lock.js'
import { BackupError } from './errors.js'
import type { BackupParts } from './parts.js'
import type { Progress } from './progress.js'
import type { Session } from './session.js'

const POLL_MS = 200
/** Migrations that take longer are not waited for. */
const WAIT_MS = 10 * 60_000

/**
 * Locks that the session holds until it ends: one backup of a database at a time, and none while the database is being
 * migrated. A second backup is refused; a migration under way is waited for, and later ones wait for us.
 *
 * @throws {@link BackupError} `locked`
 */
export async function lockFor(parts: BackupParts, session: Session, progress: Progress, signal: AbortSignal | undefined): Promise<void> {
  const { lock: probe } = parts.tools.databases
  if (probe && !await session.ask(probe(`backup:${parts.database}`))) {
    throw new BackupError('locked', `another backup of ${parts.database} is running`, { transient: true, hint: 'wait for it; its session is called "sluice backup" on the server' })
  }
  await waitForMigrations(parts, session, progress, signal)
}

/** The lock of migrations, shared. It is polled: a session that waits for a lock would stand in the way of theirs. */
async function waitForMigrations(parts: BackupParts, session: Session, progress: Progress, signal: AbortSignal | undefined): Promise<void> {
  const lock = parts.where.driver.dialect.maintenance?.lock
  if (!lock) return
  const key = maintenanceKey(parts.migrationsSchema)
  const expiresAt = performance.now() + WAIT_MS
  while (!await session.ask(lock.tryAcquire(key, { shared: true, inTransaction: false }))) {
    if (performance.now() > expiresAt) {
      const holders = await session.ask(lock.holders(key))
      throw new BackupError('locked', `${parts.database} is being migrated${holders.length === 0 ? '' : ` by ${holders.map(named).join(', ')}`}`, { transient: true, hint: 'try again when it is done' })
    }
    progress.phase('waiting')
    await sleep(POLL_MS, signal)
  }
}

const named = ({ id, application, address }: SessionFacts): string => [`session ${String(id)}`, application, address].filter(Boolean).join(' ')
