import { sleep } from '../core/deadline.js'
import { sql } from '../sql/tag.js'
import { dirtyError, type Assessed } from './assess.js'
import { MigrationError } from './errors.js'
import type { HistoryRow } from './history-row.js'
import type { Migration, Script } from './migration.js'
import type { Run } from './run.js'

const LOOK_EVERY_MS = 200

/**
 * Sees to what an earlier run has left, before anything is applied: waits while its session still works on the server,
 * asks the probe of a file about the statement in doubt, and tells of migrations that are simply run again.
 *
 * @returns whether the history is another one now
 * @throws MigrationError `dirty`: what a statement has done is not known, and no probe tells
 */
export async function recover(run: Run, assessed: readonly Assessed[]): Promise<boolean> {
  let changed = false
  for (const each of assessed) {
    const { row, migration, status } = each
    if (!row || row.state === 'applied') continue
    if (await waitForSession(run, row)) return true
    if (status === 'dirty') {
      if (!migration || !await probed(run, each, migration)) throw dirtyError(each)
      changed = true
    } else if (status === 'interrupted') {
      await tellInterrupted(run, row, migration)
    }
  }
  return changed
}

/** The server goes on with a statement whose client has died: as long as it does, nothing is known. */
export async function waitForSession(run: Run, row: HistoryRow): Promise<boolean> {
  const { assembly, session, identity, limits, config } = run
  const { maintenance } = assembly.driver.dialect
  if (!maintenance || !row.session || (row.state !== 'running' && row.state !== 'reverting')) return false
  if (row.session.id === identity?.id && row.session.startedAt === identity.startedAt) return false
  const startedAt = performance.now()
  let waited = false
  while (await session.ask(maintenance.alive(row.session), limits)) {
    waited = true
    if (config.lockTimeoutMs > 0 && performance.now() - startedAt > config.lockTimeoutMs) {
      throw new MigrationError('locked', `session ${String(row.session.id)} of an earlier run is still at work on ${row.name}; nothing was changed`, {
        service: row.service, version: row.version, transient: true, hint: 'wait for it, or end that session',
      })
    }
    await sleep(LOOK_EVERY_MS, limits.signal)
  }
  return waited
}

async function tellInterrupted(run: Run, row: HistoryRow, migration: Migration | undefined): Promise<void> {
  if (row.state !== 'running') return
  const { history } = run
  run.tell({ phase: 'interrupted' }, migration)
  const { service, version, name } = row
  await history.together([history.log({ action: 'interrupted', service, version, name, detail: 'an earlier run ended in the middle of it; it is run again' })])
}

/** Asks the file's probe whether the statement in doubt is done. False = there is none. */
async function probed({ session, history, limits }: Run, { journal, row }: Assessed, migration: Migration): Promise<boolean> {
  const open = journal.find(({ state }) => state !== 'done')
  const script: Script | undefined = row?.state === 'reverting' ? migration.down : migration.up
  const probe = script?.kind === 'sql' ? script.directives.probe : undefined
  if (!open || probe === undefined) return false
  const { rows: [answer] } = await session.query(probe, undefined, limits)
  const value = answer ? Object.values(answer)[0] : undefined
  const done = value === true || value === 1 || value === '1' || value === 't' || value === 1n
  const { service, version, name } = migration
  await history.together([
    ...settle(history, open, done),
    history.log({ action: 'probe', service, version, name, detail: `statement ${String(open.index)}: ${done ? 'applied' : 'not applied'}` }),
  ])
  return true
}

/** The journal knows from now on: the statement is done, or it was never begun. */
export function settle(history: Run['history'], line: Assessed['journal'][number], done: boolean): ReturnType<typeof sql>[] {
  const table = history.sql.table('migration_stmt')
  const where = sql`service = ${line.service} and version = ${line.version} and name = ${line.name} and idx = ${line.index}`
  return [done ? sql`update ${table} set state = 'done', error = null where ${where}` : sql`delete from ${table} where ${where}`]
}
