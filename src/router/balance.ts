import { ConfigError } from '../core/errors.js'
import type { BalanceCandidate, BalanceFunction, BalanceStrategy } from '../core/settings.js'

/** Chooses among nodes that qualify. Never called with an empty list. */
export type Balance<Candidate extends BalanceCandidate> = (nodes: readonly Candidate[]) => Candidate

function roundRobin(): BalanceFunction {
  let turn = 0
  return (nodes) => at(nodes, turn++ % nodes.length)
}

function leastConnections(): BalanceFunction {
  const tieBreaker = roundRobin()
  return (nodes) => {
    let least = Infinity
    for (const node of nodes) if (node.inFlight < least) least = node.inFlight
    const idlest = nodes.filter((node) => node.inFlight === least)
    return tieBreaker(idlest)
  }
}

/** Smooth weighted round robin, as nginx does it: shares follow the weights and no node gets its share in a burst. */
function weighted(): BalanceFunction {
  const credit = new WeakMap<BalanceCandidate, number>()
  return (nodes) => {
    let total = 0
    let best = at(nodes, 0)
    let bestCredit = -Infinity
    for (const node of nodes) {
      total += node.weight
      const now = (credit.get(node) ?? 0) + node.weight
      credit.set(node, now)
      if (now > bestCredit) { best = node; bestCredit = now }
    }
    credit.set(best, bestCredit - total)
    return best
  }
}

/**
 * Power of two choices over the expected wait `responseMs * (inFlight + 1)` (peak-EWMA). Two random candidates instead
 * of the global best keep many processes from rushing to the same node. Source: Mitzenmacher, "The Power of Two Choices
 * in Randomized Load Balancing", 2001; peak-EWMA as in Twitter's Finagle.
 */
function fastestResponse(random: () => number): BalanceFunction {
  const cost = (node: BalanceCandidate): number => (node.responseMs || 0.1) * (node.inFlight + 1)
  return (nodes) => {
    if (nodes.length === 1) return at(nodes, 0)
    const first = Math.floor(random() * nodes.length)
    const second = (first + 1 + Math.floor(random() * (nodes.length - 1))) % nodes.length
    const [a, b] = [at(nodes, first), at(nodes, second)]
    return cost(a) <= cost(b) ? a : b
  }
}

function at<T>(items: readonly T[], index: number): T {
  return items[index] as T
}

/** The function behind a strategy's name. A caller's own function is checked: it must return one of the given nodes. */
export function balance<Candidate extends BalanceCandidate>(
  strategy: BalanceStrategy | BalanceFunction, random: () => number = Math.random,
): Balance<Candidate> {
  const choose = typeof strategy === 'function' ? checked(strategy) : builtIn(strategy, random)
  return choose as unknown as Balance<Candidate>
}

function builtIn(strategy: BalanceStrategy, random: () => number): BalanceFunction {
  switch (strategy) {
    case 'round-robin': return roundRobin()
    case 'least-connections': return leastConnections()
    case 'weighted': return weighted()
    case 'fastest-response': return fastestResponse(random)
    case 'random': return (nodes) => at(nodes, Math.floor(random() * nodes.length))
  }
}

function checked(strategy: BalanceFunction): BalanceFunction {
  return (nodes) => {
    const chosen = called(strategy, nodes)
    if (nodes.includes(chosen)) return chosen
    throw new ConfigError(`routing.strategy returned something that is not one of the ${String(nodes.length)} nodes it was given`, {
      option: 'routing.strategy', hint: 'return an element of the array',
    })
  }
}

function called(strategy: BalanceFunction, nodes: readonly BalanceCandidate[]): BalanceCandidate {
  try {
    return strategy(nodes)
  } catch (cause) {
    throw new ConfigError('routing.strategy threw instead of returning one of the nodes it was given', { cause, option: 'routing.strategy' })
  }
}
