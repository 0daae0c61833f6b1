import { asError } from '../core/deadline.js'
import { ReadOnlyNodeError } from '../core/errors.js'
import type { Notifier } from '../core/notify.js'
import type { QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Node } from '../router/node.js'
import type { Decision, Plan, Router } from '../router/router.js'
import type { Causal } from './causal.js'
import type { Call, Execute } from './execute.js'
import { onNode } from './on-node.js'
import type { Wanted } from './progress.js'
import { fingerprintOf } from './rows.js'

/** The innermost {@link Execute}: picks a node, borrows a connection, asks the driver. */
export function makeRun(router: Router, causal: Causal, notifier: Notifier): Execute {
  return async function run<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    const wanted = wantedBy(causal, call)
    const decision = wanted ? await decide(router, causal, wanted, statement, call) : pick(router, statement, call)
    const { node, route } = decision
    try {
      return await onNode<Row>({ node, route, statement, call, causal })
    } catch (error) {
      if (!refusedByReplica(error, decision)) throw error
      const primary = takeToPrimary(router, node, statement, error, notifier)
      return onNode<Row>({ node: primary.node, route: primary.route, statement, call, causal })
    }
  }
}

/** What a read has to include; only of a proven read can it be said where it may run. */
function wantedBy(causal: Causal, { classification, options }: Call): Wanted | undefined {
  return classification.class === 'read' ? causal.wanted(classification, options) : undefined
}

function decide(router: Router, causal: Causal, wanted: Wanted, statement: Statement, call: Call): Promise<Decision> {
  return causal.decide(() => planned(router, statement, call), wanted, call.options, call.limits)
}

function pick(router: Router, statement: Statement, call: Call): Decision {
  const { classification, options } = call
  if (!call.avoid) return router.pick(statement.text, classification, options)
  return router.decide(planned(router, statement, call), classification.class === 'read', options)
}

/** Nodes that failed this call already are asked again only where there is no other. */
function planned(router: Router, { text }: Statement, { classification, options, avoid }: Call): Plan {
  const plan = router.plan(text, classification, options)
  const others = avoid ? plan.candidates.filter(({ name }) => !avoid.includes(name)) : plan.candidates
  return others.length > 0 ? { ...plan, candidates: others } : plan
}

/** The node for a statement; waits for a replica to catch up where the statement has to include something. */
export async function pickFor(router: Router, causal: Causal, statement: Statement, call: Call): Promise<Decision> {
  const wanted = wantedBy(causal, call)
  return wanted ? decide(router, causal, wanted, statement, call) : pick(router, statement, call)
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
