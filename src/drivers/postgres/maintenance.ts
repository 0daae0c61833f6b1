import type { Probe } from '../../core/probe.js'
import type { LockFacts, LockKey, MaintenanceFacts, SessionFacts } from '../../core/maintenance.js'
import { statement } from '../../core/statement.js'

const yes: Probe<boolean>['read'] = ([row]) => row?.['yes'] === true

/**
 * Every text is sent without parameters, by the simple protocol: in the transaction that keeps a lock behind a pooler an
 * open portal would hold a snapshot, and with it every CREATE INDEX CONCURRENTLY. What is pasted in are integers.
 */
function asked(text: string): Probe<boolean> {
  return { statement: statement(text), read: yes }
}

function whole(value: number): string {
  return String(Math.trunc(value))
}

function keyText({ space, id }: LockKey): string {
  return `${whole(space)}, ${whole(id)}`
}

/** Rows of pg_locks that are this lock; its columns are oid, so negative integers are seen as unsigned ones. */
function isLock({ space, id }: LockKey): string {
  return `l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid = ${String(space >>> 0)} and l.objid = ${String(id >>> 0)}
    and l.database = (select oid from pg_database where datname = current_database())`
}

const SESSION = `a.pid, a.application_name as application, host(a.client_addr) as address, a.state,
  left(regexp_replace(a.query, '\\s+', ' ', 'g'), 200) as query,
  (extract(epoch from clock_timestamp() - coalesce(a.xact_start, a.query_start, a.backend_start)) * 1000)::float8 as age`

const locks: LockFacts = {
  tryAcquire: (key, { shared, inTransaction }) =>
    asked(`select pg_try_advisory_${inTransaction ? 'xact_' : ''}lock${shared ? '_shared' : ''}(${keyText(key)}) as yes`),
  release: (key, { shared }) => asked(`select pg_advisory_unlock${shared ? '_shared' : ''}(${keyText(key)}) as yes`),
  holds: (key, sessionId) => asked(`select exists (select from pg_locks l where ${isLock(key)} and l.pid = ${whole(sessionId)}) as yes`),
  // a look into pg_locks takes the locks of all its partitions: several times what the rest of a small migration costs
  reaffirm: (key, { shared }) => {
    const kind = shared ? '_shared' : ''
    return asked(`select case when pg_advisory_unlock${kind}(${keyText(key)}) then pg_try_advisory_lock${kind}(${keyText(key)}) else false end as yes`)
  },
  holders: (key) => ({
    statement: statement(`select ${SESSION} from pg_locks l join pg_stat_activity a on a.pid = l.pid where ${isLock(key)} order by a.pid`),
    read: sessions,
  }),
  waitingTransaction: ['begin isolation level read committed read write', 'set local idle_in_transaction_session_timeout = 0'],
}

/** PostgreSQL's locks and sessions. */
export const postgresMaintenance: MaintenanceFacts = {
  lock: locks,
  session: {
    statement: statement('select a.pid, a.backend_start::text as started from pg_stat_activity a where a.pid = pg_backend_pid()'),
    read: ([row]) => ({ id: Number(row?.['pid']), startedAt: text(row?.['started']) ?? '' }),
  },
  alive: ({ id, startedAt }) => ({
    statement: statement('select exists (select from pg_stat_activity a where a.pid = $1::int and a.backend_start::text = $2) as yes', [id, startedAt]),
    read: yes,
  }),
  inTransaction: (sessionId) =>
    asked(`select exists (select from pg_stat_activity where pid = ${whole(sessionId)} and state is distinct from 'idle') as yes`),
  blockers: (sessionId) => [{
    statement: statement(`select ${SESSION} from unnest(pg_blocking_pids(${whole(sessionId)})) as b(pid) join pg_stat_activity a on a.pid = b.pid`),
    read: sessions,
  }],
}

function sessions(rows: readonly Record<string, unknown>[]): SessionFacts[] {
  return rows.map((row) => ({
    id: Number(row['pid']), application: text(row['application']), address: text(row['address']), state: text(row['state']),
    query: text(row['query']), ageMs: typeof row['age'] === 'number' ? row['age'] : undefined,
  }))
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
