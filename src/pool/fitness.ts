import { withTimeout } from '../core/deadline.js'
import type { Connection } from '../core/driver.js'
import { statement } from '../core/statement.js'

/** A connection that does not answer a ping for so long is given up. */
const PING_TIMEOUT_MS = 1_000

/** Whether the connection answers; never rejects and always ends. */
export async function answersPing(connection: Connection, validationQuery: string | undefined): Promise<boolean> {
  try {
    const answer = validationQuery === undefined ? connection.ping() : connection.query(statement(validationQuery))
    await withTimeout<unknown>(answer, PING_TIMEOUT_MS, () => new Error('no answer to the ping'))
    return !connection.broken
  } catch {
    return false
  }
}
