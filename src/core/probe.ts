import type { Statement } from './statement.js'

/** A question asked in SQL, with the reading of its answer: data, not behaviour. */
export interface Probe<T> {
  readonly statement: Statement
  read(rows: readonly Record<string, unknown>[]): T
}
