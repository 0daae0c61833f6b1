import { asError, sleep } from '../core/deadline.js'
import { ConfigError, SluiceError } from '../core/errors.js'
import type { BackupManager } from './backup-manager.js'
import { cronTimes, type CronTimes } from './cron.js'
import { BackupError } from './errors.js'
import { ping } from './ping.js'
import type { BackupProgress } from './progress.js'

/** When backups are made, and what goes with them. */
export interface ScheduleOptions {
  /** Five fields, or six with seconds first. Default: the option `backup.schedule`. */
  readonly cron?: string | undefined
  /** Whose time the expression means; default `UTC`. */
  readonly timezone?: string | undefined
  /** Each run waits up to so many milliseconds, at random, so that not all databases are dumped at once. Default 0. */
  readonly jitterMs?: number | undefined
  /** Makes up for a run that was missed while no process was there. Default true. */
  readonly catchUp?: boolean | undefined
  /** Applies the retention after each backup that succeeded. Default true. */
  readonly cleanup?: boolean | undefined
  /** Told how each run ended. One that throws is ignored. */
  readonly onRun?: ((run: ScheduledRun) => void) | undefined
}

/** How a run of a schedule ended. */
export interface ScheduledRun {
  /** The time the schedule named. */
  readonly scheduledFor: Date
  /** `skipped`: another process made this backup, or is making it. */
  readonly outcome: 'made' | 'skipped' | 'failed'
  /** Of the backup, also of another process's. */
  readonly id: string | undefined
  /** Why it was skipped or failed; of a backup that was made: why the clean-up after it failed. */
  readonly error: SluiceError | undefined
}

/** The longest timer of the runtime is 24.8 days; long waits are cut into pieces of a day, which also follow a changed clock. */
const LONGEST_WAIT_MS = 24 * 3_600_000

/**
 * Makes backups by the clock. Every process of a service may have one: they agree, through the database's lock and the
 * store, on one backup for each time of the schedule.
 *
 * Its timers do not keep a process alive.
 *
 * @example
 * ```ts
 * const schedule = new BackupSchedule(db.backups, { cron: '0 3 * * *', timezone: 'Europe/Berlin' })
 * schedule.start()
 * // at shutdown
 * await schedule.stop()
 * ```
 */
export class BackupSchedule {
  readonly #backups: BackupManager
  readonly #options: ScheduleOptions
  readonly #times: CronTimes
  #started: { readonly waiting: AbortController; readonly job: AbortController; readonly over: Promise<void> } | undefined
  #lastRun: ScheduledRun | undefined

  /** @throws {@link ConfigError} the expression or the time zone is wrong, or there is none */
  constructor(backups: BackupManager, options: ScheduleOptions = {}) {
    const { schedule } = backups.settings
    const cron = options.cron ?? schedule?.cron
    if (cron === undefined) throw new ConfigError('backup.schedule: there is no cron expression', { option: 'backup.schedule', hint: "new BackupSchedule(backups, { cron: '0 3 * * *' })" })
    this.#backups = backups
    this.#options = options
    this.#times = cronTimes(cron, options.timezone ?? schedule?.timezone ?? 'UTC')
  }

  /** The next time of the schedule; undefined when there is none any more. */
  next(): Date | undefined { return this.#times.after(new Date()) }

  /** How the last run of this process ended. */
  get lastRun(): ScheduledRun | undefined { return this.#lastRun }
  get running(): boolean { return this.#started !== undefined }

  /** Begins to wait for the next time; a missed one is made up for at once. Calling it again is harmless. */
  start(): void {
    if (this.#started) return
    const [waiting, job] = [new AbortController(), new AbortController()]
    this.#started = { waiting, job, over: this.#loop(waiting.signal, job.signal).catch(() => undefined) }
  }

  /** Ends the waiting. A backup under way is finished first; with `cancel` it is ended, and nothing of it is left. */
  async stop({ cancel = false }: { readonly cancel?: boolean | undefined } = {}): Promise<void> {
    const started = this.#started
    this.#started = undefined
    if (!started) return
    started.waiting.abort()
    if (cancel) started.job.abort()
    await started.over
  }

  async #loop(waiting: AbortSignal, job: AbortSignal): Promise<void> {
    let from = new Date()
    const missed = this.#options.catchUp === false ? undefined : await this.#missed(from)
    if (missed) await this.#run(missed, job)
    for (;;) {
      const next = this.#times.after(from)
      if (!next || !await waitUntil(next.getTime(), waiting)) return
      if (!await waitUntil(Date.now() + Math.random() * (this.#options.jitterMs ?? 0), waiting)) return
      await this.#run(next, job)
      // times that passed during a long backup are not made up for
      from = new Date(Math.max(next.getTime(), Date.now()))
    }
  }

  /** The last time before, when there are backups and the newest is older: nobody was there then. */
  async #missed(now: Date): Promise<Date | undefined> {
    const last = this.#times.before(now)
    const [newest] = await this.#backups.list().catch(() => [])
    return last && newest && Date.parse(newest.startedAt) < last.getTime() ? last : undefined
  }

  async #run(scheduledFor: Date, signal: AbortSignal): Promise<void> {
    const run = await this.#attempt(scheduledFor, signal)
    this.#lastRun = run
    try {
      this.#options.onRun?.(run)
    } catch {
      // it watches, it does not steer
    }
  }

  /** What it could not delete makes the backup no worse. */
  async #cleanUp(signal: AbortSignal): Promise<SluiceError | undefined> {
    if (this.#options.cleanup === false) return undefined
    return this.#backups.cleanup({ signal }).then(() => undefined, described)
  }

  async #attempt(scheduledFor: Date, signal: AbortSignal): Promise<ScheduledRun> {
    const { pingUrl } = this.#backups.settings
    // only whoever makes the backup tells the monitor: it would take the start of one that is skipped for one that never ended
    let begun: Promise<void> | undefined
    const onProgress = ({ phase }: BackupProgress): void => { if (phase === 'snapshot') begun ??= ping(pingUrl, '/start') }
    try {
      const { id, made } = await this.#backups.backup({ signal, unlessSince: scheduledFor, onProgress })
      await begun
      if (!made) return { scheduledFor, outcome: 'skipped', id, error: undefined }
      await ping(pingUrl, '')
      return { scheduledFor, outcome: 'made', id, error: await this.#cleanUp(signal) }
    } catch (thrown) {
      const error = described(thrown)
      if (error instanceof BackupError && error.kind === 'locked') return { scheduledFor, outcome: 'skipped', id: undefined, error }
      await begun
      await ping(pingUrl, '/fail')
      return { scheduledFor, outcome: 'failed', id: undefined, error }
    }
  }
}

function described(thrown: unknown): SluiceError {
  return thrown instanceof SluiceError ? thrown : new BackupError('failed', asError(thrown).message, { cause: thrown })
}

/** Resolves with false when `signal` aborts first. */
async function waitUntil(time: number, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const left = time - Date.now()
    if (left <= 0) return true
    await sleep(Math.min(left, LONGEST_WAIT_MS), signal, false).catch(() => undefined)
  }
  return false
}
