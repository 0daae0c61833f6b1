import type { Limits } from '../core/deadline.js'
import type { QueryOptions } from '../core/queryable.js'
import type { QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Classification } from '../sql/classifier.js'

/**
 * One call of a caller, on its way through the layers. The limits span everything that is done for it; `attempt` is the
 * only field that changes.
 */
export interface Call {
  readonly options: QueryOptions
  readonly classification: Classification
  readonly limits: Limits
  /** `performance.now()` when the caller called. */
  readonly startedAt: number
  /** 1 for the first attempt. */
  attempt: number
  /** Names of nodes that failed it: others are tried first. */
  avoid?: string[] | undefined
}

/**
 * Runs one statement. The innermost one picks a node, borrows a connection and asks the driver; retry, observation and
 * the rest are functions of this same type around it.
 */
export type Execute = <Row>(statement: Statement, call: Call) => Promise<QueryResult<Row>>
