import type { Statement } from '../core/statement.js'
import type { QueryOptions, StreamOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { Classification } from '../sql/classifier.js'
import type { FaceDialect, StatementPath } from './face.js'
import { guardInTransaction, guardRead } from './guard.js'
import type { Admitted } from './opening.js'
import type { PinnedSession } from './pinned.js'

/** How a transaction's statements reach its connection. */
export class TransactionPath implements StatementPath {
  readonly renderer: FaceDialect
  readonly #session: PinnedSession
  readonly #assertOpen: () => void

  constructor(session: PinnedSession, assertOpen: () => void) {
    this.renderer = session.parts.renderer
    this.#session = session
    this.#assertOpen = assertOpen
  }

  async run<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>> {
    const classification = this.#admit(statement, options)
    const { parts, wrote } = this.#session
    const found = options.cache === undefined ? undefined : parts.peek?.<Row>(statement, options, classification, wrote)
    return found ?? this.#session.run<Row>(statement, options, classification)
  }

  stream<Row>(statement: Statement, options: StreamOptions<Row>): AsyncIterable<Row[]> {
    return this.#session.stream<Row>(statement, options, this.#admit(statement, options))
  }

  async batch(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]> {
    const together = this.#session.batch(this.#admitAll(statements, options), options)
    if (together) return together
    const results: QueryResult[] = []
    for (const statement of statements) results.push(await this.run(statement, options))
    return results
  }

  /** Everything the transaction does, and its COMMIT, in one round trip; undefined where that cannot be. */
  whole(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]> | undefined {
    return this.#session.batch(this.#admitAll(statements, options), options, 'COMMIT')
  }

  #admitAll(statements: readonly Statement[], options: QueryOptions): Admitted[] {
    return statements.map((statement) => ({ statement, classification: this.#admit(statement, options) }))
  }

  #admit(statement: Statement, options: QueryOptions): Classification {
    this.#assertOpen()
    const { classifier, readOnly } = this.#session.parts
    const classification = classifier.classify(statement.text)
    guardInTransaction(statement, classification, this.#session.readOnly)
    guardRead(statement, classification, options, readOnly)
    return classification
  }
}
