import { ConnectionError, NoPrimaryError, PoolTimeoutError, ReadOnlyNodeError, SluiceError } from '../core/errors.js'
import type { QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Loan } from '../pool/loan.js'
import type { AcquireRequest } from '../pool/pool.js'
import type { Node } from '../router/node.js'
import type { Router } from '../router/router.js'
import type { Call, Execute } from './execute.js'
import type { Patience, PrimaryLine } from './primary-line.js'

/** What a failover needs of its database. */
export interface FailoverParts {
  readonly router: Router
  readonly line: PrimaryLine
  /** Asks all nodes who they are; resolves when this one has answered or failed to. Never rejects. */
  readonly ask: (node: string | undefined) => Promise<void>
}

/**
 * Runs a statement again on the new primary when the old one is gone and nothing of the statement can have been done:
 * it waits in line until there is one. A write whose fate is unknown is never repeated.
 */
export function failingOver(next: Execute, parts: FailoverParts): Execute {
  return async function failOver<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    const patience: Patience = { since: undefined }
    for (;;) {
      const { primary } = parts.router.roles
      try {
        return await next<Row>(statement, call)
      } catch (error) {
        if (!(error instanceof SluiceError) || !mayRepeatElsewhere(error, call)) throw error
        if (!(error instanceof NoPrimaryError) && !isForPrimary(statement, call, parts.router)) throw error
        await whenMoved(error, primary, { call, patience, reads: call.classification.class === 'read' }, parts)
      }
    }
  }
}

/** Whether the statement can have left no trace: refused, undone by the server, never sent, or only reading. */
function mayRepeatElsewhere(error: SluiceError, call: Call): boolean {
  if (call.limits.signal?.aborted) return false
  return leftNoTrace(error) || (call.classification.class === 'read' && error instanceof ConnectionError && !error.permanent)
}

/** Refused, undone by the server, or never sent. */
function leftNoTrace(error: unknown): boolean {
  if (error instanceof NoPrimaryError || error instanceof ReadOnlyNodeError || error instanceof PoolTimeoutError) return true
  return error instanceof ConnectionError && !error.permanent && (error.neverSent || error.undone)
}

function isForPrimary(statement: Statement, { classification, options }: Call, router: Router): boolean {
  return router.plan(statement.text, classification, options).role === 'primary'
}

/** A wait of one call. */
interface Waiting {
  readonly call: Pick<Call, 'limits'>
  readonly patience: Patience
  readonly reads: boolean
}

/**
 * Resolves when another attempt has a reason to end otherwise: the primary was in doubt or moved since the last one.
 * Throws `error` when it did not, and when the wait is over what {@link PrimaryLine.wait} says.
 */
async function whenMoved(error: SluiceError, before: Node | undefined, { call, patience, reads }: Waiting, parts: FailoverParts): Promise<void> {
  const { roles } = parts.router
  // it says itself that it takes no writes: who does?
  if (error instanceof ReadOnlyNodeError) await parts.ask(error.node)
  if (roles.writable === undefined || error instanceof NoPrimaryError) {
    if (roles.writable === undefined) await parts.line.wait(call.limits, patience, reads, error)
    return
  }
  if (roles.writable === before) throw error
}

/** A connection, and the node it leads to. */
export interface Borrowed {
  readonly node: Node
  readonly loan: Loan
}

/**
 * Lends a connection of the node that `pick` chooses. While there is no primary it waits in line for one, and it comes
 * back to the line where the primary turns out to be gone before a connection could be had.
 */
export async function borrow(pick: () => Node | Promise<Node>, request: AcquireRequest, parts: FailoverParts, reads = false): Promise<Borrowed> {
  const { line, router: { roles } } = parts
  const patience: Patience = { since: undefined }
  for (;;) {
    const node = await line.once(pick, request.limits, patience, reads)
    const before = roles.primary
    try {
      return { node, loan: await node.pool.acquire(request) }
    } catch (error) {
      if (node !== before || !(error instanceof SluiceError) || !leftNoTrace(error)) throw error
      await whenMoved(error, before, { call: request, patience, reads }, parts)
    }
  }
}
