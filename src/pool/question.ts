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
