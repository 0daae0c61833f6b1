/** Transaction numbers from the first to the last, both included. */
type Interval = readonly [first: number, last: number]

/** Per source (`uuid`, or `uuid:tag` since MySQL 8.3) its intervals, in order, apart from each other. */
export type GtidSet = ReadonlyMap<string, readonly Interval[]>

/** Reads `uuid:1-77:90,uuid2:tag:1-5`; undefined when the text is none. */
export function parseGtidSet(text: string): GtidSet | undefined {
  const set = new Map<string, Interval[]>()
  for (const part of text.replaceAll(/\s+/g, '').split(',')) {
    if (part === '') continue
    const found = ofServer(part)
    if (!found) return undefined
    for (const [source, interval] of found) set.set(source, [...set.get(source) ?? [], interval])
  }
  return new Map(Array.from(set, ([source, intervals]) => [source, joined(intervals)]))
}

/** The text that {@link parseGtidSet} reads. */
export function formatGtidSet(set: GtidSet): string {
  return Array.from(set, ([source, intervals]) =>
    [source, ...intervals.map(([first, last]) => first === last ? String(first) : `${String(first)}-${String(last)}`)].join(':')).join(',')
}

export function union(one: GtidSet, other: GtidSet): GtidSet {
  const all = new Map(one)
  for (const [source, intervals] of other) all.set(source, joined([...all.get(source) ?? [], ...intervals]))
  return all
}

/** How many transactions of `wanted` are not in `has`. */
export function missing(has: GtidSet, wanted: GtidSet): number {
  let count = 0
  for (const [source, intervals] of wanted) {
    const own = has.get(source) ?? []
    for (const [first, last] of intervals) {
      count += last - first + 1
      for (const [a, b] of own) count -= Math.max(0, Math.min(b, last) - Math.max(a, first) + 1)
    }
  }
  return count
}

/** At most so many intervals per source: the narrowest gaps are filled. The set grows by that, and never shrinks. */
export function withFewGaps(set: GtidSet, most: number): GtidSet {
  return new Map(Array.from(set, ([source, intervals]) => [source, intervals.length > most ? filled(intervals, most) : intervals]))
}

function filled(intervals: readonly Interval[], most: number): Interval[] {
  const gaps = intervals.slice(1).map(([first], index) => first - (intervals[index]?.[1] ?? 0))
  const kept = new Set(gaps.map((gap, index) => ({ gap, index })).sort((a, b) => b.gap - a.gap).slice(0, most - 1).map(({ index }) => index))
  const result: Interval[] = []
  for (const [index, [first, last]] of intervals.entries()) {
    const before = result.at(-1)
    if (before && !kept.has(index - 1)) result[result.length - 1] = [before[0], last]
    else result.push([first, last])
  }
  return result
}

/** In order, and those that touch as one. */
function joined(intervals: readonly Interval[]): Interval[] {
  const result: Interval[] = []
  for (const [first, last] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const before = result.at(-1)
    if (before && first <= before[1] + 1) result[result.length - 1] = [before[0], Math.max(before[1], last)]
    else result.push([first, last])
  }
  return result
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** `uuid:1-5:7`, with a tag before its intervals since MySQL 8.3: `uuid:1-5:tag:1-3`. */
function ofServer(part: string): [string, Interval][] | undefined {
  const [uuid = '', ...rest] = part.split(':')
  if (!UUID.test(uuid) || rest.length === 0) return undefined
  const found: [string, Interval][] = []
  let source = uuid.toLowerCase()
  for (const piece of rest) {
    const match = /^(\d{1,19})(?:-(\d{1,19}))?$/.exec(piece)
    if (match) {
      const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])]
      if (first < 1 || last < first) return undefined
      found.push([source, [first, last]])
    } else if (/^[a-z_]\w{0,31}$/i.test(piece)) source = `${uuid.toLowerCase()}:${piece.toLowerCase()}`
    else return undefined
  }
  return found
}
