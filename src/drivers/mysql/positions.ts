import type { Positions } from '../../core/dialect.js'
import { statement } from '../../core/statement.js'
import { formatGtidSet, missing, parseGtidSet, union, withFewGaps, type GtidSet } from './gtid-set.js'

/** A session's position names at most so many intervals of transactions per source. */
const MOST_INTERVALS = 8

/**
 * Two sets, `seen|has`, or one where they are the same. A transaction can be seen a moment before it counts as executed; until
 * then it is owned. So what a reader may have seen is both, and what a server has for certain is the executed ones.
 */
interface Place {
  readonly seen: GtidSet
  readonly has: GtidSet
}

/** The owned ones are read first: what stops being owned meanwhile has been executed. */
export const MYSQL_POSITION = '@@global.gtid_owned as owned, @@global.gtid_executed as executed'

/** The position in an answer to {@link MYSQL_POSITION}; undefined where the server keeps no GTIDs. */
export function mysqlPosition(row: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const has = setIn(row?.['executed'])
  // `uuid:5#17:6#18`: numbers with the thread that owns them
  const owned = setIn(typeof row?.['owned'] === 'string' ? row['owned'].replaceAll(/#\d+/g, '') : '')
  return has && has.size > 0 ? format({ has, seen: owned ? union(has, owned) : has }) : undefined
}

/** Transactions that a node at `behind` has not applied of those a node at `ahead` has; `Infinity` when one of them is no position. */
export function mysqlDistance(ahead: string, behind: string): number {
  const [to, from] = [placeOf(ahead), placeOf(behind)]
  return to && from ? missing(from.has, to.has) : Infinity
}

/** MySQL's positions. Source: MySQL manual, "GTID Format and Storage" and "Server Tracking of Client Session State". */
export const mysqlPositions: Positions = {
  here: { statement: statement(`select ${MYSQL_POSITION}`, undefined, true), read: ([row]) => mysqlPosition(row) },
  of: ({ position }) => position,
  merge: (one, other) => {
    const [a, b] = [placeOf(one), placeOf(other)]
    return a && b ? format({ seen: union(a.seen, b.seen), has: union(a.has, b.has) }) : a ? one : other
  },
  includes: (has, wanted) => {
    const [own, other] = [placeOf(has), placeOf(wanted)]
    return own !== undefined && other !== undefined && missing(own.has, other.seen) === 0
  },
  demand: (position) => {
    const place = placeOf(position)
    return place ? formatGtidSet(withFewGaps(place.seen, MOST_INTERVALS)) : position
  },
  without: (position, instance) => {
    const place = placeOf(position)
    const others = place && new Map([...place.seen].filter(([source]) => source.split(':', 1)[0] !== instance.toLowerCase()))
    return others ? formatGtidSet(others) : position
  },
  isPosition: (text) => text !== '' && placeOf(text) !== undefined,
}

function format({ seen, has }: Place): string {
  const [all, own] = [formatGtidSet(seen), formatGtidSet(has)]
  return all === own ? own : `${all}|${own}`
}

function placeOf(text: string): Place | undefined {
  const [first = '', second = first, more] = text.split('|')
  const [seen, has] = [parseGtidSet(first), parseGtidSet(second)]
  return seen && has && more === undefined ? { seen, has } : undefined
}

function setIn(value: unknown): GtidSet | undefined {
  return typeof value === 'string' ? parseGtidSet(value) : undefined
}
