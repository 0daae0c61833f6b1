import { asError } from '../core/deadline.js'
import type { Notification } from '../core/driver.js'
import { QueryError } from '../core/errors.js'
import type { QueryOptions, StreamOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Classification } from '../sql/classifier.js'
import { Face, type FaceDialect, type StatementPath } from './face.js'
import { guardRead } from './guard.js'
import type { PinnedSession } from './pinned.js'
import { maybeDone, outcomeOf } from './outcome.js'
import { mayStand } from './writes.js'

/**
 * One connection, lent for session-bound work by `db.connection(fn)`: temporary tables, advisory locks, LISTEN, `SET`.
 * It is reset before anyone else gets it.
 */
export class PinnedConnection extends Face {
  readonly #session: PinnedSession
  readonly #subscriptions: (() => void)[] = []

  /** @internal */
  constructor(session: PinnedSession, defaults?: QueryOptions) {
    super(new ConnectionPath(session), defaults)
    this.#session = session
  }

  /**
   * Calls `listener` for every message on the channels this connection listens to, until it is given back; returns the way
   * to stop earlier. A throwing listener is told to the observers.
   *
   * @throws {@link QueryError} the engine has no notifications
   * @example
   * ```ts
   * await db.connection(async (connection) => {
   *   connection.onNotification(({ channel, payload }) => { console.log(channel, payload) })
   *   await connection.query('listen orders')
   *   await new Promise((resolve) => { process.once('SIGTERM', resolve) })
   * })
   * ```
   */
  onNotification(listener: (notification: Notification) => void): () => void {
    const { connection } = this.#session.loan
    if (!connection.subscribe) {
      throw new QueryError(`${this.node}: this engine has no notifications`, undefined, { node: this.node, neverSent: true })
    }
    const stop = connection.subscribe((notification) => { this.#tell(listener, notification) })
    this.#subscriptions.push(stop)
    return stop
  }

  /** @internal Ends all subscriptions: the connection is about to be somebody else's. */
  unsubscribe(): void {
    for (const stop of this.#subscriptions.splice(0)) stop()
  }

  #tell(listener: (notification: Notification) => void, notification: Notification): void {
    try {
      listener(notification)
    } catch (thrown) {
      const error = asError(thrown)
      this.#session.parts.notifier.notify('warning', {
        code: 'SLUICE_LISTENER_THREW', node: this.node, message: `a listener of notifications threw: ${error.message}`, error,
      })
    }
  }

  /** The server's name for this session (PostgreSQL: the backend's pid). */
  get id(): number { return this.#session.loan.connection.id }

  /** Name of the server it belongs to. */
  get node(): string { return this.#session.node.name }
}

class ConnectionPath implements StatementPath {
  readonly renderer: FaceDialect
  readonly #session: PinnedSession

  constructor(session: PinnedSession) {
    this.renderer = session.parts.renderer
    this.#session = session
  }

  async run<Row>(statement: Statement, options: QueryOptions): Promise<QueryResult<Row>> {
    const classification = this.#admit(statement, options)
    try {
      const result = await this.#session.run<Row>(statement, options, classification)
      if (classification.class !== 'read') await this.#announce(result.command)
      return result
    } catch (error) {
      if (classification.class !== 'read' && mayStand(error, classification)) await this.#session.announce()
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
    try {
      await this.#commit()
    } finally {
      await this.#session.announce()
    }
    return results
  }

  /** A transaction block that the caller has opened in words keeps its changes to itself until it ends. */
  async #announce(command: string): Promise<void> {
    if (this.#session.loan.connection.idle === false) return
    if (command === 'ROLLBACK') this.#session.forget()
    else await this.#session.announce()
  }

  async #commit(): Promise<void> {
    try {
      await this.#session.control('COMMIT', undefined, this.#session.history.behindStatement())
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
