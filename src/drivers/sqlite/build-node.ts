import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { SqliteBuild, SqliteHandle, SqliteRow, SqliteStatement, SqliteValue } from './build.js'
import { SqliteFailure } from './failure.js'
import { verbOf } from './split.js'

/** As much of `node:sqlite` as is used; the types of Node 20 do not know it. */
interface NodeDatabase {
  readonly isTransaction?: boolean
  prepare(text: string): NodeStatement
  exec(text: string): void
  close(): void
}

interface NodeStatement {
  setReadBigInts(enabled: boolean): void
  columns?(): readonly { readonly name: string }[]
  iterate(...params: SqliteValue[]): Iterator<Record<string, SqliteValue>>
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options: { readonly enableForeignKeyConstraints: boolean }) => NodeDatabase
}

/** Node's own SQLite (22.13 and later); undefined where this Node has none. */
export function nodeBuild(): SqliteBuild | undefined {
  const found = loadQuietly()
  if (!found) return undefined
  return {
    name: 'node:sqlite', sharesFiles: true,
    open: (path, { mustExist }) => {
      if (mustExist && !existsSync(path)) throw new SqliteFailure('unknown-database', 'unable to open database file')
      return new NodeHandle(new found.DatabaseSync(path, { enableForeignKeyConstraints: true }))
    },
  }
}

/** The first use prints "SQLite is an experimental feature" on older versions: once is enough, and not for our users. */
function loadQuietly(): NodeSqlite | undefined {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 13)) return undefined
  const warn = process.emitWarning.bind(process)
  try {
    process.emitWarning = () => undefined
    return createRequire(import.meta.url)('node:sqlite') as NodeSqlite
  } catch {
    return undefined // built without it
  } finally {
    process.emitWarning = warn
  }
}

class NodeHandle implements SqliteHandle {
  readonly #database: NodeDatabase
  /** Followed by the verbs, for versions that do not tell. */
  #followed = false

  constructor(database: NodeDatabase) {
    this.#database = database
  }

  get inTransaction(): boolean { return this.#database.isTransaction ?? this.#followed }

  prepare(text: string): SqliteStatement {
    const statement = this.#database.prepare(text)
    statement.setReadBigInts(true)
    return new NodeRows(statement, () => { this.#follow(text) })
  }

  exec(text: string): void {
    this.#database.exec(text)
    this.#follow(text)
  }

  close(): void { this.#database.close() }

  #follow(text: string): void {
    const verb = verbOf(text)
    if (verb === 'BEGIN' || (verb === 'SAVEPOINT' && !this.#followed)) this.#followed = true
    if (verb === 'COMMIT' || verb === 'END' || (verb === 'ROLLBACK' && !/\bto\b/i.test(text))) this.#followed = false
  }
}

class NodeRows implements SqliteStatement {
  readonly #statement: NodeStatement
  readonly #ran: () => void

  constructor(statement: NodeStatement, ran: () => void) {
    this.#statement = statement
    this.#ran = ran
  }

  columns(): readonly string[] | undefined { return this.#statement.columns?.().map(({ name }) => name) }

  *iterate(params: readonly SqliteValue[]): Generator<SqliteRow, void, undefined> {
    yield* { [Symbol.iterator]: () => this.#statement.iterate(...params.map(asInteger)) }
    this.#ran()
  }

  finalize(): void { /* freed with the garbage */ }
}

/** A JavaScript number is bound as a float; whole numbers are meant as integers. */
export function asInteger(value: SqliteValue): SqliteValue {
  return typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value
}
