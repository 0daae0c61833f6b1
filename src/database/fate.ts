import { backoffMs } from '../core/backoff.js'
import { limitsFrom, remainingMs, sleep, type Limits } from '../core/deadline.js'
import type { Dialect, Probe, TransactionFate } from '../core/dialect.js'
import type { Node } from '../router/node.js'

const PACE = { baseDelayMs: 20, maxDelayMs: 500 }

/**
 * Asks the server what became of a transaction whose COMMIT was sent and never answered.
 *
 * Only the same primary on the same timeline can know: after a failover the identifier may have been given to another
 * transaction, so a changed timeline means `unknown`. Source: PostgreSQL, `pg_xact_status()`.
 */
export async function resolveFate(
  node: Node, dialect: Dialect, id: string, timeline: number, patienceMs: number,
): Promise<TransactionFate> {
  const ask = dialect.probes.transactionFate
  if (!ask) return 'unknown'
  const limits = limitsFrom(patienceMs)
  for (let attempt = 0; remainingMs(limits) > 0; attempt++) {
    const fate = await askOnce(node, dialect, ask(id), timeline, limits)
    if (fate !== undefined && fate !== 'in-progress') return fate
    await sleep(Math.min(backoffMs(attempt, PACE) + 5, remainingMs(limits)))
  }
  return 'unknown'
}

/** undefined: the server could not be asked now. */
async function askOnce(
  node: Node, dialect: Dialect, probe: Probe<TransactionFate>, timeline: number, limits: Limits,
): Promise<TransactionFate | undefined> {
  try {
    const loan = await node.pool.acquire({ limits, label: 'sluice: transaction fate', text: probe.statement.text, owner: undefined, loyal: true })
    try {
      const facts = dialect.probes.node.read((await loan.query(dialect.probes.node.statement, limits)).rows)
      if (facts.role !== 'primary' || facts.timeline !== timeline) return 'unknown'
      return probe.read((await loan.query(probe.statement, limits)).rows)
    } finally {
      loan.release()
    }
  } catch {
    return undefined
  }
}
