import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Connection, ConnectSettings, ServerFacts } from '../../core/driver.js'
import { QueryError } from '../../core/errors.js'
import type { DriverResult, Field } from '../../core/result.js'
import type { Statement } from '../../core/statement.js'
import type { SqliteRow, SqliteStatement, SqliteValue } from './build.js'
import { BEGIN_READ_ONLY } from './dialect.js'
import { isBusy } from './errors.js'
import { cancelled, gone, lockedOut } from './failure.js'
import type { OpenFile } from './open-file.js'
import { bindings } from './params.js'
import { pause } from './pause.js'
import { NODE_QUESTION } from './probes.js'
import { changesSchema, changesSession, readsBusyTimeout } from './session-words.js'
import type { Job, Source } from './source.js'
import { splitStatements, type SqlitePart } from './split.js'
import { readValue, rowReader, type RowReader } from './types.js'

/** Limits of one connection that a statement may change. */
export interface SqliteLimits {
  /** Longest wait for a lock; `PRAGMA busy_timeout` sets it. */
  busyTimeoutMs: number
}

/** So long rows are read before the event loop gets its turn. */
const SLICE_MS = 10
/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 64

let lastId = 0

/**
 * One connection to a SQLite database, on the caller's thread. What takes long between two rows (a sort, an aggregate, a
 * write) holds up the process; between rows of a query the event loop gets its turn, and a cancel is heard.
 */
export class SqliteConnection implements Connection {
  readonly id = ++lastId
  readonly server: ServerFacts
  readonly #source: Source
  readonly #readOnly: boolean
  readonly #limits: SqliteLimits
  readonly #read: RowReader
  readonly #bigint: 'string' | 'bigint' | 'number'
  #job: Job | undefined
  #inFlight = 0
  #gone = false
  #closed = false
  #readOnlyTransaction = false

  constructor(source: Source, version: string, settings: ConnectSettings, limits: SqliteLimits) {
    this.#source = source
    this.#readOnly = settings.readOnly
    this.#limits = limits
    this.#bigint = settings.types?.bigint ?? 'string'
    this.#read = rowReader(this.#bigint)
    this.server = { version, versionNumber: versionNumber(version), address: undefined, pooled: false }
  }

  get broken(): boolean { return this.#gone }
  get inFlight(): number { return this.#inFlight }
  get idle(): boolean { return !this.#source.inTransaction }

  async query<Row = Record<string, unknown>>(statement: Statement): Promise<DriverResult<Row>> {
    if (this.#gone) throw gone()
    const own = this.#answerHere<Row>(statement)
    if (own) return own
    const params = bindings(statement)
    const parts = partsOf(statement.text)
    if (parts.length > 1 && params.length > 0) {
      throw new QueryError('several statements in one text take no parameters', undefined, { sql: statement.text, neverSent: true })
    }
    const job = this.#begin()
    try {
      let result: DriverResult<Row> = { rows: [], rowCount: 0, fields: [], command: '' }
      for (const part of parts) result = await this.#perform<Row>(part, params, job)
      return result
    } finally {
      this.#end(job)
    }
  }

  async *stream<Row = Record<string, unknown>>(
    statement: Statement, options: { readonly batchSize: number },
  ): AsyncGenerator<Row[], void, undefined> {
    if (this.#gone) throw gone()
    const params = bindings(statement)
    const [part] = partsOf(statement.text)
    if (!part) return
    const job = this.#begin()
    try {
      const file = await this.#source.enter(job)
      try {
        const begun = await this.#patiently(() => started(file, part, params), file, part, job)
        yield* this.#batches<Row>(file, part, begun, options.batchSize, job)
      } finally {
        this.#leave()
      }
    } finally {
      this.#end(job)
    }
  }

  async *#batches<Row>(file: OpenFile, part: SqlitePart, begun: Started, batchSize: number, job: Job): AsyncGenerator<Row[], void, undefined> {
    let finished = false
    try {
      let { next } = begun
      while (next.done !== true) {
        const batch: Row[] = []
        for (; next.done !== true && batch.length < batchSize; next = begun.rows.next()) batch.push(this.#read(next.value) as Row)
        await nextTurn()
        this.#heed(job)
        yield batch
        this.#heed(job)
      }
      finished = true
    } finally {
      file.done(part.text, begun.statement, finished)
    }
  }

  cancel(): Promise<void> {
    if (this.#job) {
      this.#job.cancelled = true
      this.#job.wake?.()
    }
    return Promise.resolve()
  }

  async reset(): Promise<void> {
    if (this.#gone) throw gone()
    this.#readOnlyTransaction = false
    await this.#source.reset()
  }

  ping(): Promise<void> {
    return this.#gone ? Promise.reject(gone()) : Promise.resolve()
  }

  close(): Promise<void> {
    this.destroy()
    return Promise.resolve()
  }

  destroy(): void {
    this.#gone = true
    if (this.#job) void this.cancel()
    else this.#shut()
  }

  /** Questions that a busy database must answer too, and the wait for locks, which is this driver's own. */
  #answerHere<Row>({ text }: Statement): DriverResult<Row> | undefined {
    if (text === NODE_QUESTION) return oneRow({ query_only: this.#readOnly ? 1 : 0 }) as DriverResult<Row>
    const busy = readsBusyTimeout(text)
    if (!busy) return undefined
    if (busy.ms !== undefined) this.#limits.busyTimeoutMs = busy.ms
    return oneRow({ timeout: this.#limits.busyTimeoutMs }) as DriverResult<Row>
  }

  async #perform<Row>(part: SqlitePart, params: readonly SqliteValue[], job: Job): Promise<DriverResult<Row>> {
    this.#heed(job)
    const file = await this.#source.enter(job)
    try {
      const begun = await this.#patiently(() => started(file, part, params), file, part, job)
      const rows = await this.#collect<Row>(file, part, begun, job)
      this.#after(file, part)
      return this.#result(file, part, rows, begun.columns)
    } finally {
      this.#restore(file)
      this.#leave()
    }
  }

  async #collect<Row>(file: OpenFile, part: SqlitePart, { statement, rows, next }: Started, job: Job): Promise<Row[]> {
    const read: Row[] = []
    let finished = false
    try {
      let sliceEnd = performance.now() + SLICE_MS
      for (let row = next; row.done !== true; row = rows.next()) {
        read.push(this.#read(row.value) as Row)
        if (!part.reads || read.length % ROWS_PER_LOOK !== 0 || performance.now() < sliceEnd) continue
        await nextTurn()
        this.#heed(job)
        sliceEnd = performance.now() + SLICE_MS
      }
      finished = true
      return read
    } finally {
      file.done(part.text, statement, finished)
    }
  }

  /** Tries again while another connection or process has the lock; nothing was done until then. */
  async #patiently<T>(attempt: () => T, file: OpenFile, part: SqlitePart, job: Job): Promise<T> {
    const { busyTimeoutMs } = this.#limits
    for (const until = performance.now() + busyTimeoutMs; ;) {
      try {
        return attempt()
      } catch (error) {
        if (!isBusy(error)) throw error
        // a reader that turns writer behind somebody's back would wait for itself
        if (file.inTransaction && part.verb !== 'COMMIT' && part.verb !== 'END' && !part.reads) throw error
        if (performance.now() >= until) throw lockedOut(busyTimeoutMs, error)
      }
      await pause()
      this.#heed(job)
    }
  }

  /** What a statement changes beside the data. */
  #after(file: OpenFile, part: SqlitePart): void {
    if (part.text === BEGIN_READ_ONLY && !this.#readOnly) {
      file.readOnly(true)
      this.#readOnlyTransaction = true
    }
    if (changesSchema(part)) file.forget()
    if (changesSession(part)) this.#source.touched()
  }

  /** A read-only transaction that has ended, however it did. */
  #restore(file: OpenFile): void {
    if (!this.#readOnlyTransaction || file.inTransaction) return
    this.#readOnlyTransaction = false
    file.readOnly(this.#readOnly)
  }

  #result<Row>(file: OpenFile, part: SqlitePart, rows: Row[], columns: readonly string[] | undefined): DriverResult<Row> {
    const names = columns ?? Object.keys(rows[0] ?? {})
    const fields = names.map((name): Field => ({ name, dataType: 0 }))
    const command = COMMANDS[part.verb] ?? part.verb
    if (!CHANGES.has(part.verb)) return { rows, rowCount: rows.length, fields, command }
    const done = file.row('select changes() as changes, last_insert_rowid() as id')
    const changes = Number(done?.['changes'] ?? 0)
    const insertId = part.verb === 'INSERT' || part.verb === 'REPLACE' ? done?.['id'] : undefined
    const key = insertId === undefined || insertId === null || changes === 0 ? undefined : readValue(insertId, this.#bigint) as string | number | bigint
    return { rows, rowCount: rows.length > 0 ? rows.length : changes, fields, command, insertId: key }
  }

  #begin(): Job {
    this.#inFlight++
    return this.#job = { cancelled: false, wake: undefined }
  }

  #end(job: Job): void {
    this.#inFlight--
    if (this.#job === job) this.#job = undefined
    if (this.#gone && this.#inFlight === 0) this.#shut()
  }

  #leave(): void { this.#source.leave() }

  #heed(job: Job): void {
    if (this.#gone) throw gone()
    if (job.cancelled) throw cancelled()
  }

  #shut(): void {
    if (this.#closed) return
    this.#closed = true
    this.#source.close()
  }
}

const CHANGES: ReadonlySet<string> = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE'])
const COMMANDS: Readonly<Record<string, string>> = { END: 'COMMIT', VALUES: 'SELECT', WITH: 'SELECT' }

/** A statement that has come to its first row, or to its end. */
interface Started {
  readonly statement: SqliteStatement
  readonly columns: readonly string[] | undefined
  readonly rows: Iterator<SqliteRow>
  readonly next: IteratorResult<SqliteRow, unknown>
}

/** Locks are taken at the first step: until it has been made, trying again is safe. */
function started(file: OpenFile, part: SqlitePart, params: readonly SqliteValue[]): Started {
  const statement = file.compile(part.text, !changesSchema(part))
  try {
    const rows = statement.iterate(params)
    const next = rows.next()
    return { statement, columns: statement.columns(), rows, next }
  } catch (error) {
    file.done(part.text, statement, false)
    throw error
  }
}

function partsOf(text: string): readonly SqlitePart[] {
  return splitStatements(text)
}

function oneRow(row: Record<string, unknown>): DriverResult {
  return { rows: [row], rowCount: 1, fields: Object.keys(row).map((name) => ({ name, dataType: 0 })), command: 'SELECT' }
}

function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return major * 1_000_000 + minor * 1_000 + patch
}
