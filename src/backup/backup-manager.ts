import type { BackupOptions } from '../config/options.js'
import { resolveBackup } from '../config/resolve.js'
import type { BackupSettings } from '../config/resolved.js'
import { asError } from '../core/deadline.js'
import { SluiceError } from '../core/errors.js'
import type { BackupEvent } from '../core/observer.js'
import type { DatabaseCore } from '../database/core.js'
import type { BackupInfo, Damaged } from './catalog.js'
import type { CleanupOptions, CleanupResult } from './cleanup.js'
import type { CreateOptions } from './create.js'
import { BackupError } from './errors.js'
import { keysOf } from './keys.js'
import type { BackupHealth, HealthOptions } from './freshness.js'
import { databaseFolder, nameBeside } from './layout.js'
import { placeOf } from './location.js'
import type { BackupParts } from './parts.js'
import type { RestorePlan } from './plan.js'
import type { PromoteResult } from './promote.js'
import type { RestoreOptions } from './restore-options.js'
import type { RestoreResult } from './restore.js'
import type { BackupStore } from './store.js'
import type { VerifyOptions, VerifyResult } from './verify.js'

type Jobs = typeof import('./jobs.js').jobs

/** A finished backup. */
export interface BackupResult extends BackupInfo {
  /** false: it was there already, see {@link CreateOptions.unlessSince}. */
  readonly made: boolean
  /** Of the verification that `backup.verify` asks for. */
  readonly verified: boolean
}

/** Options of a manager beside those of a database's `backup` section. */
export interface BackupManagerOptions extends BackupOptions {
  /** A store of your own, in place of the one `location` names. */
  readonly store?: BackupStore | undefined
}

/**
 * Backups of one database: made, listed, verified, restored, cleared away.
 *
 * @example
 * ```ts
 * import { BackupManager, Database } from 'sluice'
 *
 * const db = await Database.open('postgres://app:secret@db1/shop')
 * const backups = new BackupManager(db, { location: 'file:./backups', retentionDays: 7 })
 * const { id } = await backups.backup()
 * await backups.verify(id, { level: 3 })
 * await backups.restore(id, { database: 'shop_restored' })
 * ```
 */
export class BackupManager {
  readonly settings: BackupSettings
  readonly #db: DatabaseCore
  readonly #store: BackupStore | undefined
  #ready: Promise<Ready> | undefined

  /**
   * Checks the options; touches neither server nor store.
   *
   * @param options - default: the database's own `backup` section
   * @throws {@link ConfigError} names the option
   */
  constructor(db: DatabaseCore, options?: BackupManagerOptions) {
    const { store, ...rest } = options ?? {}
    this.#db = db
    this.#store = store
    this.settings = options === undefined ? db.assembly.options.backup : resolveBackup(rest)
    keysOf(this.settings)
    if (!store) placeOf(this.settings.location)
  }

  /**
   * Makes a backup. It is listed when all of it is stored, and never before.
   *
   * @throws {@link BackupError} `toolMissing`, `locked`, `failed`, `cancelled`
   * @throws {@link ConnectionError} the server cannot be reached
   */
  async backup(options: CreateOptions = {}): Promise<BackupResult> {
    return this.#job('backup', options.signal, async ({ parts, jobs }, told) => {
      const { manifest, made } = await jobs.createBackup(parts, options)
      told.id = manifest.id
      told.bytes = manifest.objects.reduce((sum, { bytes }) => sum + bytes, 0)
      if (made && this.settings.verify) await jobs.verifyBackup(parts, manifest.id, { level: 1, signal: options.signal })
      return { ...jobs.infoOf(await jobs.findEntry(parts, manifest.id)), made, verified: made && this.settings.verify }
    })
  }

  /** Backups of this database, the newest first; `all`: of every database in the store. */
  async list({ all = false }: { readonly all?: boolean | undefined } = {}): Promise<BackupInfo[]> {
    const { parts, jobs } = await this.#open()
    const { entries } = await jobs.readCatalog(parts, (folder) => all || isOf(parts, folder))
    return entries.map(jobs.infoOf)
  }

  /** Folders that should be backups of this database and are not: their manifests are damaged. */
  async damaged(): Promise<readonly Damaged[]> {
    const { parts, jobs } = await this.#open()
    return (await jobs.readCatalog(parts, (folder) => isOf(parts, folder))).damaged
  }

  /**
   * One backup, by its id, the beginning of it, or `latest`.
   *
   * @throws {@link BackupError} `notFound`, `corrupt`
   */
  async status(id: string): Promise<BackupInfo> {
    const { parts, jobs } = await this.#open()
    return jobs.infoOf(await jobs.findEntry(parts, id))
  }

  /** What a restore would do, and why it would fail; changes nothing. */
  async plan(idOrPath: string, options: RestoreOptions = {}): Promise<RestorePlan> {
    const { parts, jobs } = await this.#open()
    const source = await jobs.findSource(parts, idOrPath)
    const database = options.database ?? nameBeside(parts.database, '_restore')
    const { maintenance } = parts.tools.databases
    return jobs.Session.with(parts.where, maintenance, options.signal, (session) => jobs.makePlan(parts, session, source, database, options))
  }

  /**
   * Restores a backup, or a bare dump file by its path, into a database that is made for it or is empty.
   *
   * @throws {@link BackupError} `targetNotEmpty`, `corrupt`, `keyMissing`, `refused`, `failed`: the target is as it was
   */
  async restore(idOrPath: string, options: RestoreOptions = {}): Promise<RestoreResult> {
    return this.#job('restore', options.signal, async ({ parts, jobs }, told) => {
      const safety = async (database: string, signal: AbortSignal | undefined): Promise<string> =>
        (await jobs.createBackup({ ...parts, database }, { signal, pinDays: SAFETY_DAYS, tags: { reason: 'before restore' } })).manifest.id
      const result = await jobs.restoreBackup(parts, idOrPath, options, safety)
      told.id = result.id
      told.bytes = result.bytes
      return result
    })
  }

  /**
   * Looks at a backup as thoroughly as `level` says; see {@link VerifyOptions}. The result is stored beside it.
   *
   * @throws {@link BackupError} `corrupt`, naming the object; `keyMissing`, `notFound`
   */
  async verify(idOrPath: string, options: VerifyOptions = {}): Promise<VerifyResult> {
    return this.#job('verify', options.signal, async ({ parts, jobs }, told) => {
      told.id = idOrPath
      return jobs.verifyBackup(parts, idOrPath, options)
    })
  }

  /** Removes what the retention does not keep; `dryRun` only says what that is. */
  async cleanup(options: CleanupOptions = {}): Promise<CleanupResult> {
    return this.#job('cleanup', options.signal, ({ parts, jobs }) => jobs.cleanUp(parts, options))
  }

  /** Whether there is a backup one could go back to: fresh enough, not damaged, of the usual size. */
  async health(options: HealthOptions = {}): Promise<BackupHealth> {
    const { schedule } = this.settings
    const { parts, jobs } = await this.#open()
    const { entries, damaged } = await jobs.readCatalog(parts, (folder) => isOf(parts, folder))
    const times = schedule && jobs.cronTimes(schedule.cron, schedule.timezone)
    return jobs.freshness(entries.map(jobs.infoOf), damaged.length, times, options)
  }

  /** Puts a restored database in the place of the live one: two renames in one transaction. The old one is kept. */
  async promote(restored: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<PromoteResult> {
    const { parts, jobs } = await this.#open()
    return jobs.promoteDatabase(parts, restored, options.signal)
  }

  /** Undoes {@link BackupManager.promote}: the database kept aside is the live one again. */
  async rollbackPromote(promoted: PromoteResult, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { parts, jobs } = await this.#open()
    await jobs.rollbackPromotion(parts, promoted, options.signal)
  }

  async #open(): Promise<Ready> {
    this.#ready ??= this.#load().catch((error: unknown) => {
      this.#ready = undefined
      throw asError(error)
    })
    const { jobs, parts } = await this.#ready
    // asked anew for every job, and only once in it: the primary may have changed since the last one
    return { jobs, parts: { ...parts, where: jobs.serverOf(this.#db) } }
  }

  async #load(): Promise<Ready> {
    const { jobs } = await import('./jobs.js')
    return { jobs, parts: await jobs.backupParts(this.#db, this.settings, this.#store ?? jobs.storeAt(this.settings.location)) }
  }

  async #job<T>(job: BackupEvent['job'], signal: AbortSignal | undefined, work: (ready: Ready, told: Told) => Promise<T>): Promise<T> {
    const ready = await this.#open()
    const { notifier, database } = ready.parts
    const startedAt = performance.now()
    const told: Told = { id: undefined, bytes: 0 }
    const tell = (error: SluiceError | undefined): void => {
      notifier.notify('backup', { job, ...told, database, durationMs: Math.round(performance.now() - startedAt), error })
    }
    try {
      const result = await work(ready, told)
      tell(undefined)
      return result
    } catch (thrown) {
      const error = failure(job, thrown, signal)
      tell(error)
      throw error
    }
  }
}

/** The parts and the code of the jobs. */
interface Ready {
  readonly jobs: Jobs
  readonly parts: BackupParts
}

/** What an event will say of the job. */
interface Told {
  id: string | undefined
  bytes: number
}

/** Days a backup of what a restore replaces is kept. */
const SAFETY_DAYS = 30

function isOf(parts: BackupParts, folder: string): boolean {
  return folder.split('/')[2] === databaseFolder('', parts.database).split('/')[2]
}

/** Whatever ended a job, as an error of this library. */
function failure(job: string, thrown: unknown, signal: AbortSignal | undefined): SluiceError {
  if (signal?.aborted) return new BackupError('cancelled', `the ${job} was cancelled; nothing half-made is left`, { cause: signal.reason })
  if (thrown instanceof SluiceError) return thrown
  return new BackupError('failed', `the ${job} failed: ${asError(thrown).message}`, { cause: thrown })
}
