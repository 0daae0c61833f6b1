import { ReadOnlyNodeError, StatementNotAllowedError } from '../core/errors.js'
import type { QueryOptions } from '../core/queryable.js'
import type { Statement } from '../core/statement.js'
import type { Classification } from '../sql/classifier.js'

/**
 * Refuses, before anything leaves, what a pooled connection must not run.
 *
 * @throws {@link StatementNotAllowedError} session-bound or transaction-control statement; not a proven read
 * @throws {@link ReadOnlyNodeError} a write on a database opened with `readOnly: true`
 */
export function guardPooled(statement: Statement, classification: Classification, options: QueryOptions, readOnly: boolean): void {
  if (classification.class === 'session') {
    throw new StatementNotAllowedError('session', `this statement is bound to one connection and runs inside db.connection() or db.transaction() only: ${classification.why}`, {
      sql: statement.text, hint: 'db.connection(async (connection) => …) lends one and resets it after',
    })
  }
  if (classification.class === 'transaction-control') {
    throw new StatementNotAllowedError('transaction-control', `this statement controls a transaction, which only db.transaction() and db.begin() do: ${classification.why}`, {
      sql: statement.text, hint: 'db.transaction(async (tx) => …) commits when the callback returns and rolls back when it throws',
    })
  }
  guardRead(statement, classification, options, readOnly)
}

/** The part of {@link guardPooled} that also holds on a pinned connection. */
export function guardRead(statement: Statement, classification: Classification, options: QueryOptions, readOnly: boolean): void {
  if (classification.class === 'read') return
  if (options.readOnly) {
    throw new StatementNotAllowedError('not-read', `not a proven read: ${classification.why}`, {
      sql: statement.text, hint: 'drop readOnly, or name its functions in routing.readOnlyFunctions',
    })
  }
  if (readOnly) {
    throw new ReadOnlyNodeError(`the database was opened with readOnly: true, and this is no proven read: ${classification.why}`, {
      sql: statement.text, neverSent: true, hint: 'open the database without readOnly to write',
    })
  }
}

/** What would let writes into a transaction that was promised to have none. */
const LIFTS_READ_ONLY = /\btransaction_read_only\b|\bread\s+write\b/i

/**
 * Inside a transaction, the transaction itself is only ended through its own methods, and one that was opened read-only
 * stays so: what is known of its outcome, and of the tables it changed, depends on it.
 */
export function guardInTransaction(statement: Statement, classification: Classification, readOnly: boolean): void {
  if (readOnly && classification.class !== 'read' && LIFTS_READ_ONLY.test(statement.text)) {
    throw new StatementNotAllowedError('session', 'a transaction opened with readOnly: true cannot be made writable', {
      sql: statement.text, hint: 'open it without readOnly',
    })
  }
  if (classification.class !== 'transaction-control') return
  throw new StatementNotAllowedError('transaction-control', `inside a transaction: ${classification.why}`, {
    sql: statement.text, hint: 'use tx.commit(), tx.rollback() or tx.transaction() for a savepoint',
  })
}
