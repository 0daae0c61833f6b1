import { load } from '../../core/load.js'
import type { SqliteBuild, SqliteHandle, SqliteRow, SqliteStatement, SqliteValue } from './build.js'

const PACKAGE = 'node-sqlite3-wasm'

type Wasm = typeof import('node-sqlite3-wasm')
type WasmDatabase = InstanceType<Wasm['Database']>
type WasmStatement = ReturnType<WasmDatabase['prepare']>

/** `node-sqlite3-wasm`, a dependency: works everywhere, without the operating system's locks and shared memory. */
export async function wasmBuild(): Promise<SqliteBuild> {
  const module = await load<Wasm & { readonly default?: Wasm }>(PACKAGE, () => import('node-sqlite3-wasm'), 'sqlite')
  const { Database } = module.default ?? module
  return {
    name: PACKAGE, sharesFiles: false,
    open: (path, { mustExist }) => new WasmHandle(new Database(path, { fileMustExist: mustExist })),
  }
}

class WasmHandle implements SqliteHandle {
  readonly #database: WasmDatabase

  constructor(database: WasmDatabase) {
    this.#database = database
  }

  get inTransaction(): boolean { return this.#database.isOpen && this.#database.inTransaction }
  prepare(text: string): SqliteStatement { return new WasmRows(this.#database.prepare(text)) }
  exec(text: string): void { this.#database.exec(text) }
  close(): void { this.#database.close() }
}

class WasmRows implements SqliteStatement {
  readonly #statement: WasmStatement

  constructor(statement: WasmStatement) {
    this.#statement = statement
  }

  columns(): undefined { return undefined }

  iterate(params: readonly SqliteValue[]): Iterator<SqliteRow> {
    return this.#statement.iterate([...params]) as Iterator<SqliteRow>
  }

  finalize(): void {
    if (this.#statement.isFinalized) return
    try {
      this.#statement.finalize()
    } catch {
      // it repeats the error of its last run
    }
  }
}
