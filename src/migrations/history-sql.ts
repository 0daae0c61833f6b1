import type { Dialect } from '../core/dialect.js'
import { ConfigError } from '../core/errors.js'
import type { HistoryTable, MigrationFacts } from '../core/migration-facts.js'
import type { SqlFragment } from '../core/statement.js'
import { sql, type Sql } from '../sql/tag.js'
import type { HistoryKind } from './history-row.js'

/** Stands around the number of a parameter; no text of ours holds it. */
const MARK = '\u0000'

/** What identifies a row. */
export interface RowKey {
  readonly service: string
  readonly version: number
  readonly kind: HistoryKind
  readonly name: string
}

/** What a line of the log says beside the time. */
export interface LogLine {
  readonly action: string
  readonly service?: string | undefined
  readonly version?: number | undefined
  readonly name?: string | undefined
  readonly by?: string | undefined
  readonly detail?: string | undefined
}

/** The texts of the history, in an engine's words. */
export class HistorySql {
  readonly dialect: Dialect
  readonly facts: MigrationFacts
  readonly schema: string

  /** @throws ConfigError the engine has no migrations */
  constructor(dialect: Dialect, schema: string) {
    if (!dialect.migrations) throw new ConfigError(`migrations: the engine ${dialect.engine} has none`, { option: 'migrations' })
    this.dialect = dialect
    this.facts = dialect.migrations
    this.schema = schema
  }

  table(name: HistoryTable): Sql { return sql.raw(this.facts.table(this.schema, name)) }
  get now(): Sql { return sql.raw(this.facts.now) }

  compile(fragment: SqlFragment): { readonly text: string; readonly params: readonly unknown[] } {
    return fragment.compile(this.dialect)
  }

  /** The fragment as a text without parameters, its values as literals: for scripts. */
  inline(fragment: SqlFragment): string {
    const { params } = fragment.compile(this.dialect)
    const { text } = fragment.compile({ placeholder: (position) => `${MARK}${String(position)}${MARK}`, quoteIdentifier: (name) => this.dialect.quoteIdentifier(name) })
    return text.split(MARK).map((piece, index) => index % 2 === 0 ? piece : this.facts.literal((params[Number(piece) - 1] ?? null) as string | number | null)).join('')
  }

  /** Makes the tables; run one after another under the lock. The one that is looked for comes last: with it, all are there. */
  tables(): string[] {
    const { word, text, moment } = this.facts.types
    const name = (table: HistoryTable): string => this.facts.table(this.schema, table)
    return [
      `create table if not exists ${name('migration_stmt')} (
        service ${word} not null, version bigint not null, name ${word} not null, idx int not null, sha ${word} not null, state ${word} not null,
        error ${text}, at ${moment}, primary key (service, version, name, idx))`,
      `create table if not exists ${name('migration_log')} (
        at ${moment} not null, action ${word} not null, service ${word}, version bigint, name ${word}, by_whom ${word}, detail ${text})`,
      `create table if not exists ${name('migration_snapshot')} (at ${moment} not null, fingerprint ${word} not null, objects ${text} not null)`,
      `create table if not exists ${name('migration')} (
        service ${word} not null, version bigint not null, name ${word} not null, kind char(1) not null, checksum ${word} not null,
        algo ${word} not null, state ${word} not null, mark bigint not null, stmts_done int, stmts_total int, applied_by ${word}, app_version ${word},
        pid bigint, backend_start ${word}, started_at ${moment}, finished_at ${moment}, ms double precision, error ${text}, backup_id ${word},
        primary key (service, version, kind, name))`,
      this.facts.compatibilityView(name('schema_migrations'), name('migration')),
    ]
  }

  /** Every row. */
  rows(): Sql {
    const epoch = (column: string): Sql => sql.raw(this.facts.epochMs(column))
    return sql`select service, version, name, kind, checksum, algo, state, stmts_done, stmts_total, applied_by, app_version, pid, backend_start,
      ${epoch('started_at')} as started_ms, ${epoch('finished_at')} as finished_ms, ms, error, backup_id from ${this.table('migration')}`
  }

  /**
   * Of each of these services: its baseline, the number of rows above that, and the sum of the marks of those that are applied.
   * Seeds do not count.
   */
  digest(services: readonly string[]): Sql {
    const table = this.table('migration')
    const counts = sql`(m.kind = 'R' or (m.kind = 'V' and m.version > coalesce(b.version, -1)))`
    return sql`select m.service, count(case when ${counts} then 1 end) as n, max(b.version) as baseline,
      coalesce(sum(case when ${counts} and m.state = 'applied' then m.mark else 0 end), 0) as mark
      from ${table} m left join (select service, max(version) as version from ${table} where kind = 'B' group by service) b on b.service = m.service
      where m.kind <> 'S' and m.service in (${sql.join(services)}) group by m.service`
  }

  /** The row of one migration. */
  where({ service, version, kind, name }: RowKey): Sql {
    return sql`service = ${service} and version = ${version} and kind = ${kind} and name = ${name}`
  }

  /** A line of the log; part of the transaction it is about. */
  log(entry: LogLine): Sql {
    const { action, service = null, version = null, name = null, by = null, detail = null } = entry
    return sql`insert into ${this.table('migration_log')} (at, action, service, version, name, by_whom, detail)
      values (${this.now}, ${action}, ${service}, ${version}, ${name}, ${by}, ${detail})`
  }
}
