import { sleep } from '../../core/deadline.js'
import { adminQuery, withAdmin, type AdminQuery } from '../admin.js'
import { TestClusterError } from '../errors.js'
import type { RigServer, ServerPosition, Steering } from '../rig.js'

const POLL_MS = 10
const STREAMING_TIMEOUT_MS = 30_000
const PROMOTION_TIMEOUT_S = 30

/** What was written (primary) or received (replica), whichever this server can say. */
async function position(server: RigServer): Promise<ServerPosition> {
  const [row] = await adminQuery(server.admin(), `
    select lsn::text, (lsn - '0/0')::text as bytes, timeline
    from (select case when pg_is_in_recovery() then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                      else pg_current_wal_lsn() end as lsn,
                 case when pg_is_in_recovery() then coalesce((select received_tli from pg_stat_wal_receiver),
                        (select timeline_id from pg_control_checkpoint()))
                      else (select timeline_id from pg_control_checkpoint()) end as timeline) as position`)
  // Another timeline first: a replica on an older one has missed a promotion, however long its log is.
  return { text: String(row?.['lsn']), rank: [BigInt(Number(row?.['timeline'])), BigInt(String(row?.['bytes']))] }
}

/** Asks `check` in one session until it answers true. */
async function waitUntil(
  server: RigServer, timeoutMs: number, check: (query: AdminQuery) => Promise<boolean>, onTimeout: (query: AdminQuery) => Promise<string>,
): Promise<void> {
  await withAdmin(server.admin(), async (query) => {
    const expiresAt = performance.now() + timeoutMs
    while (!await check(query)) {
      if (performance.now() > expiresAt) throw new TestClusterError(await onTimeout(query))
      await sleep(POLL_MS)
    }
  })
}

/** Waits until a replica has replayed the log up to `lsn`. */
async function waitUntilReplayed(server: RigServer, lsn: string, timeoutMs: number): Promise<void> {
  await waitUntil(server, timeoutMs, async (query) => {
    const [row] = await query('select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) as done', [lsn])
    return row?.['done'] === true
  }, async (query) => {
    const [row] = await query('select ($1::pg_lsn - pg_last_wal_replay_lsn())::text as missing, pg_is_wal_replay_paused() as paused', [lsn])
    const paused = row?.['paused'] === true ? ' (its replay is paused)' : ''
    return `${server.name} has not replayed ${String(row?.['missing'])} bytes after ${timeoutMs} ms${paused}`
  })
}

/** Waits until a replica receives the log from its primary. */
async function waitUntilStreaming(server: RigServer): Promise<void> {
  await waitUntil(server, STREAMING_TIMEOUT_MS, async (query) => {
    const [row] = await query("select exists (select from pg_stat_wal_receiver where status = 'streaming') as streaming")
    return row?.['streaming'] === true
  }, () => Promise.resolve(`${server.name} does not stream from its primary after ${STREAMING_TIMEOUT_MS} ms`))
}

/** Not a replica, and not read-only for another reason. */
async function isWritable(server: RigServer): Promise<boolean> {
  const [row] = await adminQuery(server.admin(), "select current_setting('transaction_read_only') as read_only")
  return row?.['read_only'] === 'off'
}

/** Promotes a replica and waits until it takes writes. */
async function promote(server: RigServer): Promise<void> {
  const [row] = await adminQuery(server.admin(), 'select pg_promote(true, $1) as done', [PROMOTION_TIMEOUT_S - 5])
  if (row?.['done'] !== true || !await isWritable(server)) {
    throw new TestClusterError(`${server.name} was not promoted in ${PROMOTION_TIMEOUT_S - 5} s`)
  }
}

/** Stops replay; settles when it stands still (before PostgreSQL 14 there is only the request to see). */
async function pauseReplay(server: RigServer): Promise<void> {
  await adminQuery(server.admin(), 'select pg_wal_replay_pause()')
  await waitUntil(server, STREAMING_TIMEOUT_MS, async (query) => {
    const [version] = await query("select current_setting('server_version_num')::int as number")
    if (Number(version?.['number']) < 140_000) return true
    const [row] = await query('select pg_get_wal_replay_pause_state() as state')
    return row?.['state'] === 'paused'
  }, () => Promise.resolve(`${server.name} goes on replaying although asked to pause`))
}

async function resumeReplay(server: RigServer): Promise<void> {
  await adminQuery(server.admin(), 'select pg_wal_replay_resume()')
}

/** Waits until the server has read the new value, so that the next commit is delayed already. */
async function setReplayDelay(server: RigServer, ms: number): Promise<void> {
  await withAdmin(server.admin(), async (query) => {
    await query(ms === 0 ? 'alter system reset recovery_min_apply_delay' : `alter system set recovery_min_apply_delay = '${ms}ms'`)
    await query('select pg_reload_conf()')
  })
  await waitUntil(server, STREAMING_TIMEOUT_MS, async (query) => {
    const [row] = await query("select setting from pg_settings where name = 'recovery_min_apply_delay'")
    return Number(row?.['setting']) === ms
  }, () => Promise.resolve(`${server.name} does not read its new configuration`))
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

async function makeDatabase(server: RigServer, name: string, owner: string | undefined): Promise<void> {
  await adminQuery(server.admin(), `create database ${quoted(name)}${owner === undefined ? '' : ` owner ${quoted(owner)}`}`)
}

/** Ends the sessions of a database and drops it; none of that name is fine too. */
async function dropDatabase(server: RigServer, name: string): Promise<void> {
  await adminQuery(server.admin(), `drop database if exists ${quoted(name)} with (force)`)
}

/** PostgreSQL's steering. */
export const postgresSteering: Steering = {
  position, waitUntilReplayed, waitUntilStreaming, isWritable, promote, pauseReplay, resumeReplay, setReplayDelay, makeDatabase, dropDatabase,
}
