import type { NodeFacts, Probe, Probes, TransactionFate } from '../../core/dialect.js'
import { statement } from '../../core/statement.js'

/** Timeline of a primary, from the name of its current WAL file: the control file's is stale right after a promotion. */
const TIMELINE = "('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"

/**
 * One round trip: role, position, lag, timeline, system identifier, and the start of the server, which tells two servers
 * apart that are otherwise copies of each other.
 *
 * The lag is 0 when everything received has been replayed: on an idle primary the time since the last commit grows
 * without anybody being behind. A replica that is cut off from its primary receives nothing, so that says nothing there: it
 * is as old as its last commit.
 */
const NODE = `select r.in_recovery,
  case when r.in_recovery then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end::text as position,
  case when not r.in_recovery or (pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn() and exists (select from pg_stat_wal_receiver)) then 0
    else greatest(0, extract(epoch from clock_timestamp()
      - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())) * 1000) end::float8 as lag_ms,
  case when r.in_recovery then coalesce((select received_tli from pg_stat_wal_receiver), (pg_control_checkpoint()).timeline_id)
    else ${TIMELINE} end as timeline,
  (pg_control_system()).system_identifier::text as system_id,
  extract(epoch from pg_postmaster_start_time())::text as instance
from (select pg_is_in_recovery() as in_recovery) r`

const node: Probe<NodeFacts> = {
  statement: statement(NODE),
  read: ([row]) => ({
    role: row?.['in_recovery'] === true ? 'replica' : 'primary',
    position: textOf(row?.['position']),
    lagMs: numberOf(row?.['lag_ms']),
    timeline: numberOf(row?.['timeline']),
    systemId: textOf(row?.['system_id']),
    instance: textOf(row?.['instance']),
  }),
}

const FATES: Readonly<Record<string, TransactionFate>> = {
  'committed': 'committed', 'aborted': 'aborted', 'in progress': 'in-progress',
}

/**
 * What a transaction is called once its connection is lost: its id, the server's clock while it was running, and the
 * timeline it ran on, asked on its own connection: the address may lead to another server by now.
 *
 * The id alone can lie: those whose log records were not on disk when a server crashed are given out again, and
 * `pg_xact_status` then tells of a stranger's transaction. A crash resets all statistics (an orderly stop does not):
 * where that happened since, "committed" proves nothing any more. "aborted" still holds: an id is only given out again
 * when its first owner's commit was lost.
 */
const TRANSACTION_ID = `select pg_current_xact_id()::text || '@' || extract(epoch from now())::text || '@' || (${TIMELINE})::text as id`

const FATE = `select case when ${TIMELINE} <> $3::int
  or (fate = 'committed' and coalesce(pg_stat_get_bgwriter_stat_reset_time() >= to_timestamp($2::float8), true)) then null else fate end as fate
from (select pg_xact_status($1::text::xid8) as fate) s`

/** PostgreSQL's questions; `transactionId` and `transactionFate` need PostgreSQL 13. */
export const postgresProbes: Probes = {
  node,
  distance: walDistance,
  transactionId: {
    statement: statement(TRANSACTION_ID),
    read: ([row]) => textOf(row?.['id']) ?? '',
  },
  transactionFate: (id) => {
    const [xid, since, timeline] = id.split('@')
    return {
      statement: statement(FATE, [xid, since, timeline]),
      // NULL: so long ago that the server has forgotten it, or it has crashed since, or it is another server
      read: ([row]) => FATES[textOf(row?.['fate']) ?? ''] ?? 'unknown',
    }
  },
}

/**
 * Bytes between two WAL positions (`16/B374D848`: high and low 32 bits in hexadecimal); 0 when `behind` is not behind,
 * `Infinity` when one of them is not a position: what cannot be compared has not been reached.
 */
export function walDistance(ahead: string, behind: string): number {
  const from = walBytes(behind)
  const to = walBytes(ahead)
  if (from === undefined || to === undefined) return Infinity
  return to > from ? Number(to - from) : 0
}

function walBytes(position: string): bigint | undefined {
  const parts = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(position)
  return parts ? (BigInt(`0x${parts[1] ?? ''}`) << 32n) + BigInt(`0x${parts[2] ?? ''}`) : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
