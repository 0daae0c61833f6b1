import type { SnapshotQuestions, TableName } from '../../core/dump.js'
import { statement } from '../../core/statement.js'
import { postgresDialect } from './dialect.js'

const OWN_SCHEMA = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"
const notOfExtension = (catalog: string, oid: string): string =>
  `not exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e')`

/** Tables whose rows pg_dump writes: ordinary ones of a user's own. */
const TABLES = `select n.nspname as schema, c.relname as name, pg_table_size(c.oid)::text as bytes
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't' and ${OWN_SCHEMA} and ${notOfExtension('pg_class', 'c.oid')}
order by pg_table_size(c.oid) desc, 1, 2`

const ROLES = `select distinct r.rolname from (
  select relowner as role from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OWN_SCHEMA}
  union select proowner from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OWN_SCHEMA}
  union select typowner from pg_type t join pg_namespace n on n.oid = t.typnamespace where ${OWN_SCHEMA}
  union select nspowner from pg_namespace n where ${OWN_SCHEMA} and n.nspname <> 'public'
  union select (aclexplode(relacl)).grantee from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OWN_SCHEMA}
  union select (aclexplode(nspacl)).grantee from pg_namespace n where ${OWN_SCHEMA}
  union select (aclexplode(proacl)).grantee from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OWN_SCHEMA}
) used join pg_roles r on r.oid = used.role where r.rolname !~ '^pg_' order by 1`

const FACTS = `select pg_encoding_to_char(encoding) as encoding, pg_database_size(oid)::text as bytes,
  case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end::text as position,
  (select coalesce(json_agg(extname order by extname), '[]') from pg_extension where extname <> 'plpgsql') as extensions,
  (select coalesce(json_agg(rolname), '[]') from (${ROLES}) roles) as roles
from pg_database where datname = current_database()`

const SEQUENCES = `select coalesce(json_object_agg(schemaname || '.' || sequencename, coalesce(last_value, 0)::text), '{}') as sequences
from pg_sequences where schemaname <> 'information_schema' and schemaname !~ '^pg_'`

const textOf = (value: unknown): string => typeof value === 'string' ? value : ''
const texts = (value: unknown): string[] => Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []

/**
 * What is asked inside the dump's snapshot. The settings are fixed so that a row's text is the same before the dump and
 * after the restore; the hash is a sum, so that the order of rows does not count.
 */
export const postgresSnapshot: SnapshotQuestions = {
  open: [
    statement('begin isolation level repeatable read read only'),
    statement(`select set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'postgres', true),
      set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true), set_config('row_security', 'off', true),
      set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true), set_config('search_path', '', true)`),
  ],
  exported: { statement: statement('select pg_export_snapshot() as id'), read: ([row]) => textOf(row?.['id']) },
  facts: {
    statement: statement(FACTS),
    read: ([row]) => ({
      encoding: textOf(row?.['encoding']) || undefined, bytes: Number(row?.['bytes'] ?? 0), position: textOf(row?.['position']) || undefined,
      extensions: texts(row?.['extensions']), roles: texts(row?.['roles']),
    }),
  },
  tables: {
    statement: statement(TABLES),
    read: (rows) => rows.map((row) => ({ schema: textOf(row['schema']), name: textOf(row['name']), bytes: Number(row['bytes']) })),
  },
  count: (table, withHash) => ({
    statement: statement(`select count(*)::text as rows, ${withHash
      ? "coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0)::text" : 'null'} as hash from only ${qualified(table)} t`),
    read: ([row]) => ({ rows: Number(row?.['rows'] ?? 0), hash: textOf(row?.['hash']) || undefined }),
  }),
  sequences: {
    statement: statement(SEQUENCES),
    read: ([row]) => (row?.['sequences'] ?? {}) as Record<string, string>,
  },
}

function qualified({ schema, name }: TableName): string {
  return `${postgresDialect.quoteIdentifier(schema)}.${postgresDialect.quoteIdentifier(name)}`
}
