import { withTimeout } from '../core/deadline.js'
import type { Connection } from '../core/driver.js'
import type { SluiceError } from '../core/errors.js'

/** Longest time a connection is given to prove that a cancel sent on it cannot hit a later statement. */
const SETTLE_TIMEOUT_MS = 1_000

/** What is left over when a cancel was sent for a statement. */
export interface Doubt {
  /** Whether the server has taken the cancel request; never rejects. */
  readonly delivered: Promise<boolean>
  /** The statement ended because of the cancel, so the cancel is spent. */
  endedByCancel: boolean
}

/**
 * What settling found: `clean` connections may be lent again, `usable` ones may only serve their present loan to its
 * end (the cancel may still arrive, but it can hit nobody else), `dead` ones must go.
 */
export type Settled = 'clean' | 'usable' | 'dead'

/** Waits until the cancel behind `doubt` is spent, within {@link SETTLE_TIMEOUT_MS}. Never rejects. */
export async function settle(connection: Connection, doubt: Doubt, explain: (cause: unknown) => SluiceError): Promise<Settled> {
  try {
    return await withTimeout(settled(connection, doubt, explain), SETTLE_TIMEOUT_MS, () => new Error('not settled in time'))
  } catch {
    return 'dead'
  }
}

async function settled(connection: Connection, doubt: Doubt, explain: (cause: unknown) => SluiceError): Promise<Settled> {
  const delivered = await doubt.delivered
  if (connection.broken || !await answers(connection, explain)) return 'dead'
  return delivered && doubt.endedByCancel ? 'clean' : 'usable'
}

/** An error in answer to the ping is an answer too: inside a failed transaction every statement gets one. */
async function answers(connection: Connection, explain: (cause: unknown) => SluiceError): Promise<boolean> {
  try {
    await connection.ping()
    return true
  } catch (cause) {
    return !connection.broken && !explain(cause).connectionLost
  }
}
