import { BackupError } from './errors.js'
import { nameBeside } from './layout.js'
import type { BackupParts } from './parts.js'
import { Session } from './session.js'

/** Names after a promotion. */
export interface PromoteResult {
  /** The live name, which now leads to the restored data. */
  readonly database: string
  /** Where the former live database is, until you drop it. */
  readonly previous: string
  /** Name the restored database had. */
  readonly from: string
}

const KICK_MS = 50

/** Gives a restored database the live name. Clients meet the old one or the new one, and lose their connection once. */
export async function promoteDatabase(parts: BackupParts, restored: string, signal: AbortSignal | undefined): Promise<PromoteResult> {
  // to the millisecond: the way back may follow at once
  const stamp = new Date().toISOString().replace(/[-:.Z]/g, '').replace('T', '_')
  const previous = nameBeside(parts.database, `_before_${stamp}`)
  if (restored === parts.database) throw new BackupError('refused', `${restored} is the live database already`)
  await swapNames(parts, restored, parts.database, previous, signal)
  return { database: parts.database, previous, from: restored }
}

/** The way back. */
export async function rollbackPromotion(parts: BackupParts, { database, previous, from }: PromoteResult, signal: AbortSignal | undefined): Promise<void> {
  await swapNames(parts, previous, database, from, signal)
}

/**
 * Renames wait for the last session to leave, and lock the database against new ones meanwhile: a second session ends
 * whoever came in between.
 */
async function swapNames(parts: BackupParts, from: string, to: string, aside: string, signal: AbortSignal | undefined): Promise<void> {
  const { databases } = parts.tools
  const { swap, endSessions, maintenance } = databases
  if (!swap || !endSessions) throw new BackupError('refused', `${parts.engine} cannot rename databases`)
  await Session.with(parts.where, maintenance, signal, (session) => Session.with(parts.where, maintenance, signal, async (kicker) => {
    if (!await session.ask(databases.exists(from))) throw new BackupError('notFound', `there is no database ${from}`)
    let over = false
    const kicking = (async () => {
      while (!over) {
        await kicker.run(endSessions([from, to]))
        await new Promise((resolve) => setTimeout(resolve, KICK_MS))
      }
    })().catch(() => undefined)
    try {
      for (const statement of swap(from, to, aside)) await session.run(statement)
    } finally {
      over = true
      await kicking
    }
  }))
}
