import type { HistoryTable, MigrationFacts, StatementTimeouts, TableFacts } from '../../core/migration-facts.js'
import type { Probe } from '../../core/probe.js'
import { statement } from '../../core/statement.js'
import { CATALOG, CATALOG_PREFIXES } from './catalog.js'

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``

/** Limits of waits for locks are whole seconds. */
const SECOND_MS = 1_000
/** What stands for no limit. */
const YEAR_S = 31_536_000

/** MySQL's and MariaDB's words for migrations. DDL commits by itself, so files run statement by statement. */
export const mysqlMigrations: MigrationFacts = {
  table: (schema, name) => quoted(`${schema}_${name}`),
  historyExists: (schema) => ({
    statement: statement('select count(*) as found from information_schema.tables where table_schema = database() and table_name = ?', [`${schema}_${'migration' satisfies HistoryTable}`]),
    read: ([row]) => Number(row?.['found']) === 1,
  }),
  schema: undefined,
  compatibilityView: (view, table) => `create or replace view ${view} as
    select max(version) as version, max(state <> 'applied') as dirty from ${table} where kind in ('V', 'B') having count(*) > 0`,
  types: { word: 'varchar(190) character set utf8mb4 collate utf8mb4_bin', text: 'mediumtext character set utf8mb4', moment: 'datetime(6)' },
  now: 'utc_timestamp(6)',
  epochMs: (column) => `timestampdiff(microsecond, timestamp '1970-01-01 00:00:00', ${column}) / 1000`,
  scripts: false,
  literal: (value) => value === null ? 'null' : typeof value === 'number' ? String(value) : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  alone: undefined,
  patient: undefined,
  selfCommitting: /^(call|begin not atomic)( |$)/,
  begin: 'start transaction',
  asynchronousCommit: [],
  timeouts,
  resetTimeouts: [set('lock_wait_timeout = default, session innodb_lock_wait_timeout = default', 'default', 'default')],
  guard: undefined,
  catalog: (schema) => ({
    statement: statement(CATALOG, Array.from({ length: CATALOG_PREFIXES }, () => schema)),
    read: (rows) => rows.map((row) => ({ name: String(row['name']), definition: typeof row['definition'] === 'string' ? row['definition'] : '' })),
  }),
  lintRules: async () => (await import('./lint.js')).mysqlLint,
  locksTaken: undefined,
  leftovers: undefined,
  tables: {
    statement: statement(`select table_name as name, table_rows as row_count, data_length + index_length as bytes
      from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'`),
    read: (rows) => rows.map((row): TableFacts => ({ name: String(row['name']), rows: Number(row['row_count'] ?? 0), bytes: Number(row['bytes'] ?? 0) })),
  } satisfies Probe<readonly TableFacts[]>,
}

/** MySQL and MariaDB have different names for the limit of a statement; each passes over the other's comment. */
function set(settings: string, mysql: string | undefined, mariadb: string | undefined): string {
  const both = mysql === undefined || mariadb === undefined ? '' : ` /*!80000 , session max_execution_time = ${mysql} */ /*M! , session max_statement_time = ${mariadb} */`
  return `set session ${settings}${both}`
}

function timeouts({ lockTimeoutMs, statementTimeoutMs }: StatementTimeouts): string[] {
  if (lockTimeoutMs === undefined && statementTimeoutMs === undefined) return []
  const seconds = lockTimeoutMs === undefined ? 'default' : String(lockTimeoutMs === 0 ? YEAR_S : Math.max(1, Math.ceil(lockTimeoutMs / SECOND_MS)))
  const waits = `lock_wait_timeout = ${seconds}, session innodb_lock_wait_timeout = ${seconds}`
  if (statementTimeoutMs === undefined) return [set(waits, undefined, undefined)]
  return [set(waits, String(Math.ceil(statementTimeoutMs)), String(statementTimeoutMs / SECOND_MS))]
}
