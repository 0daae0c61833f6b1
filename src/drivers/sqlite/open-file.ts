import type { SqliteBuild, SqliteHandle, SqliteStatement, SqliteValue } from './build.js'
import type { SqliteOptions } from './options.js'

/** What a handle is opened for. */
export interface OpenOptions extends Pick<SqliteOptions, 'path' | 'synchronous'> {
  readonly mustExist: boolean
  readonly readOnly: boolean
  /** Compiled statements kept. */
  readonly maxPrepared: number
}

/**
 * One open database with its compiled statements, set up the same on every build: whatever a build's defaults are, the
 * settings that matter are set here.
 *
 * Waiting for locks is not SQLite's business: its `busy_timeout` sleeps on the thread, and with it sleeps the
 * transaction that holds the lock.
 */
export class OpenFile {
  readonly build: SqliteBuild
  readonly version: string
  readonly #handle: SqliteHandle
  readonly #maxPrepared: number
  readonly #prepared = new Map<string, SqliteStatement>()
  #readOnly = false

  constructor(build: SqliteBuild, options: OpenOptions) {
    this.build = build
    this.#handle = build.open(options.path, { mustExist: options.mustExist })
    this.#maxPrepared = options.maxPrepared
    try {
      this.#setUp(options)
      this.version = String(this.value('select sqlite_version()'))
      this.readOnly(options.readOnly)
    } catch (error) {
      this.close()
      throw error
    }
  }

  get inTransaction(): boolean { return this.#handle.inTransaction }

  #setUp({ path, synchronous, readOnly }: OpenOptions): void {
    if (path !== ':memory:') {
      // without shared memory the write-ahead log needs the file for itself, from the first look at it
      if (!this.build.sharesFiles) this.#handle.exec('pragma locking_mode = exclusive')
      if (!readOnly) this.value('pragma journal_mode = wal')
    }
    this.#handle.exec(`pragma busy_timeout = 0; pragma synchronous = ${synchronous}; pragma foreign_keys = on; pragma trusted_schema = off`)
  }

  /** Refuses writes from now on, or takes them again. */
  readOnly(on: boolean): void {
    if (on === this.#readOnly) return
    this.#handle.exec(`pragma query_only = ${on ? 'on' : 'off'}`)
    this.#readOnly = on
  }

  /** A compiled statement, out of the few that are kept where `keep` is set. */
  compile(text: string, keep: boolean): SqliteStatement {
    const known = this.#prepared.get(text)
    if (known) {
      this.#prepared.delete(text)
      this.#prepared.set(text, known)
      return known
    }
    const statement = this.#handle.prepare(text)
    if (keep && this.#maxPrepared > 0) {
      this.#prepared.set(text, statement)
      if (this.#prepared.size > this.#maxPrepared) this.#forgetOldest()
    }
    return statement
  }

  /** After a use: what is not kept is freed; what failed or was left early is not kept. */
  done(text: string, statement: SqliteStatement, usable: boolean): void {
    const kept = this.#prepared.get(text) === statement
    if (kept && usable) return
    if (kept) this.#prepared.delete(text)
    statement.finalize()
  }

  /** Frees all compiled statements: after a change of the schema they would tell the columns of before. */
  forget(): void {
    for (const statement of this.#prepared.values()) statement.finalize()
    this.#prepared.clear()
  }

  /** First value of the first row. */
  value(text: string): SqliteValue | undefined {
    return Object.values(this.row(text) ?? {})[0]
  }

  /** First row; the statement is kept. */
  row(text: string): Readonly<Record<string, SqliteValue>> | undefined {
    const statement = this.compile(text, true)
    let usable = false
    try {
      const rows = statement.iterate([])
      const first = rows.next()
      while (rows.next().done !== true) { /* to its end, so that no lock stays */ }
      usable = true
      return first.done === true ? undefined : first.value
    } finally {
      this.done(text, statement, usable)
    }
  }

  /** Runs texts without rows. */
  exec(text: string): void { this.#handle.exec(text) }

  /** Never throws. */
  close(): void {
    this.forget()
    try {
      this.#handle.close()
    } catch {
      // it is closed, or was never really open
    }
  }

  #forgetOldest(): void {
    for (const [text, statement] of this.#prepared) {
      this.done(text, statement, false)
      return
    }
  }
}
