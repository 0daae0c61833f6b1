import { createHash } from 'node:crypto'
import { SluiceError } from '../core/errors.js'
import { sql, type Sql } from '../sql/tag.js'
import { split, type SplitStatement } from '../sql/split.js'
import type { Assessed } from './assess.js'
import { MigrationError } from './errors.js'
import { failedError } from './failed.js'
import { downName } from './history.js'
import type { JournalLine } from './history-read.js'
import { climb } from './ladder.js'
import type { Migration, SqlScript } from './migration.js'
import type { Run } from './run.js'
import type { Direction } from './transactional.js'

/** A file that runs statement by statement. */
interface Journal {
  readonly run: Run
  readonly migration: Migration
  readonly script: SqlScript
  readonly direction: Direction
  readonly statements: readonly SplitStatement[]
  /** Its name in the journal: the way down has one of its own. */
  readonly name: string
}

/**
 * Runs a migration statement by statement, for engines that cannot undo DDL and for `-- sluice:no-transaction`. Every
 * statement is written down as `running` before it is sent and as `done` after it was answered, so that whoever comes
 * after a crash knows which one is in doubt. Statements known done are not run again.
 *
 * @returns milliseconds
 */
export async function runJournaled(run: Run, assessed: Assessed & { migration: Migration }, script: SqlScript, direction: Direction): Promise<number> {
  const { migration, row } = assessed
  const startedAt = performance.now()
  const { statements } = split(script.text, run.history.sql.dialect.lexicon)
  const name = direction === 'up' ? migration.name : downName(migration.name)
  const journal: Journal = { run, migration, script, direction, statements, name }
  const lines = assessed.journal.filter((line) => line.name === name)
  checkDone(journal, lines)
  await begin(journal, row !== undefined)
  const settings = sessionSettings(journal)
  for (const text of settings.on) await run.session.query(text)
  try {
    for (const [index, statement] of statements.entries()) {
      if (lines.some((line) => line.index === index + 1 && line.state === 'done')) continue
      await one(journal, statement, index + 1, lines.length > 0)
    }
  } finally {
    if (!run.session.broken) for (const text of settings.off) await run.session.query(text).catch(() => undefined)
  }
  await finish(journal, performance.now() - startedAt)
  return performance.now() - startedAt
}

function shaOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** What is done stays as it was: later statements may be mended. */
function checkDone({ migration, statements, script }: Journal, lines: readonly JournalLine[]): void {
  const changed = lines.find(({ index, state, sha }) => state === 'done' && shaOf(statements[index - 1]?.text ?? '') !== sha)
  if (!changed) return
  throw new MigrationError('drift', `${script.path}: statement ${String(changed.index)} is done already and has been changed since; nothing was changed`, {
    service: migration.service, version: migration.version, statement: changed.index,
    hint: 'put statements that are done back as they were; those after the failed one may be changed',
  })
}

async function begin({ run, migration, direction, statements }: Journal, known: boolean): Promise<void> {
  const { history, identity } = run
  if (direction === 'up') return history.together([history.running(migration, known, statements.length, identity)])
  await history.together([sql`update ${history.sql.table('migration')} set state = 'reverting', stmts_total = ${statements.length}, stmts_done = 0,
    pid = ${identity?.id ?? null}, backend_start = ${identity?.startedAt ?? null}, started_at = ${history.sql.now} where ${history.sql.where(migration)}`])
}

/** Limits for the session, and their end. Behind a pooler the session is not ours to set. */
function sessionSettings({ run, script }: Journal): { on: readonly string[]; off: readonly string[] } {
  const { lockTimeoutMs, statementTimeoutMs } = script.directives
  const { facts } = run.history.sql
  if (lockTimeoutMs === undefined && statementTimeoutMs === undefined) return { on: [], off: [] }
  if (run.session.pooled) {
    throw new MigrationError('failed', `${script.path}: lock-timeout and statement-timeout outside of a transaction do not hold behind a transaction pooler; nothing was changed`, {
      hint: 'give the database\'s directUrl, past the pooler',
    })
  }
  return { on: facts.timeouts({ lockTimeoutMs, statementTimeoutMs }, false), off: facts.resetTimeouts }
}

async function one(journal: Journal, statement: SplitStatement, number: number, again: boolean): Promise<void> {
  const { run, migration, statements } = journal
  const startedAt = performance.now()
  const of = statements.length
  if (again) await dropLeftovers(run, statement)
  try {
    await climb(run, migration, async () => {
      if (!await run.lock.check(run.limits)) throw new MigrationError('failed', 'the lock of this run was lost', { node: run.session.node })
      await note(journal, number, statement, 'running')
      await run.session.query(statement.text, undefined, run.limits)
    })
  } catch (error) {
    throw await failed(journal, statement, number, error)
  }
  await note(journal, number, statement, 'done')
  run.tell({ phase: 'statement', durationMs: performance.now() - startedAt, statement: { number, of } }, migration)
}

/** The line of a statement, made anew; with `done` the row counts it. */
async function note({ run, migration, name }: Journal, number: number, { text }: SplitStatement, state: JournalLine['state'], error?: string): Promise<void> {
  const { history } = run
  const { service, version } = migration
  const table = history.sql.table('migration_stmt')
  const lines: Sql[] = [
    sql`delete from ${table} where service = ${service} and version = ${version} and name = ${name} and idx = ${number}`,
    sql`insert into ${table} (service, version, name, idx, sha, state, error, at)
      values (${service}, ${version}, ${name}, ${number}, ${shaOf(text)}, ${state}, ${error ?? null}, ${history.sql.now})`,
  ]
  if (state === 'done') lines.push(sql`update ${history.sql.table('migration')} set stmts_done = ${number} where ${history.sql.where(migration)}`)
  await history.together(lines)
}

/** What a failed CREATE INDEX CONCURRENTLY has left: an index that is kept up to date and never used. */
async function dropLeftovers(run: Run, { head }: SplitStatement): Promise<void> {
  const { leftovers } = run.history.sql.facts
  const words = head.filter((word) => !['unique', 'if', 'not', 'exists'].includes(word))
  const [verb, kind, how, name] = words
  if (!leftovers || kind !== 'index' || how !== 'concurrently' || name === undefined || !(verb === 'create' || verb === 'reindex')) return
  for (const found of await run.session.ask(leftovers.find(name.replace(/^"(.*)"$/, '$1')), run.limits)) {
    await run.session.query(leftovers.drop(found), undefined, run.limits)
  }
}

async function failed(journal: Journal, statement: SplitStatement, number: number, error: unknown): Promise<MigrationError> {
  const { run, migration, script, statements } = journal
  const { history, session } = run
  const place = `statement ${String(number)}/${String(statements.length)}`
  const lost = session.broken || (error instanceof SluiceError && error.connectionLost)
  const left = number === 1 ? 'none of its statements is done' : `its statements up to ${String(number - 1)} are done`
  const state = lost ? `whether ${place} is done is not known` : `${place} failed, ${left}`
  const failure = new MigrationError('failed', failedError(run, migration, script, error, state, statement.start).message, {
    cause: error, service: migration.service, version: migration.version, statement: number, node: session.node, sql: statement.text, connectionLost: lost,
    hint: error instanceof SluiceError ? error.hint : undefined,
  })
  run.tell({ phase: 'failed', error: failure, statement: { number, of: statements.length } }, migration)
  if (lost) return failure
  await note(journal, number, statement, 'failed', failure.message).catch(() => undefined)
  await history.together([
    sql`update ${history.sql.table('migration')} set state = ${journal.direction === 'up' ? 'failed' : 'reverting'}, error = ${failure.message} where ${history.sql.where(migration)}`,
    history.log({ action: 'failed', service: migration.service, version: migration.version, name: migration.name, detail: failure.message }),
  ]).catch(() => undefined)
  return failure
}

async function finish({ run, migration, direction }: Journal, durationMs: number): Promise<void> {
  const { history } = run
  const { service, version, name } = migration
  const table = history.sql.table('migration')
  await history.together([
    direction === 'up'
      ? sql`update ${table} set state = 'applied', finished_at = ${history.sql.now}, ms = ${Math.round(durationMs * 1_000) / 1_000}, error = null where ${history.sql.where(migration)}`
      : history.remove(migration),
    history.forgetStatements(migration),
    history.log({ action: direction, service, version, name }),
  ])
}
