import { limitsFrom } from '../core/deadline.js'
import { SluiceError } from '../core/errors.js'
import type { QueryOptions, StreamOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { SqlRenderer, Statement } from '../core/statement.js'
import type { Router } from '../router/router.js'
import type { Classifier } from '../sql/classifier.js'
import { ambientTransaction, waitingTransactions } from './ambient.js'
import type { Execute } from './execute.js'
import type { StatementPath } from './face.js'
import { guardPooled } from './guard.js'
import { judge } from './run.js'
import { Transaction } from './transaction.js'
import type { Transactions } from './transactions.js'

/** What the pooled path is made of. */
export interface PooledParts {
  readonly database: object
  readonly renderer: SqlRenderer
  readonly classifier: Classifier
  readonly router: Router
  readonly execute: Execute
  readonly transactions: Transactions
  readonly statementTimeoutMs: number
  readonly readOnly: boolean
  readonly assertOpen: () => void
}

const DEFAULT_BATCH_SIZE = 100

/** The way of an ordinary statement: joins the surrounding transaction when there is one, else runs on a pooled connection. */
export class PooledPath implements StatementPath {
  readonly renderer: SqlRenderer
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
    const limits = limitsFrom(options.timeoutMs ?? parts.statementTimeoutMs, options.signal)
    return parts.execute<Row>(statement, { options, classification, limits, startedAt: performance.now(), attempt: 1 })
  }

  async *stream<Row>(statement: Statement, options: StreamOptions<Row>): AsyncGenerator<Row[]> {
    const { classifier, router, readOnly, statementTimeoutMs, assertOpen } = this.#parts
    const batchSize = options.batchSize ?? DEFAULT_BATCH_SIZE
    const ambient = this.#ambient(options)
    if (ambient) {
      yield* ambient.batches<Row>(statement, options)
      return
    }
    assertOpen()
    const classification = classifier.classify(statement.text)
    guardPooled(statement, classification, options, readOnly)
    const limits = limitsFrom(options.timeoutMs ?? statementTimeoutMs, options.signal)
    const { node } = router.pick(statement.text, classification, options)
    const loan = await node.pool.acquire({ limits, label: options.label, text: statement.text, owner: undefined, owners: waitingTransactions() })
    const sentAt = performance.now()
    node.inFlight++
    try {
      yield* loan.stream<Row>(statement, limits, batchSize)
    } catch (error) {
      if (error instanceof SluiceError) judge(node, error, performance.now() - sentAt)
      throw error
    } finally {
      node.inFlight--
      loan.release()
    }
  }

  batch(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]> {
    const { transactions, classifier, readOnly } = this.#parts
    const ambient = this.#ambient(options)
    const runAll = async (tx: Transaction): Promise<QueryResult[]> => {
      const results: QueryResult[] = []
      for (const one of statements) results.push(await tx.query(one.text, one.params, { prepare: one.prepare, name: one.name }))
      return results
    }
    if (ambient) return runAll(ambient)
    this.#parts.assertOpen()
    const classes = statements.map((one) => {
      const classification = classifier.classify(one.text)
      guardPooled(one, classification, options, readOnly)
      return classification.class
    })
    const reads = classes.every((kind) => kind === 'read')
    return transactions.run(runAll, {
      readOnly: reads, target: reads ? options.target : undefined, timeoutMs: options.timeoutMs, signal: options.signal,
      name: options.name ?? options.label,
    })
  }

  #ambient(options: QueryOptions): Transaction | undefined {
    if (options.ambient === false) return undefined
    const ambient = ambientTransaction(this.#parts.database)
    return ambient instanceof Transaction ? ambient : undefined
  }
}
