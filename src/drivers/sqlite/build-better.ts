import { load } from '../../core/load.js'
import type { SqliteBuild, SqliteHandle, SqliteRow, SqliteStatement, SqliteValue } from './build.js'
import { asInteger } from './build-node.js'

/** As much of `better-sqlite3` as is used. */
interface BetterDatabase {
  readonly inTransaction: boolean
  prepare(text: string): BetterStatement
  exec(text: string): void
  close(): void
}

interface BetterStatement {
  /** Whether it gives rows. */
  readonly reader: boolean
  safeIntegers(enabled: boolean): void
  columns(): readonly { readonly name: string }[]
  run(...params: SqliteValue[]): void
  iterate(...params: SqliteValue[]): Iterator<SqliteRow>
}

type BetterSqlite = new (path: string, options: { readonly fileMustExist: boolean, readonly timeout: number }) => BetterDatabase

const PACKAGE = 'better-sqlite3'

/** The optional peer `better-sqlite3`; undefined where it is not installed or its binary does not fit this Node. */
export async function betterBuild(): Promise<SqliteBuild | undefined> {
  let Better: BetterSqlite
  try {
    const module = await load(PACKAGE, () => import(PACKAGE) as Promise<{ default: BetterSqlite }>, 'sqlite')
    Better = module.default
    new Better(':memory:', { fileMustExist: false, timeout: 0 }).close()
  } catch {
    return undefined
  }
  return {
    name: PACKAGE, sharesFiles: true,
    open: (path, { mustExist }) => new BetterHandle(new Better(path, { fileMustExist: mustExist, timeout: 0 })),
  }
}

class BetterHandle implements SqliteHandle {
  readonly #database: BetterDatabase

  constructor(database: BetterDatabase) {
    this.#database = database
  }

  get inTransaction(): boolean { return this.#database.inTransaction }
  prepare(text: string): SqliteStatement { return new BetterRows(this.#database.prepare(text)) }
  exec(text: string): void { this.#database.exec(text) }
  close(): void { this.#database.close() }
}

class BetterRows implements SqliteStatement {
  readonly #statement: BetterStatement

  constructor(statement: BetterStatement) {
    this.#statement = statement
    if (statement.reader) statement.safeIntegers(true)
  }

  columns(): readonly string[] { return this.#statement.reader ? this.#statement.columns().map(({ name }) => name) : [] }

  *iterate(params: readonly SqliteValue[]): Generator<SqliteRow, void, undefined> {
    const values = params.map(asInteger)
    if (this.#statement.reader) yield* { [Symbol.iterator]: () => this.#statement.iterate(...values) }
    else this.#statement.run(...values)
  }

  finalize(): void { /* freed with the garbage */ }
}
