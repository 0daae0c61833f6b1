import { QUERY_CHANNEL, traced, type QueryTrace } from '../core/channels.js'
import { SluiceError } from '../core/errors.js'
import type { Notifier } from '../core/notify.js'
import type { QueryEvent, Role } from '../core/observer.js'
import type { QueryResult, Route } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Node } from '../router/node.js'
import type { Call, Execute } from './execute.js'
import { judge } from './outcome.js'
import type { Statistics } from './statistics.js'

/** What observation needs beside the statement itself. */
export interface ObservedParts {
  readonly statistics: Statistics
  readonly notifier: Notifier
  readonly slowQueryMs: number
  roleOf(node: string): Role
}

/** Counts every attempt and tells the observers; makes no event where nobody listens. */
export function observed(next: Execute, parts: ObservedParts): Execute {
  return function traceable<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    if (!QUERY_CHANNEL.hasSubscribers) return observe<Row>(statement, call)
    return traced(QUERY_CHANNEL, () => observe<Row>(statement, call), () => traceOf(statement, call))
  }

  async function observe<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    const startedAt = performance.now()
    try {
      const result = await next<Row>(statement, call)
      tellDone(statement, call, result, performance.now() - startedAt, parts)
      return result
    } catch (error) {
      tellFailed(statement, call, error, performance.now() - startedAt, parts)
      throw error
    }
  }
}

function tellDone(statement: Statement, call: Call, result: QueryResult<unknown>, durationMs: number, parts: ObservedParts): void {
  parts.statistics.record(parts.roleOf(result.node), durationMs, false, parts.slowQueryMs)
  if (parts.notifier.listens('query')) parts.notifier.notify('query', succeeded(statement, call, result, durationMs, parts))
}

function tellFailed(statement: Statement, call: Call, error: unknown, durationMs: number, parts: ObservedParts): void {
  parts.statistics.record(undefined, durationMs, true, parts.slowQueryMs)
  if (error instanceof SluiceError && parts.notifier.listens('query')) parts.notifier.notify('query', failed(statement, call, error, durationMs, parts))
}

function traceOf({ text, name }: Statement, { attempt, options: { label } }: Call): QueryTrace {
  return { text, name, label, attempt }
}

/** Counts statements that travelled together one by one; of those that failed together the one that was refused. */
export async function observedBatch(
  send: () => Promise<QueryResult[]>, statements: readonly Statement[], call: Call, parts: ObservedParts,
): Promise<QueryResult[]> {
  const [first] = statements
  const startedAt = performance.now()
  try {
    const results = await (first ? traced(QUERY_CHANNEL, send, () => ({ ...traceOf(first, call), text: statements.map(({ text }) => text).join(';\n') })) : send())
    const durationMs = performance.now() - startedAt
    for (const [index, result] of results.entries()) {
      const statement = statements[index]
      if (statement) tellDone(statement, call, result, durationMs, parts)
    }
    return results
  } catch (error) {
    const refused = statements.find(({ text }) => error instanceof SluiceError && error.sql === text) ?? statements[0]
    if (refused) tellFailed(refused, call, error, performance.now() - startedAt, parts)
    throw error
  }
}

/**
 * Hands a stream's batches through; counts it as one statement when it ends, whether all rows were read or not, and
 * tells its node. The duration includes the time the consumer took.
 */
export async function* observedStream<Row>(
  batches: AsyncIterable<Row[]>, statement: Statement, call: Call, node: Node, route: Route, parts: ObservedParts,
): AsyncGenerator<Row[], void, undefined> {
  const startedAt = performance.now()
  let rowCount = 0
  let failure: unknown
  node.inFlight++
  try {
    for await (const rows of batches) {
      rowCount += rows.length
      yield rows
    }
  } catch (error) {
    failure = error
    judge(node, error, performance.now() - startedAt)
    throw error
  } finally {
    node.inFlight--
    if (failure === undefined) node.answered(undefined)
    const durationMs = performance.now() - startedAt
    parts.statistics.record(failure === undefined ? node.role : undefined, durationMs, failure !== undefined, parts.slowQueryMs)
    if (parts.notifier.listens('query')) {
      const error = failure instanceof SluiceError ? failure : undefined
      parts.notifier.notify('query', {
        text: statement.text, name: statement.name, label: call.options.label, node: node.name, role: node.role, route,
        command: undefined, rowCount, durationMs, attempt: call.attempt, error,
      })
    }
  }
}

function succeeded(statement: Statement, call: Call, result: QueryResult<unknown>, durationMs: number, parts: ObservedParts): QueryEvent {
  return {
    text: statement.text, name: statement.name, label: call.options.label, node: result.node, role: parts.roleOf(result.node),
    route: result.route, command: result.command, rowCount: result.rowCount, durationMs, attempt: call.attempt, error: undefined,
  }
}

function failed(statement: Statement, call: Call, error: SluiceError, durationMs: number, parts: ObservedParts): QueryEvent {
  const node = error.node ?? ''
  const route = call.classification.class === 'read' ? 'read' : 'write'
  return {
    text: statement.text, name: statement.name, label: call.options.label, node, role: parts.roleOf(node),
    route, command: undefined, rowCount: 0, durationMs, attempt: call.attempt, error,
  }
}
