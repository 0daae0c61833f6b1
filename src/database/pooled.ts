import { limitsFrom } from '../core/deadline.js'
import { IdempotencyKeyError } from '../core/errors.js'
import { NO_OPTIONS, type QueryOptions, type StreamOptions, type ChangeOptions } from '../core/queryable.js'
import type { ExecuteResult, QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Classifier } from '../sql/classifier.js'
import { ambientTransaction } from './ambient.js'
import type { Execute } from './execute.js'
import type { FaceDialect, StatementPath } from './face.js'
import { refuseKey } from './call-check.js'
import { guardPooled } from './guard.js'
import { streamLimits } from './open-stream.js'
import { pooledStream, type PooledStreamParts } from './pooled-stream.js'
import { Transaction } from './transaction.js'
import type { Transactions } from './transactions.js'

/** What the pooled path is made of. */
export interface PooledParts {
  readonly database: object
  readonly renderer: FaceDialect
  readonly classifier: Classifier
  readonly execute: Execute
  readonly streams: PooledStreamParts
  readonly transactions: Transactions
  readonly statementTimeoutMs: number
  readonly readOnly: boolean
  readonly assertOpen: () => void
}

/** The way of an ordinary statement: joins the surrounding transaction when there is one, else runs on a pooled connection. */
export class PooledPath implements StatementPath {
  readonly renderer: FaceDialect
  readonly #parts: PooledParts

  constructor(parts: PooledParts) {
    this.renderer = parts.renderer
    this.#parts = parts
  }

  async run<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>> {
    const parts = this.#parts
    const ambient = this.#ambient(options)
    if (ambient) return ambient.query<Row>(statement.text, statement.params, options)
    parts.assertOpen()
    const classification = parts.classifier.classify(statement.text)
    guardPooled(statement, classification, options, parts.readOnly)
    const limits = limitsFrom(options.timeoutMs ?? options.retry?.timeoutMs ?? parts.statementTimeoutMs, options.signal)
    return parts.execute<Row>(statement, { options, classification, limits, startedAt: performance.now(), attempt: 1 })
  }

  async *stream<Row>(statement: Statement, options: StreamOptions<Row>): AsyncGenerator<Row[]> {
    const { classifier, readOnly, statementTimeoutMs, assertOpen, streams } = this.#parts
    const ambient = this.#ambient(options)
    if (ambient) {
      yield* ambient.batches<Row>(statement, options)
      return
    }
    assertOpen()
    const classification = classifier.classify(statement.text)
    guardPooled(statement, classification, options, readOnly)
    const { timeoutMs, signal } = options
    const limits = timeoutMs === undefined ? streamLimits(statementTimeoutMs, Infinity, signal) : limitsFrom(timeoutMs, signal)
    yield* pooledStream<Row>(statement, options, { options, classification, limits, startedAt: performance.now(), attempt: 1 }, streams)
  }

  batch(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]> {
    const { transactions, classifier, readOnly } = this.#parts
    const ambient = this.#ambient(options)
    if (ambient) return ambient.runAll(statements, options)
    this.#parts.assertOpen()
    const classes = statements.map((one) => {
      const classification = classifier.classify(one.text)
      guardPooled(one, classification, options, readOnly)
      return classification.class
    })
    // what was asked to run on a replica, or to be no more than reads, is held to that by the server
    const reads = options.target === 'replica' || classes.every((kind) => kind === 'read')
    return transactions.batch(statements, {
      readOnly: reads, target: options.target, timeoutMs: options.timeoutMs, retry: options.retry, signal: options.signal, causalToken: options.causalToken,
      name: options.name ?? options.label,
    })
  }

  /** Statements as one transaction that is done once for its key. */
  async once(statements: readonly Statement[], options: ChangeOptions, key: string): Promise<ExecuteResult> {
    const { transactions, classifier, readOnly, assertOpen, statementTimeoutMs } = this.#parts
    if (this.#ambient(options)) refuseKey({ idempotencyKey: key }, 'inside a transaction')
    assertOpen()
    for (const one of statements) guardPooled(one, classifier.classify(one.text), options, readOnly)
    const { timeoutMs, retry, signal, label, name } = options
    const startedAt = performance.now()
    const done = await transactions.once({
      key, what: statements.map(({ text, params }) => `${text};\n${comparableText(params)}`).join('\n'),
      work: async (tx) => recordable(await tx.runAll(statements, NO_OPTIONS), tx.node),
    }, { timeoutMs: timeoutMs ?? retry?.timeoutMs ?? statementTimeoutMs, retry, signal, label, name })
    const { rowsAffected, insertId, big, node } = done
    const id = big && typeof insertId === 'string' ? BigInt(insertId) : insertId
    return { rowsAffected, insertId: id, node, durationMs: performance.now() - startedAt }
  }

  #ambient(options: QueryOptions): Transaction | undefined {
    if (options.ambient === false) return undefined
    const ambient = ambientTransaction(this.#parts.database)
    return ambient instanceof Transaction ? ambient : undefined
  }
}

/** Parameter values as text, to tell them from others; only a digest of it leaves the process. */
function comparableText(params: readonly unknown[]): string {
  try {
    return JSON.stringify(params, comparable)
  } catch (cause) {
    throw new IdempotencyKeyError('a parameter beside an idempotency key cannot be compared: it is no JSON; nothing was done', { cause, neverSent: true })
  }
}

function comparable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${String(value)}n`
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}

/** An answer that survives JSON. */
interface RecordedAnswer {
  readonly rowsAffected: number
  readonly insertId?: string | number | undefined
  /** The key was a bigint. */
  readonly big: boolean
  readonly node: string
}

function recordable(results: readonly QueryResult[], node: string): RecordedAnswer {
  const insertId = results.at(-1)?.insertId
  return {
    rowsAffected: results.reduce((sum, { rowCount }) => sum + rowCount, 0), node,
    big: typeof insertId === 'bigint', insertId: typeof insertId === 'bigint' ? String(insertId) : insertId,
  }
}
