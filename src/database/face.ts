import { asError } from '../core/deadline.js'
import type { BatchEntry, InsertRow, Queryable, QueryOptions, RowOptions, RowSchema, StreamOptions, ChangeOptions } from '../core/queryable.js'
import { NO_OPTIONS } from '../core/queryable.js'
import type { Features } from '../core/dialect.js'
import { QueryError } from '../core/errors.js'
import type { ExecuteResult, QueryResult } from '../core/result.js'
import { NO_PARAMS, statement, type DataSource, type SqlInput, type SqlRenderer, type Statement } from '../core/statement.js'
import { describeGot, oneProblem } from '../config/problem.js'
import { checkCall, type CallKind, fragmentOf, notEntries, notParams, paramsBesideFragment } from './call-check.js'
import { insertStatements } from './insert-many.js'
import { over } from './over.js'
import { checkRows, firstColumn, oneRow } from './rows.js'

/** What a face has to know of the engine. */
export interface FaceDialect extends SqlRenderer {
  readonly engine: string
  readonly features: Features
}

/** What a face hands its statements to: the pooled path, a transaction, a pinned connection. */
export interface StatementPath {
  readonly renderer: FaceDialect
  run<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>>
  stream<Row>(statement: Statement, options: StreamOptions<Row>): AsyncIterable<Row[]>
  batch(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]>
  /** Statements that are run once for a key; left out where the transaction around them has one instead. */
  once?(statements: readonly Statement[], options: ChangeOptions, idempotencyKey: string): Promise<ExecuteResult>
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

  query<Row = Record<string, unknown>>(
    sql: SqlInput, params?: readonly unknown[] | RowOptions<Row>, options?: RowOptions<Row>,
  ): Promise<QueryResult<Row>> {
    try {
      const [values, merged] = this.#arguments<RowOptions<Row>>(params, options)
      const made = this.#statement(sql, values, merged)
      const result = this.#path.run<Row>(made, merged)
      return merged.schema ? withCheckedRows(result, merged.schema, made.text) : result
    } catch (error) {
      return Promise.reject(asError(error))
    }
  }

  async execute(sql: SqlInput, params?: readonly unknown[] | ChangeOptions, options?: ChangeOptions): Promise<ExecuteResult> {
    const [values, merged] = this.#arguments<ChangeOptions>(params, options, 'write')
    const onPrimary = merged === NO_OPTIONS ? ON_PRIMARY : { ...merged, target: 'primary' as const }
    const made = this.#statement(sql, values, onPrimary)
    if (merged.idempotencyKey !== undefined) return this.#once([made], onPrimary, merged.idempotencyKey)
    const { rowCount, insertId, node, durationMs } = await this.#path.run(made, onPrimary)
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

  async value<Value = unknown>(
    sql: SqlInput, params?: readonly unknown[] | RowOptions<Value>, options?: RowOptions<Value>,
  ): Promise<Value | undefined> {
    const [values, merged] = this.#arguments<RowOptions<Value>>(params, options)
    const made = this.#statement(sql, values, merged)
    const { rows, fields } = await this.#path.run(made, merged)
    if (rows.length === 0) return undefined
    const value = firstColumn(oneRow(rows, made.text), fields)
    return merged.schema ? (await checkRows([value], merged.schema, made.text, 0))[0] : value as Value
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
    if (!Array.isArray(entries)) throw notEntries(entries)
    const statements = entries.map((entry) => Array.isArray(entry)
      ? this.#statement(entry[0] as string, (entry[1] ?? NO_PARAMS) as readonly unknown[], merged)
      : this.#statement(entry as SqlInput, NO_PARAMS, merged))
    return statements.length === 0 ? [] : this.#path.batch(statements, merged)
  }

  async insertMany(table: string, rows: readonly InsertRow[], options: ChangeOptions = NO_OPTIONS): Promise<{ rowsAffected: number }> {
    const merged = { ...this.#merge(options, 'write'), target: 'primary' as const }
    const statements = insertStatements(table, rows, this.#path.renderer, merged.name)
    const [only] = statements
    if (!only) return { rowsAffected: 0 }
    if (merged.idempotencyKey !== undefined) return { rowsAffected: (await this.#once(statements, merged, merged.idempotencyKey)).rowsAffected }
    const results = statements.length === 1 ? [await this.#path.run(only, merged)] : await this.#path.batch(statements, merged)
    return { rowsAffected: results.reduce((sum, { rowCount }) => sum + rowCount, 0) }
  }

  async copyFrom(sql: string, source: DataSource, options: QueryOptions = NO_OPTIONS): Promise<ExecuteResult> {
    const merged = { ...this.#merge(options), target: 'primary' as const }
    if (!isSource(source)) throw oneProblem('the second argument of copyFrom', 'a stream, or chunks of text or bytes to iterate over', describeGot(source, false), COPY_EXAMPLE)
    this.#requireFeature('copyIn', 'copyFrom')
    const { rowCount, insertId, node, durationMs } = await this.#path.run(statement(sql, NO_PARAMS, false, merged.name, source), merged)
    return { rowsAffected: rowCount, insertId, node, durationMs }
  }

  async *copyTo(sql: string, options: QueryOptions = NO_OPTIONS): AsyncGenerator<Buffer, void, undefined> {
    const merged = this.#merge(options)
    this.#requireFeature('copyOut', 'copyTo')
    for await (const chunks of this.#path.stream<Buffer>(statement(sql, NO_PARAMS, false, merged.name, 'out'), merged)) yield* chunks
  }

  async #once(statements: readonly Statement[], options: ChangeOptions, key: string): Promise<ExecuteResult> {
    if (this.#path.once) return this.#path.once(statements, options, key)
    throw oneProblem('idempotencyKey', 'none inside a transaction or on a lent connection', 'a key', 'give it to db.transaction(work, { idempotencyKey })')
  }

  #requireFeature(feature: 'copyIn' | 'copyOut', call: string): void {
    const { engine, features } = this.#path.renderer
    if (!features[feature]) throw new QueryError(`${call}: ${engine} has nothing of the kind`, undefined, { neverSent: true, hint: 'insertMany and stream work on every engine' })
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
  #arguments<Options extends QueryOptions>(second: readonly unknown[] | Options | undefined, third: Options | undefined, kind: CallKind = 'call'): [readonly unknown[], Options] {
    if (second === undefined) return [NO_PARAMS, this.#merge((third ?? NO_OPTIONS) as Options, kind)]
    if (Array.isArray(second)) return [second as readonly unknown[], this.#merge((third ?? NO_OPTIONS) as Options, kind)]
    if (typeof second !== 'object' || (second as unknown) === null || third !== undefined) throw notParams(second)
    return [NO_PARAMS, this.#merge(second as Options, kind)]
  }

  #merge<Options extends QueryOptions>(options: Options, kind: CallKind = 'call'): Options {
    if (options !== NO_OPTIONS) checkCall(kind, options)
    if (!this.#defaults) return options
    return options === NO_OPTIONS ? this.#defaults as Options : over(this.#defaults, options)
  }

  #statement(sql: SqlInput, params: readonly unknown[], options: QueryOptions): Statement {
    if (typeof sql === 'string') return statement(sql, params, options.prepare, options.name)
    if (params.length > 0) throw paramsBesideFragment(params)
    const compiled = fragmentOf(sql).compile(this.#path.renderer)
    return statement(compiled.text, compiled.params, options.prepare, options.name)
  }
}

async function withCheckedRows<Row>(answer: Promise<QueryResult<Row>>, schema: RowSchema<Row>, sql: string): Promise<QueryResult<Row>> {
  const result = await answer
  return { ...result, rows: await checkRows(result.rows, schema, sql, 0) }
}

const COPY_EXAMPLE = "db.copyFrom('copy users from stdin (format csv)', createReadStream('users.csv'))"

function isSource(source: unknown): boolean {
  return typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source)
}
