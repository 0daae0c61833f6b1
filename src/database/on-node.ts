import type { QueryResult, Route } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import { MOVED, type LaneAnswer } from '../pool/lane.js'
import type { Lanes } from '../pool/lanes.js'
import type { Loan } from '../pool/loan.js'
import type { AcquireRequest } from '../pool/pool.js'
import type { Node } from '../router/node.js'
import { waitingTransactions } from './ambient.js'
import { asking } from './asking.js'
import type { Causal, Question } from './causal.js'
import type { Call } from './execute.js'
import { answer, judge, outcomeOf } from './outcome.js'
import { writeSetOf } from './recent-writes.js'
import { mayStand } from './writes.js'

/** A statement on its way to one node. */
export interface Errand {
  readonly node: Node
  readonly route: Route
  readonly statement: Statement
  readonly call: Call
  readonly causal: Causal
}

/** Runs a statement on its node: on a shared connection where it may share one, else on one of its own. */
export async function onNode<Row>(errand: Errand): Promise<QueryResult<Row>> {
  const { node, call: { classification }, causal } = errand
  const question = causal.question(classification, node)
  const lanes = classification.shareable ? node.lanes : undefined
  if (!lanes) return onLoan<Row>(await node.pool.acquire(requestOf(errand)), errand, question)
  const shared = onLane<Row>(lanes, errand, question)
  if (shared) {
    // on a lane that is stuck: the next one might be, too
    return await shared ?? onLoan<Row>(await node.pool.acquire(requestOf(errand)), errand, question, lanes)
  }
  const loan = await node.pool.acquireOrDivert({ ...requestOf(errand), divertible: true })
  if (loan) return onLoan<Row>(loan, errand, question, lanes)
  return await onLane<Row>(lanes, errand, question) ?? onLoan<Row>(await node.pool.acquire(requestOf(errand)), errand, question, lanes)
}

function requestOf({ statement: { text }, call: { limits, options } }: Errand): AcquireRequest {
  return { limits, label: options.label, text, owner: undefined, owners: waitingTransactions() }
}

/** A statement on a connection of its own; lanes learn how long it takes. */
async function onLoan<Row>(loan: Loan, errand: Errand, question: Question | undefined, lanes?: Lanes): Promise<QueryResult<Row>> {
  const { node, route, statement, call, causal } = errand
  const sentAt = performance.now()
  node.inFlight++
  try {
    const result = question ? await asking<Row>(loan, statement, question, call.limits) : await loan.query<Row>(statement, call.limits)
    const ms = performance.now() - sentAt
    node.answered(ms)
    lanes?.observe(statement.text, ms)
    return answer(result, node, route, call.startedAt)
  } catch (error) {
    judge(node, error, performance.now() - sentAt)
    if (call.classification.class !== 'read' && mayStand(error, call.classification)) causal.doubt(writeSetOf(call.classification))
    throw outcomeOf(error, statement, call.classification)
  } finally {
    node.inFlight--
    loan.release()
  }
}

/** A quick read's way on a shared connection; undefined (or a promise of it) when it has to take an exclusive one after all. */
function onLane<Row>(lanes: Lanes, errand: Errand, question: Question | undefined): Promise<QueryResult<Row> | undefined> | undefined {
  const { statement, call: { limits } } = errand
  if (!question) {
    const shared = lanes.run<Row>(statement, limits)
    return shared && arrival(shared, errand)
  }
  const both = lanes.runThen<Row>(statement, question.statement, limits)
  return both && arrival(both.result, errand).then(async (result) => {
    const given = await both.answer
    if (result) question.answered(given)
    return result
  })
}

async function arrival<Row>(shared: Promise<LaneAnswer<Row>>, { node, route, call }: Errand): Promise<QueryResult<Row> | undefined> {
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
