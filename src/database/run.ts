import { asError } from '../core/deadline.js'
import { ConnectionError, ReadOnlyNodeError, SluiceError, TransactionOutcomeUnknownError } from '../core/errors.js'
import type { Notifier } from '../core/notify.js'
import type { DriverResult, QueryResult, Route } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import { MOVED, type LaneAnswer } from '../pool/lane.js'
import type { Lanes } from '../pool/lanes.js'
import type { Loan } from '../pool/loan.js'
import type { AcquireRequest } from '../pool/pool.js'
import type { Node } from '../router/node.js'
import type { Decision, Router } from '../router/router.js'
import type { Classification } from '../sql/classifier.js'
import { waitingTransactions } from './ambient.js'
import type { Call, Execute } from './execute.js'
import { isUndoneWhole } from './retried.js'
import { fingerprintOf } from './rows.js'

/** The innermost {@link Execute}: picks a node, borrows a connection, asks the driver. */
export function makeRun(router: Router, notifier: Notifier): Execute {
  return async function run<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    const decision = router.pick(statement.text, call.classification, call.options)
    const { node, route } = decision
    try {
      return await runOn<Row>(node, route, statement, call)
    } catch (error) {
      if (!refusedByReplica(error, decision)) throw error
      const primary = takeToPrimary(router, node, statement, error, notifier)
      return runOn<Row>(primary.node, primary.route, statement, call)
    }
  }
}

/** The replica did nothing and said so: the one error after which the primary may be asked at once. */
export function refusedByReplica(error: unknown, { role, route }: Decision): boolean {
  return error instanceof ReadOnlyNodeError && role === 'replica' && (route === 'read' || route === 'hint')
}

/** From now on this text goes to the primary; operators are told. */
export function takeToPrimary(router: Router, refusedBy: Node, statement: Statement, error: unknown, notifier: Notifier): Decision {
  const primary = router.pickPrimary('wrong-node', 'a replica refused it')
  router.demote(statement.text)
  notifier.notify('warning', {
    code: 'SLUICE_WRONG_NODE', node: refusedBy.name, error: asError(error),
    message: `a statement taken for a read was refused by a replica; it goes to the primary from now on (fingerprint ${fingerprintOf(statement.text)})`,
  })
  return primary
}

async function runOn<Row>(node: Node, route: Route, statement: Statement, call: Call): Promise<QueryResult<Row>> {
  const lanes = call.classification.shareable ? node.lanes : undefined
  if (!lanes) return onLoan<Row>(await node.pool.acquire(requestOf(statement, call)), node, route, statement, call)
  const shared = lanes.run<Row>(statement, call.limits)
  if (shared) {
    const result = await onLane(shared, node, route, call)
    // on a lane that is stuck: the next one might be, too
    return result ?? onLoan<Row>(await node.pool.acquire(requestOf(statement, call)), node, route, statement, call, lanes)
  }
  const loan = await node.pool.acquireOrDivert({ ...requestOf(statement, call), divertible: true })
  if (loan) return onLoan<Row>(loan, node, route, statement, call, lanes)
  const diverted = lanes.run<Row>(statement, call.limits)
  const result = diverted && await onLane(diverted, node, route, call)
  return result ?? onLoan<Row>(await node.pool.acquire(requestOf(statement, call)), node, route, statement, call, lanes)
}

function requestOf({ text }: Statement, { limits, options }: Call): AcquireRequest {
  return { limits, label: options.label, text, owner: undefined, owners: waitingTransactions() }
}

/** A statement on a connection of its own; lanes learn how long it takes. */
async function onLoan<Row>(loan: Loan, node: Node, route: Route, statement: Statement, call: Call, lanes?: Lanes): Promise<QueryResult<Row>> {
  const sentAt = performance.now()
  node.inFlight++
  try {
    const result = await loan.query<Row>(statement, call.limits)
    const ms = performance.now() - sentAt
    node.answered(ms)
    lanes?.observe(statement.text, ms)
    return answer(result, node, route, call.startedAt)
  } catch (error) {
    judge(node, error, performance.now() - sentAt)
    throw outcomeOf(error, statement, call.classification)
  } finally {
    node.inFlight--
    loan.release()
  }
}

/** A quick read's way on a shared connection; undefined when it has to take an exclusive one after all. */
async function onLane<Row>(shared: Promise<LaneAnswer<Row>>, node: Node, route: Route, call: Call): Promise<QueryResult<Row> | undefined> {
  const sentAt = performance.now()
  node.inFlight++
  try {
    const result = await shared
    if (result === MOVED) return undefined
    node.answered(performance.now() - sentAt)
    return answer(result, node, route, call.startedAt)
  } catch (error) {
    judge(node, error, performance.now() - sentAt)
    throw error
  } finally {
    node.inFlight--
  }
}

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
