import { limitsFrom, type Limits } from '../core/deadline.js'
import type { SessionFacts, SessionIdentity } from '../core/maintenance.js'
import type { MigrationEvent } from '../core/observer.js'
import type { Assembly } from '../database/assemble.js'
import { openDedicated, type DedicatedSession } from '../database/dedicated.js'
import { LockUnavailable, type HeldLock } from '../database/lock-request.js'
import { maintenanceKey, takeLock } from '../database/maintenance-lock.js'
import { MigrationError } from './errors.js'
import type { HistorySql } from './history-sql.js'
import { History } from './history.js'
import type { Migration } from './migration.js'
import type { MigrationConfig } from './options.js'

/** What a run is told from outside. */
export interface RunOptions {
  /** Ends the wait for the lock, and cancels what runs. */
  readonly signal?: AbortSignal | undefined
}

/** One run under the lock: everything the parts of it need. */
export interface Run {
  readonly assembly: Assembly
  readonly config: MigrationConfig
  readonly session: DedicatedSession
  readonly history: History
  readonly lock: HeldLock
  /** Who the session is on the server; undefined where that cannot be told, and behind a pooler, where it changes. */
  readonly identity: SessionIdentity | undefined
  /** Of everything the run does. */
  readonly limits: Limits
  /** What this run has done so far. */
  readonly done: { migrations: number }
  tell(event: Partial<MigrationEvent> & Pick<MigrationEvent, 'phase'>, migration?: Migration): void
}

/** The database and the settings that every run has in common. */
export interface RunParts {
  readonly assembly: Assembly
  readonly config: MigrationConfig
  readonly texts: HistorySql
}

/** Works on a session of its own, without the lock: for questions. */
export async function withSession<T>({ assembly, config, texts }: RunParts, work: (history: History, session: DedicatedSession) => Promise<T>): Promise<T> {
  const session = await openDedicated(assembly, 'sluice: migrations', limitsFrom(assembly.options.connectTimeoutMs * 2))
  try {
    return await work(new History(texts, session, authorOf(assembly, config)), session)
  } finally {
    await session.close()
  }
}

/**
 * Works under the lock, and makes the history's tables where there are none.
 *
 * @throws MigrationError `locked`: another session held the lock for longer than `lockTimeoutMs`
 */
export async function withLock<T>(parts: RunParts, options: RunOptions, work: (run: Run) => Promise<T>): Promise<T> {
  return withSession(parts, async (history, session) => {
    const { assembly, config } = parts
    const tell = teller(assembly, session)
    const lock = await lockedBy(parts, session, options, tell)
    try {
      await history.create()
      const { maintenance } = assembly.driver.dialect
      const identity = maintenance && !session.pooled ? await session.ask(maintenance.session) : undefined
      const limits = limitsFrom(undefined, options.signal)
      return await work({ assembly, config, session, history, lock, identity, limits, done: { migrations: 0 }, tell })
    } finally {
      await lock.release()
    }
  })
}

function authorOf({ options }: Assembly, { appliedBy, appVersion }: MigrationConfig): { by: string | undefined; appVersion: string | undefined } {
  return { by: appliedBy ?? options.primary.target.user, appVersion }
}

function teller({ notifier }: Assembly, session: DedicatedSession): Run['tell'] {
  return (event, migration) => {
    if (!notifier.listens('migration')) return
    notifier.notify('migration', {
      service: migration?.service, version: migration?.version, name: migration?.name, node: session.node, durationMs: 0,
      statement: undefined, position: undefined, blockers: [], error: undefined, ...event,
    })
  }
}

async function lockedBy({ assembly, config, texts }: RunParts, session: DedicatedSession, { signal }: RunOptions, tell: Run['tell']): Promise<HeldLock> {
  const limits = limitsFrom(config.lockTimeoutMs, signal)
  try {
    return await takeLock(assembly, session, {
      key: maintenanceKey(texts.schema), shared: false, limits,
      onWait: (blockers, durationMs) => { tell({ phase: 'waiting', blockers, durationMs }) },
    })
  } catch (error) {
    if (!(error instanceof LockUnavailable)) throw error
    const holders = error.holders.map(describeSession).join('; ')
    throw new MigrationError('locked', `another session has held the lock of migrations for ${String(Math.round(error.waitedMs))} ms${holders === '' ? '' : `: ${holders}`}; nothing was changed`, {
      cause: error, transient: true, node: session.node, hint: 'wait for it, raise lockTimeoutMs, or end that session',
    })
  }
}

/** A session for people. */
export function describeSession({ id, application, address, state, query, ageMs }: SessionFacts): string {
  const age = ageMs === undefined ? '' : `, for ${(ageMs / 1_000).toFixed(1)} s`
  const who = [application && `'${application}'`, address].filter(Boolean).join(' from ')
  return `session ${String(id)}${who === '' ? '' : ` (${who})`}${state === undefined ? '' : `, ${state}`}${age}${query === undefined ? '' : `: ${query}`}`
}
