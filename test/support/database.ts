import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, inject } from 'vitest'

/** A database of the test file's own on the run's shared cluster. */
export interface FreshDatabase {
  readonly name: string
  /** For an ordinary role that owns the database. */
  readonly primaryUrl: string
  /** The same database on the two replicas. */
  readonly replicaUrls: readonly string[]
  /** For the superuser, on the primary. */
  readonly adminUrl: string
  /** For the superuser, on the replicas. */
  readonly adminReplicaUrls: readonly string[]
  /** Runs one statement as superuser on the primary, in a session of its own. */
  admin(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Waits until both replicas have what the primary has written by now. */
  waitForReplay(timeoutMs?: number): Promise<void>
}

const POLL_MS = 20
const REPLAY_TIMEOUT_MS = 15_000
const LEAK_TIMEOUT_MS = 5_000
/** Sessions of the guard itself; tests may use this name for sessions that are not to be counted. */
const ADMIN_NAME = 'sluice-test-admin'

async function adminQuery(url: string, sql: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, application_name: ADMIN_NAME, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql, [...values])).rows
  } finally {
    await client.end()
  }
}

function urlOf(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}

/** Polls `check` until it is true; `false` when the time is up. */
async function eventually(timeoutMs: number, check: () => Promise<boolean>): Promise<boolean> {
  const expiresAt = performance.now() + timeoutMs
  while (!await check()) {
    if (performance.now() > expiresAt) return false
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return true
}

async function replayed(primaryUrl: string, replicaUrls: readonly string[], timeoutMs: number): Promise<void> {
  const [row] = await adminQuery(primaryUrl, 'select pg_current_wal_lsn()::text as lsn')
  await Promise.all(replicaUrls.map(async (url) => {
    const done = await eventually(timeoutMs, async () => {
      const [answer] = await adminQuery(url, 'select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) as done', [row?.['lsn']])
      return answer?.['done'] === true
    })
    if (!done) throw new Error(`a replica has not caught up in ${timeoutMs} ms (is its replay paused?)`)
  }))
}

const SESSIONS = `
  select application_name as name, state, left(query, 120) as query from pg_stat_activity
  where datname = $1 and backend_type = 'client backend' and application_name <> '${ADMIN_NAME}' and pid <> pg_backend_pid()`

/** Fails when sessions of the file's database are still open some seconds after its last test. */
async function checkNothingLeaked(name: string, adminUrls: readonly string[]): Promise<void> {
  let open: Record<string, unknown>[] = []
  const gone = await eventually(LEAK_TIMEOUT_MS, async () => {
    open = (await Promise.all(adminUrls.map((url) => adminQuery(url, SESSIONS, [name])))).flat()
    return open.length === 0
  })
  if (gone) return
  const list = open.map((session) => `  ${String(session['name'])}, ${String(session['state'])}: ${String(session['query'])}`)
  throw new Error(`${open.length} session(s) still open ${LEAK_TIMEOUT_MS} ms after the last test of this file:\n${list.join('\n')}`)
}

/**
 * Makes a database for the calling test file and registers its end: when all tests of the file (or of the surrounding
 * `describe`) are done, sessions that are still open fail the file, and the database is dropped. Call it at the top of
 * the file, before other `afterAll` hooks, as those run first:
 *
 * ```ts
 * const database = await freshDatabase()
 * ```
 */
export async function freshDatabase(options: { readonly allowLeaks?: boolean } = {}): Promise<FreshDatabase> {
  const shared = inject('sharedCluster')
  if (shared === undefined) throw new Error('freshDatabase() is for test/integration, test/conformance and test/chaos: only they have the shared cluster')
  const [adminRoot = ''] = shared.superuserUrls
  const name = `test_${randomBytes(6).toString('hex')}`
  const owner = decodeURIComponent(new URL(shared.appUrls[0] ?? '').username)
  await adminQuery(adminRoot, `create database "${name}" owner "${owner}"`)
  const [adminUrl = '', ...adminReplicaUrls] = shared.superuserUrls.map((url) => urlOf(url, name))
  const [primaryUrl = '', ...replicaUrls] = shared.appUrls.map((url) => urlOf(url, name))
  const waitForReplay = (timeoutMs = REPLAY_TIMEOUT_MS): Promise<void> => replayed(adminRoot, shared.superuserUrls.slice(1), timeoutMs)
  afterAll(async () => {
    try {
      if (!options.allowLeaks) await checkNothingLeaked(name, shared.superuserUrls)
    } finally {
      await adminQuery(adminRoot, `drop database if exists "${name}" with (force)`)
    }
  })
  await waitForReplay()
  return { name, primaryUrl, replicaUrls, adminUrl, adminReplicaUrls, admin: (sql, values) => adminQuery(adminUrl, sql, values), waitForReplay }
}
