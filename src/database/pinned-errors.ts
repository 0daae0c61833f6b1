import { QueryError, TransactionClosedError } from '../core/errors.js'

/** A statement was asked for in the middle of a stream of the same connection. */
export function besideStream(node: string, sql: string | undefined): QueryError {
  return new QueryError(`${node}: a stream of this connection is still being read, and a statement was asked for`, undefined, {
    node, sql, neverSent: true,
    hint: 'read the rows into an array first (many), or run the statement on another connection ({ ambient: false })',
  })
}

/** A stream's transaction ended before its consumer had read it to the end. */
export function cutShort(node: string, sql: string): TransactionClosedError {
  return new TransactionClosedError('the stream was cut: its transaction ended before all rows were read', {
    node, sql, hint: 'read the stream to its end inside the callback, or leave the loop with break',
  })
}
