import type { LockFacts, LockKey, MaintenanceFacts, SessionFacts } from '../../core/maintenance.js'
import type { Probe } from '../../core/probe.js'
import { statement } from '../../core/statement.js'
import { blockersOf } from './blockers.js'

/** Locks are the whole server's, and their names at most 64 characters long. */
function nameOf({ space, id }: LockKey): string {
  return `concat('sluice:${String(Math.trunc(space))}:${String(Math.trunc(id))}:', left(sha2(coalesce(database(), ''), 256), 32))`
}

function asked(condition: string): Probe<boolean> {
  return { statement: statement(`select ${condition} as yes`), read: ([row]) => Number(row?.['yes']) === 1 }
}

const SESSION = `p.id, concat(p.user, coalesce(concat(' ', p.db), '')) as application, p.host as address, p.command as state,
  left(p.info, 200) as query, p.time * 1000 as age`

const locks: LockFacts = {
  tryAcquire: (key) => asked(`get_lock(${nameOf(key)}, 0) = 1`),
  release: (key) => asked(`release_lock(${nameOf(key)}) = 1`),
  holds: (key, sessionId) => asked(`is_used_lock(${nameOf(key)}) = ${String(Math.trunc(sessionId))}`),
  reaffirm: undefined,
  holders: (key) => sessions(`select ${SESSION} from information_schema.processlist p where p.id = is_used_lock(${nameOf(key)})`),
  waitingTransaction: [],
}

/**
 * MySQL's and MariaDB's locks and sessions. Whom a statement waits for is not shown to ordinary users: see blockers.ts. Ids of sessions are
 * given again only after a restart of the server; one that works for nobody any more is at its last statement.
 */
export const mysqlMaintenance: MaintenanceFacts = {
  lock: locks,
  session: {
    statement: statement('select connection_id() as id'),
    read: ([row]) => ({ id: Number(row?.['id']), startedAt: '' }),
  },
  alive: ({ id }) => asked(`exists (select 1 from information_schema.processlist where id = ${String(Math.trunc(id))} and db = database() and command <> 'Sleep')`),
  inTransaction: (sessionId) => asked(`exists (select 1 from information_schema.processlist where id = ${String(Math.trunc(sessionId))} and command <> 'Sleep')
    or exists (select 1 from information_schema.innodb_trx where trx_mysql_thread_id = ${String(Math.trunc(sessionId))})`),
  blockers: (sessionId) => blockersOf(sessionId).map((asking) => sessions(`select ${SESSION} ${asking}`)),
}

function sessions(asking: string): Probe<readonly SessionFacts[]> {
  return {
    statement: statement(asking),
    read: (rows) => rows.map((row) => ({
      id: Number(row['id']), application: textOf(row['application']), address: textOf(row['address']), state: textOf(row['state']), query: textOf(row['query']),
      ageMs: row['age'] === null || row['age'] === undefined ? undefined : Number(row['age']),
    })),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
