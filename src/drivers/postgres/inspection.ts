import type { InspectionFacts } from '../../core/inspection.js'
import { statement } from '../../core/statement.js'

const CAPACITY = `select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as max,
  (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used`

const SESSIONS = `select pid, application_name, client_addr::text as address, state, left(query, 500) as query,
  (extract(epoch from clock_timestamp() - coalesce(xact_start, query_start, backend_start)) * 1000)::float8 as age_ms,
  pg_blocking_pids(pid)::text[] as blocked_by
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
order by age_ms desc limit 500`

const SETUP = `select (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as encrypted,
  (extract(epoch from clock_timestamp()) * 1000)::float8 as clock,
  (select setting::float8 from pg_settings where name = 'statement_timeout') as statement_timeout,
  (select setting::float8 from pg_settings where name = 'idle_in_transaction_session_timeout') as idle_timeout`

/** Answers are read whatever type parsers the caller has. */
export const postgresInspection: InspectionFacts = {
  capacity: {
    statement: statement(CAPACITY),
    read: ([row]) => ({ max: Number(row?.['max']), used: Number(row?.['used']) }),
  },
  sessions: {
    statement: statement(SESSIONS),
    read: (rows) => rows.map((row) => ({
      id: Number(row['pid']), application: text(row['application_name']), address: text(row['address']), state: text(row['state']),
      query: text(row['query']), ageMs: number(row['age_ms']), blockedBy: Array.isArray(row['blocked_by']) ? row['blocked_by'].map(Number) : [],
    })),
  },
  setup: {
    statement: statement(SETUP),
    read: ([row]) => ({
      encrypted: typeof row?.['encrypted'] === 'boolean' ? row['encrypted'] : undefined, clock: number(row?.['clock']),
      statementTimeoutMs: number(row?.['statement_timeout']), idleInTransactionTimeoutMs: number(row?.['idle_timeout']),
    }),
  },
}

function text(value: unknown): string | undefined { return typeof value === 'string' && value !== '' ? value : undefined }

function number(value: unknown): number | undefined { return value === null || value === undefined ? undefined : Number(value) }
