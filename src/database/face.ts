import { asError } from '../core/deadline.js'
import type { BatchEntry, Queryable, QueryOptions, RowOptions, StreamOptions } from '../core/queryable.js'
import { NO_OPTIONS } from '../core/queryable.js'
import type { ExecuteResult, QueryResult } from '../core/result.js'
import { NO_PARAMS, statement, type SqlInput, type SqlRenderer, type Statement } from '../core/statement.js'
import { checkRows, firstColumn, oneRow } from './rows.js'

/** What a face hands its statements to: the pooled path, a transaction, a pinned connection. */
export interface StatementPath {
  readonly renderer: SqlRenderer
  run<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>>
  stream<Row>(statement: Statement, options: StreamOptions<Row>): AsyncIterable<Row[]>
  batch(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]>
}

const ON_PRIMARY: QueryOptions = Object.freeze({ target: 'primary' })

/** The calls of {@link Queryable}, all of them in terms of one path; `defaults` are merged under each call's options. */
export class Face implements Queryable {
  readonly #path: StatementPath
  readonly #defaults: QueryOptions | undefined

  /** @internal */
  constructor(path: StatementPath, defaults?: QueryOptions) {
    this.#path = path
    this.#defaults = defaults
  }

  query<Row = Record<string, unknown>>(sql: SqlInput, params?: readonly unknown[] | QueryOptions, options?: QueryOptions): Promise<QueryResult<Row>> {
    try {
      const [values, merged] = this.#arguments(params, options)
      return this.#path.run<Row>(this.#statement(sql, values, merged), merged)
    } catch (error) {
      return Promise.reject(asError(error))
    }
  }

  async execute(sql: SqlInput, params?: readonly unknown[] | QueryOptions, options?: QueryOptions): Promise<ExecuteResult> {
    const [values, merged] = this.#arguments(params, options)
    const onPrimary = merged === NO_OPTIONS ? ON_PRIMARY : { ...merged, target: 'primary' as const }
    const { rowCount, insertId, node, durationMs } = await this.#path.run(this.#statement(sql, values, onPrimary), onPrimary)
    return { rowsAffected: rowCount, insertId, node, durationMs }
  }

  async one<Row = Record<string, unknown>>(sql: SqlInput, params?: readonly unknown[] | RowOptions<Row>, options?: RowOptions<Row>): Promise<Row> {
    const { rows, text } = await this.#rows(sql, params, options)
    return oneRow(rows, text)
  }

  async maybeOne<Row = Record<string, unknown>>(
    sql: SqlInput, params?: readonly unknown[] | RowOptions<Row>, options?: RowOptions<Row>,
  ): Promise<Row | undefined> {
    const { rows, text } = await this.#rows(sql, params, options)
    return rows.length === 0 ? undefined : oneRow(rows, text)
  }

  async many<Row = Record<string, unknown>>(sql: SqlInput, params?: readonly unknown[] | RowOptions<Row>, options?: RowOptions<Row>): Promise<Row[]> {
    return (await this.#rows(sql, params, options)).rows
  }

  async value<Value = unknown>(sql: SqlInput, params?: readonly unknown[] | QueryOptions, options?: QueryOptions): Promise<Value | undefined> {
    const [values, merged] = this.#arguments(params, options)
    const made = this.#statement(sql, values, merged)
    const { rows, fields } = await this.#path.run(made, merged)
    return rows.length === 0 ? undefined : firstColumn(oneRow(rows, made.text), fields) as Value
  }

  async *stream<Row = Record<string, unknown>>(
    sql: SqlInput, params?: readonly unknown[] | StreamOptions<Row>, options?: StreamOptions<Row>,
  ): AsyncGenerator<Row, void, undefined> {
    const [values, merged] = this.#arguments(params, options)
    const made = this.#statement(sql, values, merged)
    let index = 0
    for await (const batch of this.#path.stream<Row>(made, merged)) {
      const rows = merged.schema ? await checkRows(batch, merged.schema, made.text, index) : batch
      index += batch.length
      yield* rows
    }
  }

  async batch(entries: readonly BatchEntry[], options: QueryOptions = NO_OPTIONS): Promise<QueryResult[]> {
    const merged = this.#merge(options)
    const statements = entries.map((entry) => Array.isArray(entry)
      ? this.#statement(entry[0] as string, (entry[1] ?? NO_PARAMS) as readonly unknown[], merged)
      : this.#statement(entry as SqlInput, NO_PARAMS, merged))
    return statements.length === 0 ? [] : this.#path.batch(statements, merged)
  }

  async #rows<Row>(
    sql: SqlInput, params: readonly unknown[] | RowOptions<Row> | undefined, options: RowOptions<Row> | undefined,
  ): Promise<{ rows: Row[]; text: string }> {
    const [values, merged] = this.#arguments<RowOptions<Row>>(params, options)
    const made = this.#statement(sql, values, merged)
    const { rows } = await this.#path.run<Row>(made, merged)
    return { rows: merged.schema ? await checkRows(rows, merged.schema, made.text, 0) : rows, text: made.text }
  }

  /** Sorts out `(sql, params, options)` and `(sql, options)`. */
  #arguments<Options extends QueryOptions>(second: readonly unknown[] | Options | undefined, third: Options | undefined): [readonly unknown[], Options] {
    if (second === undefined) return [NO_PARAMS, this.#merge((third ?? NO_OPTIONS) as Options)]
    if (Array.isArray(second)) return [second as readonly unknown[], this.#merge((third ?? NO_OPTIONS) as Options)]
    return [NO_PARAMS, this.#merge(second as Options)]
  }

  #merge<Options extends QueryOptions>(options: Options): Options {
    if (!this.#defaults) return options
    return options === NO_OPTIONS ? this.#defaults as Options : { ...this.#defaults, ...options }
  }

  #statement(sql: SqlInput, params: readonly unknown[], options: QueryOptions): Statement {
    if (typeof sql === 'string') return statement(sql, params, options.prepare ?? false, options.name)
    const compiled = sql.compile(this.#path.renderer)
    return statement(compiled.text, compiled.params, options.prepare ?? false, options.name)
  }
}
