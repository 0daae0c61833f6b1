import { limitsFrom } from '../core/deadline.js'
import type { Loan } from '../pool/loan.js'
import type { Admitted } from './opening.js'

/** How long a session may take to be reset before its connection is thrown away instead. */
const RESET_MS = 2_000

/** In what condition a connection comes back. */
export interface Condition {
  /** A statement may have changed the session's state. */
  readonly dirty: boolean
  /** Set when the connection was lost. */
  readonly lost: Error | undefined
}

/** Gives a connection back, reset where its state may have changed, discarded where it is not certain. */
export async function giveBack(loan: Loan, { dirty, lost }: Condition): Promise<void> {
  if (lost || loan.connection.broken) return void loan.discard('lost')
  if (loan.connection.idle === false) return void loan.discard('left inside a transaction')
  if (!dirty) return void loan.release()
  try {
    await loan.reset(limitsFrom(RESET_MS))
    loan.release()
  } catch {
    loan.discard('its session state could not be reset')
  }
}

/** Ends with the transaction: needs no reset. */
const TRANSACTION_LOCAL = /^\s*set\s+(local|constraints|transaction)\b/i

/** Whether a statement may leave the session in another state than it found it. */
export function dirties({ statement, classification }: Admitted): boolean {
  return classification.class === 'session' && !(classification.statements === 1 && TRANSACTION_LOCAL.test(statement.text))
}
