/**
 * Transactions that a node at `behind` has not applied of those a node at `ahead` has; `Infinity` when one of them is not a
 * set of transactions: what cannot be compared has not been reached.
 *
 * MySQL names sets of intervals per server (`uuid:1-77:90,uuid2:tag:1-5`), MariaDB the last transaction per domain
 * (`0-1-77,1-2-5`: domain, server, sequence number).
 */
export function gtidDistance(ahead: string, behind: string): number {
  const [to, from] = [parse(ahead), parse(behind)]
  if (!to || !from) return Infinity
  let missing = 0
  for (const [source, intervals] of to) missing += lengthOf(intervals) - overlap(intervals, from.get(source) ?? [])
  return missing
}

type Interval = readonly [first: number, last: number]
type GtidSet = ReadonlyMap<string, readonly Interval[]>

function parse(text: string): GtidSet | undefined {
  const set = new Map<string, Interval[]>()
  for (const part of text.replaceAll(/\s+/g, '').split(',')) {
    if (part === '') continue
    const found = /^\d+-\d+-\d+$/.test(part) ? ofDomain(part) : ofServer(part)
    if (!found) return undefined
    for (const [source, intervals] of found) set.set(source, [...set.get(source) ?? [], ...intervals])
  }
  return set
}

function ofDomain(part: string): [string, Interval[]][] {
  const [domain = '', , sequence = ''] = part.split('-')
  return [[domain, [[1, Number(sequence)]]]]
}

/** `uuid:1-5:7`, with a tag before its intervals since MySQL 8.3: `uuid:1-5:tag:1-3`. */
function ofServer(part: string): [string, Interval[]][] | undefined {
  const [uuid = '', ...rest] = part.split(':')
  if (!/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(uuid) || rest.length === 0) return undefined
  const found = new Map<string, Interval[]>()
  let source = uuid.toLowerCase()
  for (const piece of rest) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(piece)
    if (!match) {
      if (!/^[a-z_]\w*$/i.test(piece)) return undefined
      source = `${uuid.toLowerCase()}:${piece.toLowerCase()}`
      continue
    }
    const first = Number(match[1])
    found.set(source, [...found.get(source) ?? [], [first, Number(match[2] ?? first)]])
  }
  return [...found]
}

function lengthOf(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

function overlap(one: readonly Interval[], other: readonly Interval[]): number {
  let common = 0
  for (const [a, b] of one) for (const [c, d] of other) common += Math.max(0, Math.min(b, d) - Math.max(a, c) + 1)
  return common
}
