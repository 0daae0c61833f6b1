import type { DatabaseSteps } from '../../core/dump.js'
import type { Probe } from '../../core/dialect.js'
import { statement, type Statement } from '../../core/statement.js'
import { postgresDialect } from './dialect.js'

const quoted = (name: string): string => postgresDialect.quoteIdentifier(name)
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const END_SESSIONS = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = any ($1::text[]) and pid <> pg_backend_pid()'

/** Anything of a user's own: relations, functions, types, schemas, extensions that do not come with every database. */
const IS_EMPTY = `select not exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname <> 'information_schema' and n.nspname !~ '^pg_')
  and not exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname <> 'information_schema' and n.nspname !~ '^pg_')
  and not exists (select from pg_type t join pg_namespace n on n.oid = t.typnamespace where n.nspname <> 'information_schema' and n.nspname !~ '^pg_')
  and not exists (select from pg_namespace where nspname <> 'information_schema' and nspname <> 'public' and nspname !~ '^pg_')
  and not exists (select from pg_extension where extname <> 'plpgsql') as empty`

function truth(text: string, params: readonly unknown[], column: string): Probe<boolean> {
  return { statement: statement(text, params), read: ([row]) => row?.[column] === true }
}

function names(text: string, wanted: readonly string[]): Probe<readonly string[]> {
  return { statement: statement(text, [wanted]), read: (rows) => rows.map((row) => String(row['name'])) }
}

/**
 * One transaction: whoever connects meanwhile waits for its end (a rename locks the database against new sessions), and
 * nothing is half done when this process dies. A rename waits up to 5 s for sessions to leave.
 */
function swap(from: string, to: string, aside: string | undefined): Statement[] {
  return [
    statement('begin'),
    ...aside === undefined ? [] : [statement(`alter database ${quoted(to)} rename to ${quoted(aside)}`)],
    statement(`alter database ${quoted(from)} rename to ${quoted(to)}`),
    statement('commit'),
  ]
}

/** PostgreSQL's databases as things to make, look at and rename. */
export const postgresDatabases: DatabaseSteps = {
  maintenance: 'postgres',
  exists: (name) => truth('select exists (select from pg_database where datname = $1) as there', [name], 'there'),
  create: (name, encoding) => statement(
    `create database ${quoted(name)} template template0${encoding === undefined ? '' : ` encoding ${literal(encoding)}`}`),
  drop: (name) => statement(`drop database if exists ${quoted(name)}`),
  endSessions: (named) => statement(END_SESSIONS, [named]),
  swap,
  isEmpty: { statement: statement(IS_EMPTY), read: ([row]) => row?.['empty'] === true },
  missingRoles: (wanted) => names('select name from unnest($1::text[]) name where not exists (select from pg_roles where rolname = name)', wanted),
  missingExtensions: (wanted) => names(
    'select name from unnest($1::text[]) name where not exists (select from pg_available_extensions a where a.name = name.name)', wanted),
  analyze: 'analyze',
  lock: (name) => truth("select pg_try_advisory_lock(hashtextextended('sluice:' || $1, 0)) as got", [name], 'got'),
}
