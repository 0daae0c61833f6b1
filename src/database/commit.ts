import { asError, remainingMs, type Limits } from '../core/deadline.js'
import type { Dialect, TransactionFate } from '../core/dialect.js'
import { ConnectionError, SluiceError, TransactionOutcomeUnknownError, TransactionRolledBackError } from '../core/errors.js'
import { resolveFate } from './fate.js'
import type { PinnedSession } from './pinned.js'

/** How an attempt to commit ended. `refused`: the server still has the transaction open, or has aborted it. */
export type CommitOutcome =
  | { readonly state: 'committed'; readonly error?: undefined }
  | { readonly state: 'refused' | 'rolled-back' | 'unknown'; readonly error: Error }

/** What the fate of a transaction is asked with. */
interface Identity {
  readonly id: string
  readonly timeline: number
}

/** How long the server is asked about a COMMIT whose answer was lost: at least, at most. */
const PATIENCE_MS = [2_000, 10_000] as const

/**
 * Sends COMMIT and finds out what became of it. Never rejects.
 *
 * @param keyed - the server is not asked what became of a lost COMMIT: an idempotency key tells, on whichever server
 *
 * Invariant: `committed` only when the server said so, and `refused` or `rolled-back` only when nothing was stored.
 */
export async function commit(session: PinnedSession, dialect: Dialect, limits: Limits, keyed = false): Promise<CommitOutcome> {
  const node = session.node.name
  let identity: Identity | undefined
  try {
    if (session.lost) return { state: 'refused', error: session.lost }
    if (session.unopened) return { state: 'committed' }
    if (session.wrote && !keyed) identity = await learnIdentity(session, dialect, limits)
  } catch (error) {
    // nothing is stored before COMMIT is sent
    const aborted = error instanceof TransactionRolledBackError
    return { state: 'refused', error: aborted ? session.conflict ?? rolledBack(node, error) : asError(error) }
  }
  try {
    const { command } = await session.control('COMMIT', limits, session.history.behindCommit(session.wrote))
    if (command !== 'ROLLBACK') return { state: 'committed' }
    return { state: 'refused', error: session.conflict ?? rolledBack(node, undefined) }
  } catch (error) {
    if (error instanceof ConnectionError && error.undone) return { state: 'rolled-back', error: undoneAtCommit(node, error) }
    const lost = error instanceof SluiceError && error.connectionLost && !error.neverSent
    if (lost) return lostCommit(session, dialect, limits, identity, error)
    return { state: 'refused', error: asError(error) }
  }
}

/**
 * Whether a transaction whose COMMIT rode with its statements may be committed all the same when that failed: its identifier
 * cannot be known before, so the server cannot be asked. undefined: nothing was stored.
 */
export function unknownWhole(session: PinnedSession, error: unknown): TransactionOutcomeUnknownError | undefined {
  const lost = error instanceof SluiceError && error.connectionLost && !error.neverSent
  if (!lost || !session.wrote || (error instanceof ConnectionError && error.undone)) return undefined
  const node = session.node.name
  const message = `${node}: the answer to a batch was lost together with that to its COMMIT; it may have been done`
  return new TransactionOutcomeUnknownError(message, { cause: error, node })
}

/** The transaction's identifier, and the timeline it is good for. */
async function learnIdentity(session: PinnedSession, dialect: Dialect, limits: Limits): Promise<Identity | undefined> {
  const { transactionId, node } = dialect.probes
  if (!transactionId) return undefined
  const timeline = session.node.facts?.timeline ?? node.read((await session.control(node.statement.text, limits)).rows).timeline
  if (timeline === undefined) return undefined
  return { id: session.identity.id ?? transactionId.read((await session.control(transactionId.statement.text, limits)).rows), timeline }
}

async function lostCommit(
  session: PinnedSession, dialect: Dialect, limits: Limits, identity: Identity | undefined, cause: SluiceError,
): Promise<CommitOutcome> {
  const node = session.node.name
  // the server is asked on another connection, and this one may hold the pool's last place
  await session.end()
  if (!session.wrote) {
    const message = `${node}: the connection was lost at COMMIT of a transaction that changed nothing`
    return { state: 'rolled-back', error: new ConnectionError('lost', message, { cause, node, connectionLost: true }) }
  }
  const [least, most] = PATIENCE_MS
  const patienceMs = Math.min(most, Math.max(least, remainingMs(limits)))
  const fate: TransactionFate = identity
    ? await resolveFate(session.node, dialect, identity.id, identity.timeline, patienceMs)
    : 'unknown'
  if (fate !== 'aborted') session.history.doubt()
  if (fate === 'committed') return { state: 'committed' }
  if (fate === 'aborted') {
    const message = `${node}: the connection was lost at COMMIT; the server says that the transaction was rolled back`
    const error = new TransactionRolledBackError(message, { cause, node, transient: true, connectionLost: true })
    return { state: 'rolled-back', error }
  }
  const message = `${node}: the answer to COMMIT was lost and the server could not say whether it was done`
  return { state: 'unknown', error: new TransactionOutcomeUnknownError(message, { cause, node }) }
}

function undoneAtCommit(node: string, cause: Error): TransactionRolledBackError {
  return new TransactionRolledBackError(`${node}: the server ended the session at COMMIT and rolled the transaction back`, {
    cause, node, transient: true, connectionLost: true,
  })
}

function rolledBack(node: string, cause: Error | undefined): TransactionRolledBackError {
  return new TransactionRolledBackError(`${node}: the transaction could not be committed: an earlier error had aborted it`, {
    node, cause, hint: 'a statement failed and its error was swallowed; use tx.transaction() to try something that may fail',
  })
}
