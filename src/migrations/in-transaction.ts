import { QueryError } from '../core/errors.js'
import { NO_PARAMS } from '../core/statement.js'
import { sql, type Sql } from '../sql/tag.js'
import { split } from '../sql/split.js'
import { MigrationError } from './errors.js'
import { downName } from './history.js'
import type { Migration, Script, SqlScript } from './migration.js'
import type { Run } from './run.js'
import { transactionFace } from './transaction-face.js'

/** Which way a migration is run. */
export type Direction = 'up' | 'down'

/** @throws MigrationError `irreversible`: there is no script for this way */
export function scriptOf(migration: Migration, direction: Direction): Script {
  const script = migration[direction]
  if (script) return script
  throw new MigrationError('irreversible', `${migration.name} has no way down; nothing was changed`, { service: migration.service, version: migration.version })
}

const NO_LIMITS = { lockTimeoutMs: undefined, statementTimeoutMs: undefined }

/** Statements by which the running transaction waits and runs no longer than the file says. */
export function timeoutsOf({ config, history }: Run, script: Script): Sql[] {
  const { lockTimeoutMs = config.statementLockTimeoutMs, statementTimeoutMs } = script.kind === 'sql' ? script.directives : NO_LIMITS
  return history.sql.facts.timeouts({ lockTimeoutMs, statementTimeoutMs }, true).map((text) => sql.raw(text))
}

/** Of several runners without a lock only one changes a row by this. */
export function claimOf({ history }: Run, migration: Migration, direction: Direction): Sql {
  const table = history.sql.table('migration')
  return direction === 'up'
    ? sql`update ${table} set state = 'applied' where ${history.sql.where(migration)} and state = 'running'`
    : sql`delete from ${table} where ${history.sql.where(migration)} and state = 'applied'`
}

/** The transaction's identity as it was asked for, `''` where the engine has none. */
export function identityOf([row]: readonly Record<string, unknown>[]): string {
  const identity = row?.['identity']
  return typeof identity === 'string' ? identity : ''
}

/** Runs the script in the transaction there is. */
export async function execute(run: Run, script: Script): Promise<void> {
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

/** What is written when a script has ended: its row, and a line of the log. */
export function endOf({ history }: Run, migration: Migration, direction: Direction, durationMs: number): Sql[] {
  const { service, version, name } = migration
  const ended = direction === 'up'
    ? sql`update ${history.sql.table('migration')} set finished_at = ${history.sql.now}, ms = ${Math.round(durationMs * 1_000) / 1_000}, error = null
        where ${history.sql.where(migration)}`
    : history.forgetStatements({ service, version, kind: migration.kind, name: downName(name) })
  return [ended, history.log({ action: direction, service, version, name })]
}

/** Fails when the transaction is another one by now, or the lock is not ours any more. */
export function guardOf({ history, lock }: Run, identity: string): Sql[] {
  const { guard } = history.sql.facts
  return guard ? [sql.raw(guard.statement(identity, lock.heldQuery))] : []
}

/** What `guardOf` looks after, as far as it is seen from here. */
export async function checkInside({ session, history, lock, limits }: Run): Promise<void> {
  if (session.idle === true) throw new LeftTransaction('the migration has left its transaction')
  if (!history.sql.facts.guard && !await lock.check(limits)) throw new MigrationError('failed', 'the lock of this run was lost', { node: session.node })
}

/** Never rejects: a connection in doubt is not used again, and the server undoes what it holds. */
export async function rollBack({ session }: Run): Promise<void> {
  if (!session.broken && session.idle !== true) await session.query('rollback').catch(() => undefined)
}

/** The script has ended the transaction from inside. */
class LeftTransaction extends Error {}

/** What the guard's statement answers when it is another transaction. */
const LEFT_TRANSACTION = 'SL001'

/** Whether a script has ended its transaction, so that what it did before that stays. */
export function hasLeft(error: unknown): boolean {
  return error instanceof LeftTransaction || (error instanceof QueryError && error.serverCode === LEFT_TRANSACTION)
}

/** Its row was committed as if all had been done, or removed: it is one statement now, of which nobody knows. */
export function inDoubt({ history, identity }: Run, migration: Migration, direction: Direction, error: string): Sql[] {
  const { service, version, name, checksum } = migration
  return [
    history.remove(migration), history.forgetStatements(migration), history.running(migration, false, 1, identity),
    ...direction === 'up' ? [] : [sql`update ${history.sql.table('migration')} set state = 'reverting' where ${history.sql.where(migration)}`],
    sql`insert into ${history.sql.table('migration_stmt')} (service, version, name, idx, sha, state, error, at)
      values (${service}, ${version}, ${direction === 'up' ? name : downName(name)}, 1, ${checksum}, 'running', ${error}, ${history.sql.now})`,
  ]
}
