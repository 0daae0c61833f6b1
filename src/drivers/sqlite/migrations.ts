import type { HistoryTable, MigrationFacts } from '../../core/migration-facts.js'
import { statement } from '../../core/statement.js'

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const TABLES: readonly HistoryTable[] = ['migration', 'migration_stmt', 'migration_log', 'migration_snapshot', 'schema_migrations']

/** SQLite's words for migrations. Transactions take the file's write lock when they begin: claims come one after another. */
export const sqliteMigrations: MigrationFacts = {
  table: (schema, name) => quoted(`${schema}_${name}`),
  historyExists: (schema) => ({
    statement: statement('select count(*) as found from sqlite_master where name = ?', [`${schema}_${'migration' satisfies HistoryTable}`]),
    read: ([row]) => Number(row?.['found']) === 1,
  }),
  schema: undefined,
  compatibilityView: (view, table) => `create view if not exists ${view} as
    select max(version) as version, max(state <> 'applied') as dirty from ${table} where kind in ('V', 'B') having count(*) > 0`,
  types: { word: 'text', text: 'text', moment: 'text' },
  now: "strftime('%Y-%m-%d %H:%M:%f', 'now')",
  epochMs: (column) => `round((julianday(${column}) - 2440587.5) * 86400000)`,
  scripts: false,
  literal: (value) => value === null ? 'null' : typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`,
  alone: /^(vacuum|attach|detach)( |$)/,
  patient: undefined,
  selfCommitting: undefined,
  begin: 'begin immediate',
  asynchronousCommit: [],
  timeouts: () => [],
  resetTimeouts: [],
  guard: undefined,
  catalog: (schema) => ({
    statement: statement(`select type || ' ' || name as name, coalesce(sql, '') as definition from sqlite_master
      where tbl_name not in (${TABLES.map(() => '?').join(', ')}) and name not like 'sqlite!_%' escape '!' order by 1`, TABLES.map((table) => `${schema}_${table}`)),
    read: (rows) => rows.map((row) => ({ name: String(row['name']), definition: String(row['definition']) })),
  }),
  lintRules: undefined,
  locksTaken: undefined,
  leftovers: undefined,
  tables: { statement: statement("select name from sqlite_master where type = 'table'"), read: (rows) => rows.map((row) => ({ name: String(row['name']), rows: 0, bytes: 0 })) },
}
