import type { BackupInfo } from './catalog.js'
import type { CronTimes } from './cron.js'

/** Whether there is a backup one could go back to. */
export interface BackupHealth {
  /** `fail`: there is none that is fresh enough; `warn`: something deserves a look. */
  readonly status: 'ok' | 'warn' | 'fail'
  /** Why it is not `ok`; sentences for people. */
  readonly problems: readonly string[]
  /** The newest backup that is not damaged. */
  readonly newest: BackupInfo | undefined
  readonly newestAgeMs: number | undefined
  /** Age of the newest backup proven readable; undefined when there is none. */
  readonly verifiedAgeMs: number | undefined
}

/** What counts as fresh. */
export interface HealthOptions {
  /** Milliseconds; default: up to the last but one time of the schedule, without one 26 hours. */
  readonly maxAgeMs?: number | undefined
  /** Milliseconds since a backup was last proven readable; default: not looked at. */
  readonly maxVerifiedAgeMs?: number | undefined
  /** Default: the present. */
  readonly now?: Date | undefined
}

const DEFAULT_MAX_AGE_MS = 26 * 3_600_000
/** A backup smaller than this share of the usual is suspicious. */
const SMALL_SHARE = 0.5
/** So many backups make a usual size. */
const USUAL = 3

/** Judges the backups of one database, the newest first. */
export function freshness(backups: readonly BackupInfo[], damaged: number, times: CronTimes | undefined, options: HealthOptions): BackupHealth {
  const now = (options.now ?? new Date()).getTime()
  const age = (backup: BackupInfo | undefined): number | undefined => backup && now - Date.parse(backup.startedAt)
  const usable = backups.filter(({ state }) => state !== 'damaged')
  const [newest] = usable
  const newestAgeMs = age(newest)
  const verifiedAgeMs = age(usable.find(({ state }) => state === 'good'))
  const limitMs = options.maxAgeMs ?? scheduledLimit(times, now) ?? DEFAULT_MAX_AGE_MS
  const stale = newestAgeMs === undefined ? ['there is no backup'] : newestAgeMs > limitMs ? [`the newest backup is ${hours(newestAgeMs)} old; it should be at most ${hours(limitMs)}`] : []
  const doubts = [
    ...damaged + backups.length - usable.length > 0 ? [`${String(damaged + backups.length - usable.length)} of the backups are damaged`] : [],
    ...suspiciouslySmall(usable),
    ...unproven(verifiedAgeMs, options.maxVerifiedAgeMs),
  ]
  return { status: stale.length > 0 ? 'fail' : doubts.length > 0 ? 'warn' : 'ok', problems: [...stale, ...doubts], newest, newestAgeMs, verifiedAgeMs }
}

/** One time of the schedule may be under way; the one before it must have succeeded. */
function scheduledLimit(times: CronTimes | undefined, now: number): number | undefined {
  const last = times?.before(new Date(now))
  const before = last && times?.before(last)
  return before && now - before.getTime()
}

function suspiciouslySmall([newest, ...others]: readonly BackupInfo[]): string[] {
  const sizes = others.map(({ bytes }) => bytes).sort((a, b) => a - b)
  const median = sizes[Math.floor(sizes.length / 2)]
  if (!newest || median === undefined || sizes.length < USUAL || newest.bytes >= median * SMALL_SHARE) return []
  return [`the newest backup has ${String(newest.bytes)} bytes, less than half of the usual ${String(median)}`]
}

function unproven(verifiedAgeMs: number | undefined, limitMs: number | undefined): string[] {
  if (limitMs === undefined || (verifiedAgeMs !== undefined && verifiedAgeMs <= limitMs)) return []
  return [verifiedAgeMs === undefined ? 'no backup was ever proven readable' : `the newest backup proven readable is ${hours(verifiedAgeMs)} old`]
}

const hours = (ms: number): string => `${(ms / 3_600_000).toFixed(1)} h`
