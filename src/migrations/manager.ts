import type { DatabaseCore } from '../database/core.js'
import { adopt, checkTool, type ImportOptions, type ImportResult } from './adopt.js'
import { entryOf, refusalOf, type Assessed, type StatusEntry } from './assess.js'
import { refuseAtomic, refuseAtOnce, type Steps } from './atomic.js'
import { backUp } from './backup-before.js'
import { baseline } from './baseline.js'
import { carryOut } from './carry-out.js'
import { driftOf, type CatalogDrift } from './drift.js'
import { force, NO_VERSION } from './force.js'
import type { LogEntry } from './history-row.js'
import { HistorySql } from './history-sql.js'
import { judge, standing } from './judge.js'
import type { LintOptions, LintResult } from './lint/result.js'
import { loadMigrations } from './load.js'
import type { MigrationSet } from './migration.js'
import { migrationConfig, type MigrationConfig, type MigrationOptions } from './options.js'
import { scriptsFor, type PlannedScript } from './preview.js'
import { repair, type RepairOptions, type RepairResult } from './repair.js'
import { checkResolution, resolve, type Resolution } from './resolve.js'
import { serviceOf, whole } from './checks.js'
import type { SeedOptions } from './seeds/seed.js'
import type { DownResult, MigrationPlan, PlanOptions, ServiceOptions, UpResult } from './results.js'
import type { SquashOptions, SquashResult } from './squash/squash.js'
import { withLock, withSession, type Run, type RunOptions, type RunParts } from './run.js'
import { unmarkedBaselines } from './squashed.js'
import { tasksDown, tasksTo, tasksUp } from './tasks.js'
import { versionOf, type MigrationVersion } from './version.js'

/**
 * Versioned changes of a database, applied once, in order, by one process at a time, and written down in the same
 * transaction as the change itself.
 *
 * @example
 * ```ts
 * import { Database, MigrationManager } from 'sluice'
 *
 * const db = await Database.open()
 * const migrations = new MigrationManager(db, { dir: 'migrations' })
 * const { applied } = await migrations.up()
 * const { version, dirty } = await migrations.version()
 * ```
 */
export class MigrationManager {
  readonly #db: DatabaseCore
  readonly #parts: RunParts
  #set: Promise<MigrationSet> | undefined

  /** @throws {@link ConfigError} an option is wrong, or the engine has no migrations */
  constructor(db: DatabaseCore, options: MigrationOptions = {}) {
    const { assembly } = db
    const config = migrationConfig(options, assembly.options.migrations)
    this.#db = db
    this.#parts = { assembly, config, texts: new HistorySql(assembly.driver.dialect, config.schema) }
    refuseAtomic(config, assembly.driver.dialect)
  }

  /**
   * Applies what is pending, or only the first `count` of it.
   *
   * @throws {@link MigrationError} `dirty`, `drift`, `missing`, `outOfOrder`: nothing was changed; `locked`: another process
   * migrates; `failed`: a statement failed, and what came before it stays applied
   * @throws {@link ConfigError} the files are wrong
   */
  async up(count?: number, options: RunOptions = {}): Promise<UpResult> {
    if (count !== undefined) whole('up', count, 0)
    const set = await this.load()
    const { applied } = await this.#carryOut(options, set, (assessed) => ({ down: [], up: tasksUp(assessed).slice(0, count) }))
    return { applied }
  }

  /**
   * Reverts the last `count` migrations, the last applied first.
   *
   * @throws {@link MigrationError} `irreversible`: one of them has no way down, and nothing was changed
   */
  async down(count = 1, options: ServiceOptions = {}): Promise<DownResult> {
    whole('down', count, 0)
    const set = await this.load()
    const { reverted } = await this.#carryOut(options, set, (assessed) => ({ down: tasksDown(assessed, set, count, options.service), up: [] }), 'allow')
    return { reverted }
  }

  /**
   * Goes to a version, up or down; 0 = before the first.
   *
   * @throws {@link MigrationError} as `up` and `down`; `missing`: there is no such version
   */
  async migrate(version: number, options: ServiceOptions = {}): Promise<UpResult & DownResult> {
    whole('migrate', version, 0)
    const set = await this.load()
    const service = serviceOf(set, options.service)
    return this.#carryOut(options, set, (assessed) => tasksTo(assessed, set, service, version))
  }

  /**
   * The version of the database, 0 before the first; `dirty` when a migration was interrupted and what it has done is not
   * known. Takes no lock and creates nothing.
   *
   * @param service - needed where there are several
   */
  async version(service?: string): Promise<MigrationVersion> {
    const set = await this.load()
    const name = serviceOf(set, service)
    return versionOf((await this.#look(set)).filter(({ migration, row }) => (migration ?? row)?.service === name))
  }

  /** Every migration and its state. Takes no lock and creates nothing. */
  async status(): Promise<StatusEntry[]> {
    return (await this.#look(await this.load())).map(entryOf)
  }

  /**
   * What `up()` would do. Takes no lock of migrations and creates nothing. With `rehearse` it is done in a transaction that is
   * rolled back: while that lasts, tables are locked as they would be (and numbers that sequences gave out stay given out). With
   * `rehearse: 'scratch'` it is done on a scratch database, and nothing of this one is touched.
   *
   * @throws {@link ConfigError} `rehearse` where DDL cannot be undone
   */
  async plan({ rehearse: wanted = false, signal }: PlanOptions = {}): Promise<MigrationPlan> {
    const set = await this.load()
    const assessed = await this.#look(set)
    const tasks = tasksUp(assessed)
    const refusal = refusalOf(assessed, this.#config.ahead ?? 'refuse')
    const plan = { pending: tasks.map(entryOf), refusal }
    if (!wanted || refusal) return plan
    const { rehearsePending } = await import('./rehearse-pending.js')
    const pending = tasks.map(({ migration }) => migration)
    return { ...plan, rehearsal: await rehearsePending({ db: this.#db, parts: this.#parts, set, pending, signal }, wanted) }
  }

  /**
   * The scripts that `up(count)`, `down(count)`, `migrate(version)` or `seed()` would run. Takes no lock and creates nothing.
   *
   * @throws {@link MigrationError} whatever that call would refuse
   */
  async preview(call: 'up' | 'down' | 'migrate' | 'seed', value: number | undefined, options: ServiceOptions & SeedOptions = {}): Promise<PlannedScript[]> {
    const set = await this.load()
    if (call === 'seed') return (await import('./seeds/seed.js')).previewSeeds({ parts: this.#parts, set, options })
    return scriptsFor(this.#parts, set, await this.#look(set), { call, value, service: options.service })
  }

  /**
   * What would go wrong with pending migrations while a service runs: locks that last, data that is lost, names that others
   * still use. Knows the server's version and the sizes of its tables. Takes no lock and creates nothing.
   */
  async lint(options: LintOptions = {}): Promise<LintResult> {
    const set = await this.load()
    const { lint } = await import('./lint/run.js')
    return lint(this.#parts, set.migrations, options, (state) => tasksUp(judge(this.#parts, set, state)).map(({ migration }) => migration))
  }

  /**
   * Applies seeds, rows that a database begins with: each once, in order, after all migrations. No version knows of them.
   *
   * @throws {@link MigrationError} `outOfOrder`: migrations are pending; `drift`: an applied seed has changed; `failed`
   * @throws {@link ConfigError} `seeds` was not given
   */
  async seed(options: SeedOptions = {}): Promise<UpResult> {
    return (await import('./seeds/seed.js')).seed({ parts: this.#parts, set: await this.load(), options })
  }

  /** The seeds of an environment, each with its state; takes no lock and creates nothing. */
  async seeds(options: SeedOptions = {}): Promise<StatusEntry[]> {
    return (await import('./seeds/seed.js')).seedStatus({ parts: this.#parts, set: await this.load(), options })
  }

  /**
   * Writes into the history that the database is at this version, and runs nothing: everything up to it counts as applied,
   * nothing above does, nothing is in doubt. -1 or 0: nothing is applied.
   *
   * @throws {@link MigrationError} `missing`: there is no such version; `locked`
   */
  async force(version: number, options: ServiceOptions = {}): Promise<MigrationVersion> {
    whole('force', version, NO_VERSION)
    const set = await this.load()
    const service = serviceOf(set, options.service)
    await this.#locked(options, async (run) => force(run, judge(this.#parts, set, await run.history.read()), set, service, version))
    return this.version(service)
  }

  /**
   * Says what has become of the statement in doubt of a dirty migration; the next `up` goes on from there.
   *
   * @throws {@link MigrationError} `missing`: nothing about it is in doubt, or another statement is
   */
  async resolve(version: number, options: Resolution): Promise<MigrationVersion> {
    whole('resolve', version, 0)
    checkResolution(options)
    const set = await this.load()
    const service = serviceOf(set, options.service)
    await this.#locked(options, async (run) => resolve(run, judge(this.#parts, set, await run.history.read()), service, version, options))
    return this.version(service)
  }

  /**
   * Declares that a database which is older than its history is at this version: files up to it are never run here.
   *
   * @throws {@link MigrationError} `drift`: the history of this service is not empty
   */
  async baseline(version: number, options: ServiceOptions = {}): Promise<MigrationVersion> {
    whole('baseline', version, 1)
    const service = serviceOf(await this.load(), options.service)
    await this.#locked(options, async (run) => baseline(run, await run.history.read(), service, version))
    return this.version(service)
  }

  /**
   * Writes one file, `000050_baseline.up.sql`, in place of the first migrations of a service, and moves those into an archive.
   * New databases begin with it; databases that have all it stands for run nothing; others are refused. It is built on scratch
   * databases, of which the second, made from the file alone, must have the catalog of the first. Needs pg_dump, and a role
   * that may create databases; touches nothing of this database.
   *
   * @throws {@link MigrationError} `missing`: there is no such version; `drift`: the file would make something else
   * @throws {@link ConfigError} the engine has no such dump, a migration has inserted rows, or there is no folder
   */
  async squash(to: number, options: SquashOptions = {}): Promise<SquashResult> {
    whole('squash', to, 1)
    const set = await this.load()
    const { squash } = await import('./squash/squash.js')
    const result = await squash({ db: this.#db, parts: this.#parts, set, service: serviceOf(set, options.service), to, options })
    this.#set = undefined
    return result
  }

  /**
   * Writes the checksums of changed files over those of what was applied, for each file that `confirm` says yes to.
   *
   * @throws {@link MigrationError} `dirty`: a migration is in doubt
   */
  async repair(options: RepairOptions): Promise<RepairResult> {
    const set = await this.load()
    return this.#locked(options, async (run) => repair(run, judge(this.#parts, set, await run.history.read()), options.confirm))
  }

  /**
   * Takes over the history that another tool has kept in this database.
   *
   * @throws {@link MigrationError} `dirty`, `missing`, `drift`: nothing was changed
   */
  async import(options: ImportOptions): Promise<ImportResult> {
    checkTool(options.from)
    const set = await this.load()
    const service = serviceOf(set, options.service)
    return this.#locked(options, async (run) => adopt(run, set, await run.history.read(), service, options))
  }

  /**
   * What differs between the catalog as the last run has left it and the catalog now: changes that went past the
   * migrations. Takes no lock and creates nothing.
   */
  async drift(): Promise<CatalogDrift> {
    return withSession(this.#parts, (history, session) => driftOf(history, session))
  }

  /** Everything that was ever done to the history, the oldest first. */
  async history(): Promise<LogEntry[]> {
    return withSession(this.#parts, (history) => history.readLog())
  }

  /** @internal The files, read and checked once. */
  load(): Promise<MigrationSet> {
    const { config, texts } = this.#parts
    const facts = { lexicon: texts.dialect.lexicon, alone: texts.facts.alone }
    return this.#set ??= loadMigrations(config.sources, facts).catch((error: unknown) => {
      this.#set = undefined
      throw error
    })
  }

  /** @internal Whether a run has something to write into the history although nothing is pending. */
  async unmarked(): Promise<boolean> {
    return unmarkedBaselines(await this.#look(await this.load())).length > 0
  }

  get #config(): MigrationConfig { return this.#parts.config }

  /** @param ahead - `allow`: it is about what is applied, newer or not */
  async #carryOut(options: RunOptions, set: MigrationSet, choose: (assessed: readonly Assessed[]) => Steps, ahead?: 'allow'): Promise<UpResult & DownResult> {
    const newer = ahead ?? this.#config.ahead ?? 'refuse'
    // before a backup is made, and before tables of the history are
    if (this.#config.atomic !== undefined) refuseAtOnce(this.#config, await this.#look(set), newer, choose)
    if (ahead === undefined) await this.#backUp(set)
    return this.#locked(options, (run) => carryOut(run, async () => choose(await standing(run, set, newer))))
  }

  #locked<T>(options: RunOptions, work: (run: Run) => Promise<T>): Promise<T> {
    return withLock(this.#parts, options, work)
  }

  async #look(set: MigrationSet): Promise<Assessed[]> {
    return judge(this.#parts, set, await withSession(this.#parts, (history) => history.read()))
  }

  /** Before the lock is taken: a backup takes it, too. */
  async #backUp(set: MigrationSet): Promise<void> {
    if (this.#config.backup === undefined) return
    if (tasksUp(await this.#look(set)).length > 0) await backUp(this.#db)
  }
}
