import { TransactionOutcomeUnknownError, type Database } from '../../src/index.js'

/** What writers and readers on one database went through. */
export interface Report {
  /** Ids whose insert was acknowledged. */
  readonly acknowledged: readonly number[]
  /** Ids whose insert may have been done. */
  readonly unknown: readonly number[]
  /** Errors of writes that certainly were not done. */
  readonly refused: readonly Error[]
  readonly reads: number
  readonly failedReads: readonly Error[]
  /** `performance.now()` of each acknowledgement, in the order of {@link acknowledged}. */
  readonly acknowledgedAt: readonly number[]
}

/** How much is asked for. */
export interface TrafficOptions {
  readonly writers?: number
  readonly readers?: number
  /** Milliseconds between two statements of one writer or reader. */
  readonly pauseMs?: number
  /** How one row is written; default: an insert of its id into `entry`. */
  readonly write?: (db: Database, id: number) => Promise<unknown>
}

/** Writers that insert rows one by one and readers that count them, until they are stopped. Nothing they meet is thrown. */
export class Traffic implements Report {
  readonly acknowledged: number[] = []
  readonly acknowledgedAt: number[] = []
  readonly unknown: number[] = []
  readonly refused: Error[] = []
  readonly failedReads: Error[] = []
  reads = 0
  readonly #db: Database
  readonly #loops: Promise<void>[]
  readonly #pauseMs: number
  readonly #write: NonNullable<TrafficOptions['write']>
  #ids = 0
  #stopped = false

  constructor(db: Database, { writers = 4, readers = 4, pauseMs = 5, write }: TrafficOptions = {}) {
    this.#db = db
    this.#pauseMs = pauseMs
    this.#write = write ?? (async (on, id) => on.execute('insert into entry (id) values ($1)', [id]))
    this.#loops = [
      ...Array.from({ length: writers }, () => this.#loop(() => this.#writeOne())),
      ...Array.from({ length: readers }, () => this.#loop(() => this.#readOne())),
    ]
  }

  /** The longest time between two acknowledged writes, milliseconds. */
  get longestGapMs(): number {
    const times = [...this.acknowledgedAt].sort((a, b) => a - b)
    return times.reduce((longest, time, index) => Math.max(longest, time - (times[index - 1] ?? time)), 0)
  }

  /** When the first write after `since` was acknowledged. */
  firstAfter(since: number): number | undefined {
    return this.acknowledgedAt.find((time) => time >= since)
  }

  async stop(): Promise<Report> {
    this.#stopped = true
    await Promise.all(this.#loops)
    return this
  }

  async #loop(step: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      await step()
      await new Promise((resolve) => setTimeout(resolve, this.#pauseMs))
    }
  }

  async #writeOne(): Promise<void> {
    const id = ++this.#ids
    try {
      await this.#write(this.#db, id)
      this.acknowledged.push(id)
      this.acknowledgedAt.push(performance.now())
    } catch (error) {
      if (error instanceof TransactionOutcomeUnknownError) this.unknown.push(id)
      else this.refused.push(error as Error)
    }
  }

  async #readOne(): Promise<void> {
    try {
      await this.#db.query('select count(*) from entry')
      this.reads++
    } catch (error) {
      this.failedReads.push(error as Error)
    }
  }
}
