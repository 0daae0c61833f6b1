import type { HistoryTable, MigrationFacts, StatementTimeouts, TableFacts, TakenLock } from '../../core/migration-facts.js'
import type { Probe } from '../../core/probe.js'
import { statement } from '../../core/statement.js'
import { CATALOG } from './catalog.js'

const yes: Probe<boolean>['read'] = ([row]) => row?.['yes'] === true

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** PostgreSQL's words for migrations. */
export const postgresMigrations: MigrationFacts = {
  table: (schema, name) => `${quoted(schema)}.${quoted(name)}`,
  historyExists: (schema) => exists(`to_regclass($1) is not null`, [`${quoted(schema)}.${quoted('migration' satisfies HistoryTable)}`]),
  schema: {
    exists: (schema) => exists('exists (select from pg_namespace where nspname = $1)', [schema]),
    create: (schema) => `create schema if not exists ${quoted(schema)}`,
  },
  compatibilityView: (view, table) => `create or replace view ${view} as
    select max(version) as version, bool_or(state <> 'applied') as dirty from ${table} where kind in ('V', 'B') having count(*) > 0`,
  types: { word: 'text', text: 'text', moment: 'timestamptz' },
  now: 'clock_timestamp()',
  epochMs: (column) => `(extract(epoch from ${column}) * 1000)::float8`,
  scripts: true,
  literal,
  alone: /^((create|drop)( unique)? index concurrently|reindex .*concurrently|alter table .* detach partition .*concurrently|vacuum|alter system|(create|drop) (database|tablespace|subscription))( |$)/,
  patient: /^(.* concurrently|vacuum(?!.* full( |$))|analyze|call|do)( |$)/,
  selfCommitting: /^(call|do)( |$)/,
  begin: 'begin isolation level read committed read write',
  asynchronousCommit: ['set local synchronous_commit = off'],
  timeouts,
  resetTimeouts: ['reset lock_timeout', 'reset statement_timeout'],
  guard: { identity: 'txid_current()::text', statement: guard },
  catalog: (schema) => ({
    statement: statement(CATALOG, [schema]),
    read: (rows) => rows.map((row) => ({ name: String(row['name']), definition: String(row['definition']) })),
  }),
  lintRules: async () => (await import('./lint.js')).postgresLint,
  locksTaken: {
    statement: statement(`select distinct relation::regclass::text as relation, mode from pg_locks
      where pid = pg_backend_pid() and locktype = 'relation' and granted and relation >= 16384 order by 1, 2`),
    read: (rows) => rows.map((row): TakenLock => ({ relation: String(row['relation']), mode: String(row['mode']) })),
  },
  leftovers: {
    find: (name) => ({
      statement: statement(`select i.indexrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indexrelid
        where not i.indisvalid and (c.relname = $1 or c.relname ~ ('^' || regexp_replace($1, '([^a-zA-Z0-9_])', '\\\\\\1', 'g') || '_ccnew[0-9]*$'))`, [name]),
      read: (rows) => rows.map((row) => String(row['name'])),
    }),
    drop: (name) => `drop index concurrently if exists ${name}`,
  },
  tables: {
    statement: statement(`select case when pg_table_is_visible(c.oid) then c.relname else n.nspname || '.' || c.relname end as name,
      greatest(c.reltuples, 0)::float8 as rows, pg_total_relation_size(c.oid)::float8 as bytes
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`),
    read: (rows) => rows.map((row): TableFacts => ({ name: String(row['name']), rows: Number(row['rows']), bytes: Number(row['bytes']) })),
  },
}

function exists(condition: string, params: readonly unknown[]): Probe<boolean> {
  return { statement: statement(`select ${condition} as yes`, params), read: yes }
}

/** `E'…'` where there is a backslash: it means the same whatever `standard_conforming_strings` says. */
function literal(value: string | number | null): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return String(value)
  const text = value.replaceAll("'", "''")
  return text.includes('\\') ? ` E'${text.replaceAll('\\', '\\\\')}'` : `'${text}'`
}

function timeouts({ lockTimeoutMs, statementTimeoutMs }: StatementTimeouts, inTransaction: boolean): string[] {
  const set = `set ${inTransaction ? 'local ' : ''}`
  return [
    ...lockTimeoutMs === undefined ? [] : [`${set}lock_timeout = ${String(Math.trunc(lockTimeoutMs))}`],
    ...statementTimeoutMs === undefined ? [] : [`${set}statement_timeout = ${String(Math.trunc(statementTimeoutMs))}`],
  ]
}

/** `SL` is a class of SQLSTATE that neither the standard nor PostgreSQL uses. */
function guard(identity: string, held: string | undefined): string {
  const lost = held === undefined ? '' : `
  if not coalesce((${held}), false) then
    raise exception using errcode = 'SL002', message = 'the lock of this migration run was lost';
  end if;`
  return `do $sluice$ begin
  if txid_current_if_assigned()::text is distinct from ${literal(identity)} then
    raise exception using errcode = 'SL001', message = 'the migration has left its transaction';
  end if;${lost}
end $sluice$`
}
