import type { NodeFacts, Probe, Probes } from '../../core/dialect.js'
import { statement } from '../../core/statement.js'
import { gtidDistance } from './gtid.js'

/**
 * One round trip: role, position. Comments of the form `/*!80000` are code to MySQL alone (MariaDB passes over those of
 * MySQL 5.7 and later), `/*M!` to MariaDB alone: one text asks either server.
 */
const NODE = `select @@global.read_only as read_only,
  /*!80000 @@global.gtid_executed as position, @@global.super_read_only as super_read_only, */
  /*M!100000 if(@@global.read_only, @@global.gtid_slave_pos, @@global.gtid_binlog_pos) as position, */
  concat_ws(':', @@global.server_id, @@global.hostname, @@global.port) as instance`

const node: Probe<NodeFacts> = {
  statement: statement(NODE),
  read: ([row]) => ({
    role: Number(row?.['read_only']) === 1 ? 'replica' : 'primary',
    position: textOf(row?.['position']),
    lagMs: undefined,
    timeline: undefined,
    systemId: undefined,
    instance: textOf(row?.['instance']),
  }),
}

/** MySQL's and MariaDB's questions. Neither can tell what became of a transaction whose COMMIT was not answered. */
export const mysqlProbes: Probes = {
  node,
  distance: gtidDistance,
  transactionId: undefined,
  transactionFate: undefined,
}

function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.replaceAll(/\s+/g, '') : ''
  return text === '' ? undefined : text
}
