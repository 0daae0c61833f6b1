import type { QueryOptions, StreamOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { SqlRenderer, Statement } from '../core/statement.js'
import type { Classification } from '../sql/classifier.js'
import { Face, type StatementPath } from './face.js'
import { guardRead } from './guard.js'
import type { PinnedSession } from './pinned.js'
import { maybeDone, outcomeOf } from './run.js'

/**
 * One connection, lent for session-bound work by `db.connection(fn)`: temporary tables, advisory locks, LISTEN, `SET`.
 * It is reset before anyone else gets it.
 */
export class PinnedConnection extends Face {
  readonly #session: PinnedSession

  /** @internal */
  constructor(session: PinnedSession, defaults?: QueryOptions) {
    super(new ConnectionPath(session), defaults)
    this.#session = session
  }

  /** The server's name for this session (PostgreSQL: the backend's pid). */
  get id(): number { return this.#session.loan.connection.id }

  /** Name of the server it belongs to. */
  get node(): string { return this.#session.node.name }
}

class ConnectionPath implements StatementPath {
  readonly renderer: SqlRenderer
  readonly #session: PinnedSession

  constructor(session: PinnedSession) {
    this.renderer = session.parts.renderer
    this.#session = session
  }

  async run<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>> {
    const classification = this.#admit(statement, options)
    try {
      return await this.#session.run<Row>(statement, options, classification)
    } catch (error) {
      throw lostHere(error, statement, classification)
    }
  }

  async *stream<Row>(statement: Statement, options: StreamOptions<Row>): AsyncGenerator<Row[], void, undefined> {
    const classification = this.#admit(statement, options)
    try {
      yield* this.#session.stream<Row>(statement, options, classification)
    } catch (error) {
      throw lostHere(error, statement, classification)
    }
  }

  async batch(statements: readonly Statement[], options: QueryOptions): Promise<QueryResult[]> {
    const results: QueryResult[] = []
    await this.#session.control('BEGIN')
    try {
      for (const statement of statements) results.push(await this.#session.run(statement, options, this.#admit(statement, options)))
    } catch (error) {
      await this.#session.control('ROLLBACK').catch(() => undefined)
      throw error
    }
    await this.#commit()
    return results
  }

  async #commit(): Promise<void> {
    try {
      await this.#session.control('COMMIT')
    } catch (error) {
      throw maybeDone(error, 'COMMIT')
    }
  }

  #admit(statement: Statement, options: QueryOptions): Classification {
    const { classifier, readOnly } = this.#session.parts
    const classification = classifier.classify(statement.text)
    guardRead(statement, classification, options, readOnly)
    return classification
  }
}

/** The outcome of a lost statement; what only the session had is gone with it. */
function lostHere(error: unknown, statement: Statement, classification: Classification): unknown {
  return classification.class === 'session' ? error : outcomeOf(error, statement, classification)
}
