import { withTimeout } from '../core/deadline.js'
import type { Connection } from '../core/driver.js'
import type { DriverResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'

/** The server has answered the statement before: the answer to a question behind it is a moment away. */
const QUESTION_MS = 2_000

/**
 * The answer to a question that was sent right behind a statement; undefined when it is of a moment before the statement's
 * end: a driver may have had to send the statement once more. Never rejects.
 *
 * One connection answers in order, and what arrives together is handled in one turn of the event loop: a statement that is
 * still open a turn after the question's answer was sent after the question.
 */
export async function answerAfter<T>(statement: Promise<unknown>, question: Promise<T | undefined>): Promise<T | undefined> {
  let settled = false
  const settle = (): void => { settled = true }
  statement.then(settle, settle)
  try {
    const answer = await question
    if (!settled) await new Promise(setImmediate)
    return settled ? answer : undefined
  } catch {
    return undefined
  }
}

/** The answer to a question of our own; undefined when there is none. Never rejects. */
export async function ask(connection: Connection, question: Statement): Promise<DriverResult | undefined> {
  return connection.broken ? undefined : answerTo(connection, connection.query(question))
}

/** Sends something and a question right behind it, in one turn; the question's answer is waited for, too. */
export async function askBehind<T>(
  connection: Connection, question: Statement, send: () => Promise<T>,
): Promise<{ readonly result: T; readonly answer: DriverResult | undefined }> {
  connection.pipeline?.(true)
  const main = send()
  const asked = answerAfter<DriverResult>(main, connection.query(question))
  try {
    const result = await main
    return { result, answer: await answerTo(connection, asked) ?? await ask(connection, question) }
  } finally {
    await answerTo(connection, asked)
    if (!connection.broken) connection.pipeline?.(false)
  }
}

/** Never rejects; a connection that gives no answer in time is dropped. */
async function answerTo(connection: Connection, question: Promise<DriverResult | undefined>): Promise<DriverResult | undefined> {
  try {
    return await withTimeout(question, QUESTION_MS, () => {
      connection.destroy()
      return new Error('no answer')
    })
  } catch {
    return undefined
  }
}
