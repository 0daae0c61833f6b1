import type { Positions } from '../../core/dialect.js'
import { statement } from '../../core/statement.js'

/** A place in the log of one timeline: `2:16/B374D848`. */
interface Place {
  readonly timeline: number
  readonly bytes: bigint
}

/**
 * On the primary the flushed position: a commit that was answered has been flushed. Where the session does not wait for
 * that (`synchronous_commit = off`) the insert position, which may be ahead of what any replica can have by now.
 *
 * The timeline is part of it: a standby that still follows a former primary may be further in its own log and yet miss
 * what was written since the promotion. On a standby it is at least that of the last checkpoint and of the last flushed
 * page; only roles that may read all statistics are told the one that is being received.
 */
const here = (asynchronous: string): string => `select case when in_recovery then pg_last_wal_replay_lsn()
    when ${asynchronous} then pg_current_wal_insert_lsn()
    else pg_current_wal_flush_lsn() end::text as lsn,
  case when in_recovery then coalesce((select received_tli from pg_stat_wal_receiver),
      greatest((pg_control_checkpoint()).timeline_id, (pg_control_recovery()).min_recovery_end_timeline))
    else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline
from (select pg_is_in_recovery() as in_recovery) r`

/** PostgreSQL's positions. Source: PostgreSQL documentation, "Recovery Control Functions" and "System Administration Functions". */
export const postgresPositions: Positions = {
  here: {
    statement: statement(here("current_setting('synchronous_commit') = 'off'"), undefined, true),
    read: ([row]) => position(row?.['timeline'], row?.['lsn']),
  },
  ahead: {
    statement: statement(here('true'), undefined, true),
    read: ([row]) => position(row?.['timeline'], row?.['lsn']),
  },
  of: (facts) => position(facts.timeline, facts.position),
  merge: (one, other) => later(placeOf(one), placeOf(other)) ? one : other,
  includes: (has, wanted) => {
    const [reached, place] = [placeOf(has), placeOf(wanted)]
    return reached.timeline >= place.timeline && reached.bytes >= place.bytes
  },
  isPosition: (text) => PATTERN.test(text),
}

const PATTERN = /^([0-9]{1,10}):([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i

function position(timeline: unknown, lsn: unknown): string | undefined {
  const text = typeof timeline === 'number' && typeof lsn === 'string' ? `${String(timeline)}:${lsn}` : ''
  return PATTERN.test(text) ? text : undefined
}

/** A later timeline wins: what the former one had beyond the fork is lost. */
function later(one: Place, other: Place): boolean {
  return one.timeline === other.timeline ? one.bytes >= other.bytes : one.timeline > other.timeline
}

function placeOf(text: string): Place {
  const [, timeline = '', high = '', low = ''] = PATTERN.exec(text) ?? []
  return { timeline: Number(timeline), bytes: (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`) }
}
