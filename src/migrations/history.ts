import { limitsFrom, UNLIMITED, type Limits } from '../core/deadline.js'
import type { SessionIdentity } from '../core/maintenance.js'
import type { DedicatedSession } from '../database/dedicated.js'
import { sql, type Sql } from '../sql/tag.js'
import { CHECKSUM_ALGORITHM, markOf } from './checksum.js'
import type { HistoryRow, LogEntry } from './history-row.js'
import { logFrom, rowFrom, statementFrom, type JournalLine } from './history-read.js'
import type { HistorySql, LogLine, RowKey } from './history-sql.js'
import type { Migration } from './migration.js'

/** Questions about the history may take so long. */
const QUESTION_MS = 30_000

/** Who runs migrations, for the history. */
export interface Author {
  readonly by: string | undefined
  readonly appVersion: string | undefined
}

/** The history of migrations as it stands in the database. */
export interface HistoryState {
  readonly rows: readonly HistoryRow[]
  /** Statements of migrations that are not finished. */
  readonly journal: readonly JournalLine[]
}

/** Nothing has ever been applied. */
export const NO_HISTORY: HistoryState = { rows: [], journal: [] }

/** Reads and writes the history on one session. */
export class History {
  readonly sql: HistorySql
  readonly #session: DedicatedSession
  readonly #author: Author

  constructor(texts: HistorySql, session: DedicatedSession, author: Author) {
    this.sql = texts
    this.#session = session
    this.#author = author
  }

  exists(): Promise<boolean> {
    return this.#session.ask(this.sql.facts.historyExists(this.sql.schema), limitsFrom(QUESTION_MS))
  }

  /** Everything; creates nothing. */
  async read(): Promise<HistoryState> {
    if (!await this.exists()) return NO_HISTORY
    const rows = (await this.run(this.sql.rows())).map(rowFrom)
    if (rows.every(({ state, statementsTotal }) => state === 'applied' || statementsTotal === undefined)) return { rows, journal: [] }
    const lines = await this.run(sql`select service, version, name, idx, sha, state, error from ${this.sql.table('migration_stmt')} order by idx`)
    return { rows, journal: lines.map(statementFrom) }
  }

  /** Makes what is missing of the tables. Under the lock only. */
  async create(): Promise<void> {
    if (await this.exists()) return
    const { schema } = this.sql.facts
    const name = this.sql.schema
    if (schema && !await this.#session.ask(schema.exists(name))) await this.#session.query(schema.create(name))
    // all or nothing where that can be had: processes that share a SQLite file look without a lock
    if (this.sql.dialect.features.transactionalDdl) await this.together(this.sql.tables().map((text) => sql.raw(text)))
    else for (const text of this.sql.tables()) await this.#session.query(text)
  }

  /** Runs one of our own statements; its rows. */
  async run(fragment: Sql, limits: Limits = limitsFrom(QUESTION_MS)): Promise<Record<string, unknown>[]> {
    const { text, params } = this.sql.compile(fragment)
    return (await this.#session.query(text, params, limits)).rows
  }

  /** Runs our own statements in one transaction. */
  async together(fragments: readonly Sql[], asynchronously = false): Promise<void> {
    try {
      await this.script([sql.raw(this.sql.facts.begin), ...asynchronously ? this.asynchronously : [], ...fragments, sql.raw('commit')])
    } catch (error) {
      if (!this.#session.broken && this.#session.idle !== true) await this.#session.query('rollback').catch(() => undefined)
      throw error
    }
  }

  /** A commit may reach the disk later: losing the mark of a migration that is undone with it loses nothing. */
  get asynchronously(): readonly Sql[] { return this.sql.facts.asynchronousCommit.map((text) => sql.raw(text)) }

  /** Runs statements one after another, as one text where the engine takes that; the last one's rows and their number. */
  async script(fragments: readonly Sql[], limits: Limits = UNLIMITED): Promise<{ rows: Record<string, unknown>[]; rowCount: number }> {
    if (this.sql.facts.scripts) return this.#session.query(fragments.map((fragment) => this.sql.inline(fragment)).join(';\n'), undefined, limits)
    let last: { rows: Record<string, unknown>[]; rowCount: number } = { rows: [], rowCount: 0 }
    for (const fragment of fragments) {
      const { text, params } = this.sql.compile(fragment)
      last = await this.#session.query(text, params, limits)
    }
    return last
  }

  /** The row of a migration that is about to run: made, or taken over from an earlier attempt. */
  running(migration: Migration, known: boolean, statements: number | undefined, session: SessionIdentity | undefined): Sql {
    const { service, version, name, kind, checksum } = migration
    const { by = null, appVersion = null } = this.#author
    const [pid, since, total] = [session?.id ?? null, session?.startedAt ?? null, statements ?? null]
    const done = statements === undefined ? null : 0
    const table = this.sql.table('migration')
    if (known) {
      return sql`update ${table} set state = 'running', checksum = ${checksum}, algo = ${CHECKSUM_ALGORITHM}, mark = ${markOf(migration)}, stmts_total = ${total},
        stmts_done = coalesce(stmts_done, ${done}), pid = ${pid}, backend_start = ${since}, started_at = ${this.sql.now}, finished_at = null, error = null,
        applied_by = ${by}, app_version = ${appVersion}
        where ${this.sql.where(migration)} and (state <> 'applied' or checksum <> ${checksum})`
    }
    return sql`insert into ${table}
      (service, version, name, kind, checksum, algo, state, mark, stmts_done, stmts_total, applied_by, app_version, pid, backend_start, started_at)
      values (${service}, ${version}, ${name}, ${kind}, ${checksum}, ${CHECKSUM_ALGORITHM}, 'running', ${markOf(migration)}, ${done}, ${total},
        ${by}, ${appVersion}, ${pid}, ${since}, ${this.sql.now})`
  }

  /** A row that says: this is applied, without anything having been run. */
  adopted(key: RowKey, checksum: string): Sql {
    const { by = null, appVersion = null } = this.#author
    return sql`insert into ${this.sql.table('migration')}
      (service, version, name, kind, checksum, algo, state, mark, applied_by, app_version, started_at, finished_at, ms)
      values (${key.service}, ${key.version}, ${key.name}, ${key.kind}, ${checksum}, ${CHECKSUM_ALGORITHM}, 'applied', ${markOf({ ...key, checksum })},
        ${by}, ${appVersion}, ${this.sql.now}, ${this.sql.now}, 0)`
  }

  remove(key: RowKey): Sql {
    return sql`delete from ${this.sql.table('migration')} where ${this.sql.where(key)}`
  }

  /** Forgets the statements of a migration. */
  forgetStatements({ service, version, name }: RowKey): Sql {
    return sql`delete from ${this.sql.table('migration_stmt')} where service = ${service} and version = ${version} and name in (${name}, ${downName(name)})`
  }

  log(line: LogLine): Sql { return this.sql.log({ by: this.#author.by, ...line }) }

  async readLog(): Promise<LogEntry[]> {
    if (!await this.exists()) return []
    const at = sql.raw(this.sql.facts.epochMs('at'))
    return (await this.run(sql`select ${at} as at_ms, action, service, version, name, by_whom, detail from ${this.sql.table('migration_log')} order by at`)).map(logFrom)
  }
}

/** Under which name the journal keeps the statements of the way down. */
export function downName(name: string): string {
  return `${name} (down)`
}
