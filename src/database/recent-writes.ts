import type { Positions } from '../core/dialect.js'
import type { Classification } from '../sql/classifier.js'
import { Progress } from './progress.js'

/** Tables remembered one by one; beyond that, a write is taken to have touched everything. */
const MAX_TABLES = 10_000

/**
 * The tables that statements have written, by their bare names in lower case: `app.users` and `users` may be the same.
 * DDL, functions that are not known, and statements that cannot be read touch everything.
 */
export class WriteSet {
  readonly tables = new Set<string>()
  everything = false

  add({ class: kind, tables }: Classification): void {
    if (kind === 'read') return
    if (!tables) this.everything = true
    else for (const table of tables) this.tables.add(bareName(table))
  }

  get empty(): boolean { return !this.everything && this.tables.size === 0 }
}

/** What one statement writes. */
export function writeSetOf(classification: Classification): WriteSet {
  const set = new WriteSet()
  set.add(classification)
  return set
}

/** Which tables this process has written of late, and up to where a replica must be to be asked about them. */
export class RecentWrites {
  readonly #positions: Positions
  readonly #tables = new Map<string, Progress>()
  #everything: Progress
  /** At least so many of them are in doubt; 0 = none is. */
  #doubts = 0

  constructor(positions: Positions) {
    this.#positions = positions
    this.#everything = new Progress(positions)
  }

  get empty(): boolean { return this.#tables.size === 0 && this.#everything.empty }

  /** These were written, and are included at `position`; undefined: nobody knows where. */
  mark(set: WriteSet, position: string | undefined): void {
    if (set.everything) this.#mark(this.#everything, position)
    for (const table of set.tables) this.#mark(this.#progressOf(table), position)
  }

  /** What a statement that reads these tables has to look at; `undefined` tables may be any. */
  touching(tables: readonly string[] | undefined): readonly Progress[] {
    const found: Progress[] = this.#everything.empty ? [] : [this.#everything]
    if (!tables) found.push(...this.#tables.values())
    else {
      for (const table of tables) {
        const progress = this.#tables.get(bareName(table))
        if (progress) found.push(progress)
      }
    }
    return found
  }

  /** Whether a write is in doubt. */
  get doubtful(): boolean { return this.#doubts > 0 }

  /** The primary, asked at the moment `asked`, stands at `position`: what was in doubt by then is included. */
  resolve(position: string, asked: number): void {
    if (this.#doubts === 0) return
    this.#doubts = 0
    for (const progress of [this.#everything, ...this.#tables.values()]) {
      if (progress.doubtful) progress.reach(position, asked)
      if (progress.doubtful) this.#doubts++
    }
  }

  /** Forgets what every replica has. */
  prune(everywhere: (position: string) => boolean): void {
    for (const [table, progress] of this.#tables) if (isDone(progress, everywhere)) this.#tables.delete(table)
    if (isDone(this.#everything, everywhere)) this.#everything = new Progress(this.#positions)
  }

  #mark(progress: Progress, position: string | undefined): void {
    if (position !== undefined) return void progress.reach(position)
    progress.doubt()
    this.#doubts++
  }

  #progressOf(table: string): Progress {
    const known = this.#tables.get(table)
    if (known) return known
    if (this.#tables.size >= MAX_TABLES) return this.#everything
    const fresh = new Progress(this.#positions)
    this.#tables.set(table, fresh)
    return fresh
  }
}

function isDone({ position, doubtful }: Progress, everywhere: (position: string) => boolean): boolean {
  return !doubtful && (position === undefined || everywhere(position))
}

function bareName(table: string): string {
  return table.slice(table.lastIndexOf('.') + 1)
}
