import { limitsFrom } from '../core/deadline.js'
import { TransactionClosedError } from '../core/errors.js'
import type { QueryOptions, StreamOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import { Face, type FaceDialect, type StatementPath } from '../database/face.js'
import type { MigrationTransaction } from './code.js'
import type { Run } from './run.js'

/** The calls a migration's code works with, and their end. */
export interface OpenFace {
  readonly tx: MigrationTransaction
  /** Waits for what was started and not awaited; later calls are refused. */
  end(): Promise<void>
}

/** The calls of a database on the session of a run, one statement after another. */
export function transactionFace(run: Run): OpenFace {
  const path = new SessionPath(run)
  return { tx: new Face(path), end: () => path.end() }
}

class SessionPath implements StatementPath {
  readonly renderer: FaceDialect
  readonly #run: Run
  #last: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(run: Run) {
    this.#run = run
    this.renderer = run.history.sql.dialect
  }

  run<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>> {
    if (this.#ended) return Promise.reject(new TransactionClosedError('the migration has ended', { sql: statement.text, hint: 'await everything you start inside up() and down()' }))
    const next = this.#last.then(() => this.#send<Row>(statement, options))
    this.#last = next.catch(() => undefined)
    return next
  }

  async #send<Row>(statement: Statement, { timeoutMs }: QueryOptions): Promise<QueryResult<Row>> {
    const { session, limits } = this.#run
    const startedAt = performance.now()
    const result = await session.run<Row>({ ...statement, prepare: false }, timeoutMs === undefined ? limits : limitsFrom(timeoutMs, limits.signal))
    return { ...result, node: session.node, route: 'transaction', durationMs: performance.now() - startedAt, cached: false }
  }

  async *stream<Row>(statement: Statement, { batchSize = 100, ...options }: StreamOptions<Row>): AsyncGenerator<Row[]> {
    const { rows } = await this.run<Row>(statement, options)
    for (let start = 0; start < rows.length; start += batchSize) yield rows.slice(start, start + batchSize)
  }

  async batch(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]> {
    const results: QueryResult[] = []
    for (const statement of statements) results.push(await this.run(statement, options))
    return results
  }

  async end(): Promise<void> {
    this.#ended = true
    await this.#last
  }
}
