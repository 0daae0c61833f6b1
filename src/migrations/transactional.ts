import { ConstraintError, LockTimeoutError, QueryError, SluiceError } from '../core/errors.js'
import { NO_PARAMS } from '../core/statement.js'
import { sql, type Sql } from '../sql/tag.js'
import { split } from '../sql/split.js'
import { MigrationError } from './errors.js'
import { downName } from './history.js'
import { climb } from './ladder.js'
import type { Assessed } from './assess.js'
import { failedError } from './failed.js'
import type { Migration, Script, SqlScript } from './migration.js'
import type { Run } from './run.js'
import { transactionFace } from './transaction-face.js'

/** Which way a migration is run. */
export type Direction = 'up' | 'down'

/**
 * Runs a migration inside one transaction, together with its row of the history: both are there afterwards, or neither.
 *
 * 1. The row is marked `running`, on its own: whoever looks sees what is under way, and what was interrupted.
 * 2. BEGIN, and the claim first: of several runners without a lock only one gets it.
 * 3. The script.
 * 4. The guard (still the same transaction, still our lock), the row's end, COMMIT.
 *
 * @returns milliseconds; undefined when another runner has it already
 */
export async function runTransactional(run: Run, { migration, row }: Assessed & { migration: Migration }, direction: Direction): Promise<number | undefined> {
  const startedAt = performance.now()
  const script = scriptOf(migration, direction)
  let known = row !== undefined
  const done = await climb(run, migration, async () => {
    const mark = direction === 'up' ? markRunning(run, migration, known) : []
    const identity = await claim(run, migration, direction, mark, script)
    known = true
    if (identity === undefined) return false
    try {
      await execute(run, script)
      await commit(run, migration, direction, identity, performance.now() - startedAt)
      return true
    } catch (error) {
      await rollBack(run)
      throw error
    }
  }).catch(async (error: unknown) => { throw await explained(run, migration, direction, script, error) })
  return done ? performance.now() - startedAt : undefined
}

function scriptOf(migration: Migration, direction: Direction): Script {
  const script = migration[direction]
  if (script) return script
  throw new MigrationError('irreversible', `${migration.name} has no way down; nothing was changed`, { service: migration.service, version: migration.version })
}

function markRunning({ history, identity }: Run, migration: Migration, known: boolean): Sql[] {
  return [sql.raw(history.sql.facts.begin), ...history.asynchronously, history.running(migration, known, undefined, identity), sql.raw('commit')]
}

/** Marks, begins, claims; the transaction's identity (`''` where the engine has none), or undefined when the claim failed. */
async function claim(run: Run, migration: Migration, direction: Direction, mark: readonly Sql[], script: Script): Promise<string | undefined> {
  const { history, limits } = run
  const { facts } = history.sql
  const table = history.sql.table('migration')
  const claiming = direction === 'up'
    ? sql`update ${table} set state = 'applied' where ${history.sql.where(migration)} and state = 'running'`
    : sql`delete from ${table} where ${history.sql.where(migration)} and state = 'applied'`
  const returning = facts.guard ? sql` returning ${sql.raw(facts.guard.identity)} as identity` : sql.empty
  const timeouts = facts.timeouts({ lockTimeoutMs: lockTimeoutOf(run, script), statementTimeoutMs: statementTimeoutOf(script) }, true)
  try {
    const { rows, rowCount } = await history.script([
      ...mark, sql.raw(facts.begin), ...timeouts.map((text) => sql.raw(text)), sql`${claiming}${returning}`,
    ], limits)
    if (rowCount === 1) return identityOf(rows)
    await rollBack(run)
    return undefined
  } catch (error) {
    await rollBack(run)
    // Without a lock (it was lost, or never had) two runners may come to make the same row.
    if (error instanceof ConstraintError && error.kind === 'unique') return undefined
    throw error
  }
}

function identityOf([row]: readonly Record<string, unknown>[]): string {
  const identity = row?.['identity']
  return typeof identity === 'string' ? identity : ''
}

function lockTimeoutOf({ config }: Run, script: Script): number {
  return (script.kind === 'sql' ? script.directives.lockTimeoutMs : undefined) ?? config.statementLockTimeoutMs
}

function statementTimeoutOf(script: Script): number | undefined {
  return script.kind === 'sql' ? script.directives.statementTimeoutMs : undefined
}

async function execute(run: Run, script: Script): Promise<void> {
  if (script.kind === 'code') {
    const face = transactionFace(run)
    try {
      await script.run({ tx: face.tx })
    } finally {
      await face.end()
    }
    return
  }
  for (const text of textsOf(run, script)) await run.session.query(text, NO_PARAMS, run.limits)
}

function textsOf({ history }: Run, script: SqlScript): readonly string[] {
  if (history.sql.facts.scripts) return [script.text]
  return split(script.text, history.sql.dialect.lexicon).statements.map(({ text }) => text)
}

async function commit(run: Run, migration: Migration, direction: Direction, identity: string, durationMs: number): Promise<void> {
  const { history, lock, limits } = run
  const { guard } = history.sql.facts
  if (run.session.idle === true) throw new LeftTransaction('the migration has left its transaction')
  if (!guard && !await lock.check(limits)) throw new MigrationError('failed', 'the lock of this run was lost', { node: run.session.node })
  const { service, version, name } = migration
  const ended = direction === 'up'
    ? sql`update ${history.sql.table('migration')} set finished_at = ${history.sql.now}, ms = ${Math.round(durationMs * 1_000) / 1_000}, error = null
        where ${history.sql.where(migration)}`
    : history.forgetStatements({ service, version, kind: migration.kind, name: downName(name) })
  await history.script([
    ended, history.log({ action: direction, service, version, name }),
    ...guard ? [sql.raw(guard.statement(identity, lock.heldQuery))] : [], sql.raw('commit'),
  ], limits)
}

/** Never rejects: a connection in doubt is not used again, and the server undoes what it holds. */
async function rollBack({ session }: Run): Promise<void> {
  if (!session.broken && session.idle !== true) await session.query('rollback').catch(() => undefined)
}

/** The same, seen from here. */
class LeftTransaction extends Error {}

/** What the guard's statement answers when the script has ended the transaction from inside. */
const LEFT_TRANSACTION = 'SL001'

/** Also written into the row, where that is possible: `status` shows it. */
async function explained(run: Run, migration: Migration, direction: Direction, script: Script, error: unknown): Promise<unknown> {
  const escaped = error instanceof LeftTransaction || (error instanceof QueryError && error.serverCode === LEFT_TRANSACTION)
  const failure = failedError(run, migration, script, error, escaped ? 'what it did before that stays' : 'all of it was undone')
  run.tell({ phase: 'failed', error: failure }, migration)
  const { history, session } = run
  const lost = session.broken || (error instanceof SluiceError && error.connectionLost)
  if (lost || (direction === 'down' && !escaped) || error instanceof LockTimeoutError) return failure
  const { service, version, name } = migration
  await history.together([
    // a seed is begun anew: its rows are what somebody has to look at
    ...escaped ? migration.kind === 'S' ? [history.remove(migration)] : inDoubt(run, migration, direction, failure.message) : [
      sql`update ${history.sql.table('migration')} set state = 'failed', finished_at = ${history.sql.now}, error = ${failure.message}
        where ${history.sql.where(migration)} and state = 'running'`,
    ],
    history.log({ action: 'failed', service, version, name, detail: failure.message }),
  ]).catch(() => rollBack(run))
  return failure
}

/** Its row was committed as if all had been done, or removed: it is one statement now, of which nobody knows. */
function inDoubt({ history, identity }: Run, migration: Migration, direction: Direction, error: string): Sql[] {
  const { service, version, name, checksum } = migration
  return [
    history.remove(migration), history.forgetStatements(migration), history.running(migration, false, 1, identity),
    ...direction === 'up' ? [] : [sql`update ${history.sql.table('migration')} set state = 'reverting' where ${history.sql.where(migration)}`],
    sql`insert into ${history.sql.table('migration_stmt')} (service, version, name, idx, sha, state, error, at)
      values (${service}, ${version}, ${direction === 'up' ? name : downName(name)}, 1, ${checksum}, 'running', ${error}, ${history.sql.now})`,
  ]
}
