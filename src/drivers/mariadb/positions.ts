import type { Positions } from '../../core/dialect.js'
import { statement } from '../../core/statement.js'

/** The last transaction of one server in one domain: `0-1-77`. Numbers of a domain grow from server to server. */
interface Gtid {
  readonly domain: string
  readonly server: string
  readonly sequence: number
}

/**
 * Two lists, `seen|has`, or one where they are the same. What is seen is the last transaction of each domain, that of the
 * binary log first: a commit is written there before anybody can see it. What a server has is told by what it has applied,
 * and, for transactions of former primaries, by the state of its binary log.
 */
interface Place {
  readonly seen: readonly Gtid[]
  readonly has: readonly Gtid[]
}

export const MARIADB_POSITION = '@@global.read_only as read_only, @@global.gtid_slave_pos as applied, @@global.gtid_binlog_pos as logged,'
  + ' @@global.gtid_binlog_state as state'

/** The position in an answer to {@link MARIADB_POSITION}; undefined where the server keeps no GTIDs. */
export function mariadbPosition(row: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const [applied, logged, state] = [listIn(row?.['applied']), listIn(row?.['logged']), listIn(row?.['state'])]
  if (applied === undefined || logged === undefined || state === undefined) return undefined
  const seen = lastOfDomains([...logged, ...applied])
  const has = Number(row?.['read_only']) === 1 ? [...applied, ...before(applied, state)] : [...seen, ...before(seen, [...state, ...applied])]
  return seen.length === 0 ? undefined : format({ seen, has })
}

/** Transactions that a node at `behind` has not applied of those a node at `ahead` has; `Infinity` when one of them is no position. */
export function mariadbDistance(ahead: string, behind: string): number {
  const [to, from] = [placeOf(ahead), placeOf(behind)]
  if (!to || !from) return Infinity
  const reached = lastOfDomains(from.has)
  return lastOfDomains(to.has).reduce((sum, { domain, sequence }) =>
    sum + Math.max(0, sequence - (reached.find((gtid) => gtid.domain === domain)?.sequence ?? 0)), 0)
}

/** MariaDB's positions. Source: MariaDB knowledge base, "Global Transaction ID". */
export const mariadbPositions: Positions = {
  here: { statement: statement(`select ${MARIADB_POSITION}`, undefined, true), read: ([row]) => mariadbPosition(row) },
  of: ({ position }) => position,
  merge: (one, other) => {
    const [a, b] = [placeOf(one), placeOf(other)]
    return a && b ? format({ seen: merged(a.seen, b.seen), has: merged(a.has, b.has) }) : a ? one : other
  },
  // a server that follows a former primary may be further in its own history: only the same server's numbers compare
  includes: (has, wanted) => {
    const [own, other] = [placeOf(has), placeOf(wanted)]
    if (!own || !other) return false
    return other.seen.every(({ domain, server, sequence }) =>
      own.has.some((gtid) => gtid.domain === domain && gtid.server === server && gtid.sequence >= sequence))
  },
  demand: (position) => position.split('|', 1)[0] ?? position,
  without: (position, instance) => {
    const place = placeOf(position)
    const seen = place?.seen.filter(({ server }) => server !== instance.split(':', 1)[0])
    return seen ? format({ seen, has: seen }) : position
  },
  isPosition: (text) => text !== '' && placeOf(text) !== undefined,
}

function format({ seen, has }: Place): string {
  const [all, own] = [seen, has].map((list) => list.map(({ domain, server, sequence }) => `${domain}-${server}-${String(sequence)}`).sort().join(','))
  return all === own ? all ?? '' : `${all ?? ''}|${own ?? ''}`
}

/** The highest number of each server in each domain. */
function merged(one: readonly Gtid[], other: readonly Gtid[]): Gtid[] {
  const highest = new Map<string, Gtid>()
  for (const gtid of [...one, ...other]) {
    const key = `${gtid.domain}-${gtid.server}`
    if ((highest.get(key)?.sequence ?? -1) < gtid.sequence) highest.set(key, gtid)
  }
  return [...highest.values()]
}

function lastOfDomains(list: readonly Gtid[]): Gtid[] {
  const last = new Map<string, Gtid>()
  for (const gtid of list) if ((last.get(gtid.domain)?.sequence ?? -1) < gtid.sequence) last.set(gtid.domain, gtid)
  return [...last.values()]
}

/** Of what the binary log knows, what comes before the place in its domain: the log is written before a commit can be seen. */
function before(place: readonly Gtid[], state: readonly Gtid[]): Gtid[] {
  return state.filter(({ domain, server, sequence }) =>
    place.some((gtid) => gtid.domain === domain && gtid.server !== server && gtid.sequence > sequence))
}

function placeOf(text: string): Place | undefined {
  const [first = '', second = first, more] = text.split('|')
  const [seen, has] = [listIn(first), listIn(second)]
  return seen && has && more === undefined ? { seen, has } : undefined
}

function listIn(value: unknown): Gtid[] | undefined {
  if (typeof value !== 'string') return undefined
  const list: Gtid[] = []
  for (const part of value.replaceAll(/\s+/g, '').split(',')) {
    if (part === '') continue
    const [, domain, server, sequence] = /^(\d{1,10})-(\d{1,10})-(\d{1,19})$/.exec(part) ?? []
    if (domain === undefined || server === undefined) return undefined
    list.push({ domain, server, sequence: Number(sequence) })
  }
  return list
}
