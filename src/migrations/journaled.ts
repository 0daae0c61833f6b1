import { createHash } from 'node:crypto'
import { LockTimeoutError, SluiceError } from '../core/errors.js'
import { sql, type Sql } from '../sql/tag.js'
import { split, type SplitStatement } from '../sql/split.js'
import type { Assessed } from './assess.js'
import { MigrationError } from './errors.js'
import { failedError } from './failed.js'
import { downName } from './history.js'
import type { JournalLine } from './history-read.js'
import type { Direction } from './in-transaction.js'
import { climb } from './ladder.js'
import { mannersOf, type Manner } from './manner.js'
import type { CodeScript, Migration, Script } from './migration.js'
import type { Run } from './run.js'
import { transactionFace } from './transaction-face.js'

/** A file that runs statement by statement. */
interface Journal {
  readonly run: Run
  readonly migration: Migration
  readonly script: Script
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
export async function runJournaled(run: Run, assessed: Assessed & { migration: Migration }, script: Script, direction: Direction): Promise<number> {
  const { migration, row } = assessed
  const startedAt = performance.now()
  const statements = script.kind === 'sql' ? split(script.text, run.history.sql.dialect.lexicon).statements : [asStatement(migration)]
  const name = direction === 'up' ? migration.name : downName(migration.name)
  const journal: Journal = { run, migration, script, direction, statements, name }
  const lines = assessed.journal.filter((line) => line.name === name)
  checkDone(journal, lines)
  const manners = mannersOf(run, script, statements)
  await begin(journal, row !== undefined)
  try {
    for (const [index, statement] of statements.entries()) {
      if (lines.some((line) => line.index === index + 1 && line.state === 'done')) continue
      await one(journal, statement, index + 1, manners[index] ?? { mode: 'alone', before: [] }, lines.length > 0)
    }
  } finally {
    if (!run.session.broken) for (const text of run.history.sql.facts.resetTimeouts) await run.session.query(text).catch(() => undefined)
  }
  await finish(journal, performance.now() - startedAt)
  return performance.now() - startedAt
}

/** A migration written as code is one statement to the journal: where DDL commits by itself, nobody can see into it. */
function asStatement({ checksum }: Migration): SplitStatement {
  return { text: checksum, start: 0, end: 0, head: [] }
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

async function one(journal: Journal, statement: SplitStatement, number: number, manner: Manner, again: boolean): Promise<void> {
  const { run, migration, statements } = journal
  const startedAt = performance.now()
  const of = statements.length
  const attempt = async (attempts: number): Promise<void> => {
    if (again || attempts > 1) await dropLeftovers(run, statement)
    if (!await run.lock.check(run.limits)) throw new MigrationError('failed', 'the lock of this run was lost', { node: run.session.node })
    await note(journal, number, statement, 'running')
    try {
      await (journal.script.kind === 'code' ? runCode(run, journal.script) : send(run, statement, manner))
    } catch (error) {
      // It has certainly done nothing, and the pause before the next attempt may be long: nobody is to be left in doubt.
      if (error instanceof LockTimeoutError && manner.mode !== 'selfCommitting') await forget(journal, number)
      throw error
    }
  }
  try {
    await (manner.mode === 'selfCommitting' ? attempt(1) : climb(run, () => migration, attempt))
  } catch (error) {
    throw await failed(journal, statement, number, manner, error)
  }
  await note(journal, number, statement, 'done')
  run.tell({ phase: 'statement', durationMs: performance.now() - startedAt, statement: { number, of } }, migration)
}

async function send({ session, history, limits }: Run, { text }: SplitStatement, { mode, before }: Manner): Promise<void> {
  if (mode !== 'wrapped') {
    for (const setting of before) await session.query(setting)
    await session.query(text, undefined, limits)
    return
  }
  try {
    await history.script([sql.raw(history.sql.facts.begin), ...before.map((setting) => sql.raw(setting)), sql.raw(text), sql.raw('commit')], limits)
  } catch (error) {
    if (!session.broken) await session.query('rollback').catch(() => undefined)
    throw error
  }
}

/** In a transaction, for as long as the engine keeps one. */
async function runCode(run: Run, script: CodeScript): Promise<void> {
  const { session, history } = run
  const face = transactionFace(run)
  await session.query(history.sql.facts.begin)
  try {
    await script.run({ tx: face.tx })
    await face.end()
    await session.query('commit')
  } catch (error) {
    await face.end()
    if (!session.broken) await session.query('rollback').catch(() => undefined)
    throw error
  }
}

async function forget({ run: { history }, migration, name }: Journal, number: number): Promise<void> {
  await history.run(sql`delete from ${history.sql.table('migration_stmt')}
    where service = ${migration.service} and version = ${migration.version} and name = ${name} and idx = ${number}`)
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

async function failed(journal: Journal, statement: SplitStatement, number: number, { mode }: Manner, error: unknown): Promise<MigrationError> {
  const { run, migration, script, statements } = journal
  const { history, session } = run
  const place = `statement ${String(number)}/${String(statements.length)}`
  const lost = session.broken || (error instanceof SluiceError && error.connectionLost)
  const left = number === 1 ? 'none of its statements is done' : `its statements up to ${String(number - 1)} are done`
  const state = lost || mode === 'selfCommitting' ? `whether ${place} is done is not known` : `${place} failed, ${left}`
  const failure = new MigrationError('failed', failedError(run, migration, script, error, state, script.kind === 'sql' ? statement.start : undefined).message, {
    cause: error, service: migration.service, version: migration.version, statement: number, node: session.node, sql: script.kind === 'sql' ? statement.text : undefined, connectionLost: lost,
    hint: error instanceof SluiceError ? error.hint : undefined,
  })
  run.tell({ phase: 'failed', error: failure, statement: { number, of: statements.length } }, migration)
  if (lost) return failure
  await note(journal, number, statement, mode === 'selfCommitting' ? 'running' : 'failed', failure.message).catch(() => undefined)
  await history.together([
    sql`update ${history.sql.table('migration')} set state = ${journal.direction === 'up' ? 'failed' : 'reverting'}, error = ${failure.message} where ${history.sql.where(migration)}`,
    history.log({ action: 'failed', service: migration.service, version: migration.version, name: migration.name, detail: script.kind === 'sql' ? `${failure.message}\n${statement.text}` : failure.message }),
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
