import { statSync } from 'node:fs'
import { sleep } from '../../core/deadline.js'
import { FileLease, LeaseUnwritable } from '../../core/file-lease.js'
import { Turnstile } from '../../core/turnstile.js'
import type { SqliteBuild } from './build.js'
import { cancelled, lockedOut, SqliteFailure } from './failure.js'
import { isBusy } from './errors.js'
import { OpenFile, type OpenOptions } from './open-file.js'
import type { Job } from './source.js'

/** An idle file is given back to other processes after this. */
const IDLE_MS = 100
/** A file in constant use is given back after this where somebody waits for it. */
const TURN_MS = 50
/** So long a process stays away after its turn, that the one that waits gets it. */
const AWAY_MS = 15
/** How often one that waits looks again. */
const LOOK_MS = 3

/**
 * One handle for all connections of this process: an in-memory database, or a file under a build without shared memory.
 *
 * Invariants: one connection at a time is inside; a transaction is inside until it ends; the handle is open only while
 * this process holds the lease of the file. A transaction that is being written is never seen by another connection.
 */
export class SharedFile {
  readonly turnstile = new Turnstile()
  readonly #build: SqliteBuild
  readonly #options: OpenOptions
  readonly #lease: FileLease | undefined
  readonly #onEmpty: () => void
  readonly #isKept: (released: () => void) => boolean
  /** Connections whose session has something that closing the handle would lose. */
  readonly #sticky = new Set<object>()
  #file: OpenFile | undefined
  /** SQLite's version, once the file has been opened. */
  version: string | undefined
  #openedAt = 0
  #awayUntil = 0
  #users = 0
  #idleTimer: NodeJS.Timeout | undefined

  constructor(build: SqliteBuild, options: OpenOptions, onEmpty: () => void, isKept: (released: () => void) => boolean = () => false) {
    this.#build = build
    this.#options = options
    this.#lease = options.path === ':memory:' ? undefined : new FileLease(options.path, `${options.path}.lock`)
    this.#onEmpty = onEmpty
    this.#isKept = isKept
  }

  get file(): OpenFile | undefined { return this.#file }

  /** One more connection, or one more holder of an in-memory database. */
  join(): void { this.#users++ }

  /** The last one out closes the file. */
  part(who: object): void {
    this.#sticky.delete(who)
    this.turnstile.leave(who)
    this.#users--
    this.#settle()
  }

  #settle(): void {
    if (this.#users > 0 || this.#isKept(() => { this.#settle() })) return
    this.shut()
    this.#onEmpty()
  }

  /** @throws SqliteFailure the wait was too long, or cancelled */
  async enter(who: object, readOnly: boolean, job: Job, busyTimeoutMs: number): Promise<OpenFile> {
    if (this.#file && this.turnstile.holds(who)) return this.#file
    const until = performance.now() + busyTimeoutMs
    await this.#waitInLine(who, job, busyTimeoutMs)
    try {
      const file = this.#file ?? await this.#open(job, until, busyTimeoutMs)
      file.readOnly(readOnly)
      return file
    } catch (error) {
      this.turnstile.leave(who)
      throw error
    }
  }

  leave(who: object): void {
    this.turnstile.leave(who)
    if (this.#lease === undefined || !this.turnstile.free) {
      if (this.#lease !== undefined) this.#yieldTurn()
      return
    }
    if (this.#sticky.size > 0) return
    if (this.#yieldTurn()) return
    if (this.#idleTimer) this.#idleTimer.refresh()
    else this.#idleTimer = setTimeout(() => { this.#idled() }, IDLE_MS).unref()
  }

  /** The handle stays open until this connection is reset or gone. */
  stick(who: object): void { this.#sticky.add(who) }

  unstick(who: object): void { this.#sticky.delete(who) }

  /** Closes the handle and gives the file back; the next use opens it again. Also the last act of a process. */
  shut(): void {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = undefined
    this.#file?.close()
    this.#file = undefined
    this.#lease?.release()
    OPEN.delete(this)
  }

  #idled(): void {
    this.#idleTimer = undefined
    if (this.turnstile.free && this.#sticky.size === 0) this.shut()
  }

  /** Between two uses, when another process waits and this one has had its time. */
  #yieldTurn(): boolean {
    const now = performance.now()
    if (!this.#file || this.#sticky.size > 0 || this.#file.inTransaction || now - this.#openedAt < TURN_MS) return false
    this.#openedAt = now
    if (this.#lease?.isWanted() !== true) return false
    this.shut()
    this.#awayUntil = now + AWAY_MS
    return true
  }

  async #waitInLine(who: object, job: Job, busyTimeoutMs: number): Promise<void> {
    const wait = this.turnstile.enter(who)
    if (!wait) return
    const timer = setTimeout(() => { wait.giveUp(lockedOut(busyTimeoutMs)) }, busyTimeoutMs)
    job.wake = () => { wait.giveUp(cancelled()) }
    try {
      await wait.entered
    } finally {
      clearTimeout(timer)
      job.wake = undefined
    }
  }

  async #open(job: Job, until: number, busyTimeoutMs: number): Promise<OpenFile> {
    if (this.#awayUntil > performance.now()) await sleep(this.#awayUntil - performance.now())
    for (;;) {
      const file = this.#tryOpen()
      if (file) {
        this.#file = file
        this.version = file.version
        this.#openedAt = performance.now()
        atExit(this)
        return file
      }
      if (job.cancelled) throw cancelled()
      if (performance.now() >= until) throw lockedOut(busyTimeoutMs)
      this.#lease?.want()
      await sleep(LOOK_MS + Math.random() * LOOK_MS)
    }
  }

  /** undefined while another process has the file. */
  #tryOpen(): OpenFile | undefined {
    if (!this.#acquire()) return undefined
    let file: OpenFile | undefined
    try {
      this.#refuseHotJournal()
      file = new OpenFile(this.#build, this.#options)
      file.value('select count(*) from sqlite_schema') // takes the lock
      return file
    } catch (error) {
      file?.close()
      this.#lease?.release()
      if (isBusy(error)) return undefined
      throw error
    }
  }

  #acquire(): boolean {
    try {
      return this.#lease?.acquire() !== false
    } catch (error) {
      if (!(error instanceof LeaseUnwritable)) throw error
      throw new SqliteFailure('unknown-database', `unable to open database file: ${error.message}`, { cause: error.cause })
    }
  }

  /**
   * A rollback journal of a transaction that never ended must be played back before anything is read. This build takes
   * its own lock for that of a living writer and reads the half-written file instead.
   */
  #refuseHotJournal(): void {
    const { path } = this.#options
    if (path === ':memory:' || sizeOf(`${path}-journal`) === 0) return
    throw new SqliteFailure('other', 'the database has a rollback journal of an interrupted transaction, which node-sqlite3-wasm cannot play back:'
      + ' open it once with the sqlite3 shell, with better-sqlite3 or on Node 22.13 or later')
  }
}

const OPEN = new Set<SharedFile>()
let watching = false

/** A process that ends gives its files back: nobody else could know that it is not coming back for them. */
function atExit(file: SharedFile): void {
  OPEN.add(file)
  if (watching) return
  watching = true
  process.on('exit', () => { for (const each of [...OPEN]) each.shut() })
}

/** Bytes of a file; 0 when it is not there. */
function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}
