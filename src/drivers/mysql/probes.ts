import type { NodeFacts, Probe, Probes } from '../../core/dialect.js'
import { statement } from '../../core/statement.js'
import { MYSQL_POSITION, mysqlDistance, mysqlPosition } from './positions.js'

type Row = Readonly<Record<string, unknown>>

/** One round trip: role, position, instance. `columns` ask for what `position` reads; `instance` tells servers apart. */
export function nodeProbe(columns: string, instance: string, position: (row: Row | undefined) => string | undefined): Probe<NodeFacts> {
  return {
    statement: statement(`select ${columns}, @@global.read_only as read_only, ${instance} as instance`),
    read: ([row]) => ({
      role: Number(row?.['read_only']) === 1 ? 'replica' : 'primary',
      position: position(row),
      lagMs: undefined,
      timeline: undefined,
      systemId: undefined,
      instance: textOf(row?.['instance']),
    }),
  }
}

/** MySQL's questions. It cannot tell what became of a transaction whose COMMIT was not answered. */
export const mysqlProbes: Probes = {
  node: nodeProbe(MYSQL_POSITION, '@@global.server_uuid', mysqlPosition),
  distance: mysqlDistance,
  transactionId: undefined,
  transactionFate: undefined,
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
