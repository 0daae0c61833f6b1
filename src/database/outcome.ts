import { ConnectionError, SluiceError, TransactionOutcomeUnknownError } from '../core/errors.js'
import type { DriverResult, QueryResult, Route } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Node } from '../router/node.js'
import type { Classification } from '../sql/classifier.js'
import { isUndoneWhole } from './atomic.js'

/** An error about the statement is an answer of a healthy node; a lost connection is evidence against it. */
export function judge(node: Node, error: unknown, durationMs: number): void {
  if (!(error instanceof SluiceError) || error.neverSent) return
  if (error.connectionLost) node.failed(error, performance.now() - durationMs)
  else node.answered(durationMs)
}

/** A write that was sent and never answered may have been done: the caller must hear that, not a mere lost connection. */
export function outcomeOf(error: unknown, statement: Statement, classification: Classification): unknown {
  const undone = error instanceof ConnectionError && error.undone && isUndoneWhole(classification)
  return undone || classification.class === 'read' ? error : maybeDone(error, statement.text)
}

/** {@link outcomeOf} something that changes data. */
export function maybeDone(error: unknown, sql: string): unknown {
  if (!(error instanceof SluiceError) || !error.connectionLost || error.neverSent) return error
  return new TransactionOutcomeUnknownError(`the answer to this statement was lost (${error.message}); it may have been done`, {
    cause: error, sql, node: error.node,
  })
}

/** What the caller gets. `rows` is the driver's own array. */
export function answer<Row>(result: DriverResult<Row>, node: Node, route: Route, startedAt: number): QueryResult<Row> {
  return {
    rows: result.rows, rowCount: result.rowCount, fields: result.fields, command: result.command, insertId: result.insertId,
    node: node.name, route, durationMs: performance.now() - startedAt, cached: false,
  }
}
