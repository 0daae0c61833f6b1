import type { BackupKeep } from '../config/resolved.js'

/** What the retention must know of a backup. */
export interface RetentionEntry {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Proven readable. */
  readonly verified: boolean
  readonly damaged: boolean
  readonly pinnedUntil: number | undefined
  /** The backup this one cannot be restored without. */
  readonly parent: string | undefined
}

/** What is kept. */
export interface RetentionPolicy {
  /** undefined: age alone deletes nothing. */
  readonly retentionDays: number | undefined
  readonly keep: BackupKeep
  /** Whose days and weeks count. */
  readonly timezone: string
}

/** What happens to each backup, and why. */
export interface RetentionDecision {
  readonly keep: readonly { readonly id: string; readonly reasons: readonly string[] }[]
  /** The oldest first. */
  readonly delete: readonly string[]
}

const DAY_MS = 86_400_000

/**
 * Decides which backups stay. Pure: the same catalog, policy and time give the same answer, and deciding again over what
 * was kept deletes nothing more.
 *
 * Never deleted: the newest usable backup, the newest verified one, pinned ones, what a kept one depends on; and nothing at
 * all while the newest usable one is older than `retentionDays`: then backups are failing, and the old ones are all there is.
 */
export function retain(catalog: readonly RetentionEntry[], policy: RetentionPolicy, now: number): RetentionDecision {
  const newestFirst = [...catalog].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
  const usable = newestFirst.filter(({ damaged }) => !damaged)
  const reasons = new Map<string, string[]>()
  const keep = (entry: RetentionEntry | undefined, reason: string): void => {
    if (entry) reasons.set(entry.id, [...reasons.get(entry.id) ?? [], reason])
  }
  keep(usable[0], 'the newest')
  keep(usable.find(({ verified }) => verified), 'the newest verified')
  for (const entry of newestFirst) if (entry.pinnedUntil !== undefined && entry.pinnedUntil > now) keep(entry, 'pinned')
  for (const [name, entry] of byCalendar(usable, policy)) keep(entry, name)
  for (const entry of newestFirst) if (stays(entry, usable[0], policy, now)) keep(entry, 'its age')
  keepParents(newestFirst, reasons)
  return {
    keep: newestFirst.flatMap(({ id }) => reasons.has(id) ? [{ id, reasons: reasons.get(id) ?? [] }] : []),
    delete: newestFirst.filter(({ id }) => !reasons.has(id)).map(({ id }) => id).reverse(),
  }
}

function stays(entry: RetentionEntry, newest: RetentionEntry | undefined, { retentionDays, keep }: RetentionPolicy, now: number): boolean {
  if (retentionDays === undefined) return keep.hourly + keep.daily + keep.weekly + keep.monthly + keep.yearly === 0
  const limit = now - retentionDays * DAY_MS
  return entry.at >= limit || newest === undefined || newest.at < limit
}

/** A chain is only as good as all of its links. */
function keepParents(all: readonly RetentionEntry[], reasons: Map<string, string[]>): void {
  const byId = new Map(all.map((entry) => [entry.id, entry]))
  for (const id of [...reasons.keys()]) {
    const seen = new Set([id])
    for (let parent = byId.get(id)?.parent; parent !== undefined && !seen.has(parent); parent = byId.get(parent)?.parent) {
      seen.add(parent)
      if (byId.has(parent)) reasons.set(parent, [...reasons.get(parent) ?? [], `${id} depends on it`])
    }
  }
}

/** Of each span of the calendar the newest backup, for so many spans as the policy says. */
function* byCalendar(usable: readonly RetentionEntry[], { keep, timezone }: RetentionPolicy): Generator<[string, RetentionEntry]> {
  for (const entry of usable.slice(0, keep.last)) yield ['one of the last', entry]
  const spans = [['hourly', keep.hourly], ['daily', keep.daily], ['weekly', keep.weekly], ['monthly', keep.monthly], ['yearly', keep.yearly]] as const
  if (spans.every(([, count]) => count === 0)) return
  const calendar = calendarIn(timezone)
  const dated = usable.map((entry) => ({ entry, spans: calendar(entry.at) }))
  for (const [name, count] of spans) {
    const seen = new Set<string>()
    for (const { entry, spans: { [name]: span } } of dated) {
      if (seen.size >= count) break
      if (seen.has(span)) continue
      seen.add(span)
      yield [name, entry]
    }
  }
}

type Spans = Readonly<Record<'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly', string>>

function calendarIn(timeZone: string): (at: number) => Spans {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', hourCycle: 'h23' })
  return (at) => {
    const { year = '', month = '', day = '', hour = '' } = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value])) as Record<string, string>
    // the Monday before, counted in days since the epoch
    const days = Date.UTC(Number(year), Number(month) - 1, Number(day)) / DAY_MS
    const monday = days - ((days + 3) % 7)
    return { hourly: `${year}-${month}-${day} ${hour}`, daily: `${year}-${month}-${day}`, weekly: String(monday), monthly: `${year}-${month}`, yearly: year }
  }
}
