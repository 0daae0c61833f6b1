/** A value as SQLite takes and gives it. */
export type SqliteValue = null | number | bigint | string | Uint8Array

/** One row; integers beyond 2^53 arrive as `bigint`, never rounded. */
export type SqliteRow = Record<string, SqliteValue>

/** A compiled statement. */
export interface SqliteStatement {
  /** Column names; undefined where this build tells them with the rows only. */
  columns(): readonly string[] | undefined
  /** Runs it from the beginning, row by row. A statement without rows runs at the first `next()`. */
  iterate(params: readonly SqliteValue[]): Iterator<SqliteRow>
  /** Frees it. Never throws. */
  finalize(): void
}

/** One open database. Everything is synchronous: it runs on the caller's thread. */
export interface SqliteHandle {
  /** Inside BEGIN … COMMIT. */
  readonly inTransaction: boolean
  prepare(text: string): SqliteStatement
  /** Runs texts without rows or parameters. */
  exec(text: string): void
  close(): void
}

/** One of the packages that bring SQLite. */
export interface SqliteBuild {
  readonly name: 'node:sqlite' | 'better-sqlite3' | 'node-sqlite3-wasm'
  /**
   * Several handles may have one file open at once, with locks and shared memory of the operating system. Without, one
   * handle serves all connections of this process (see shared-file.ts).
   */
  readonly sharesFiles: boolean
  /** Opens a file or `:memory:`. */
  open(path: string, options: { readonly mustExist: boolean }): SqliteHandle
}
