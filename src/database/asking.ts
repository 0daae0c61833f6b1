import type { Limits } from '../core/deadline.js'
import type { DriverResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Loan } from '../pool/loan.js'
import type { Question } from './causal.js'

/** Runs a statement and hands on the answer to the question behind it. */
export async function asking<Row>(loan: Loan, statement: Statement, question: Question, limits: Limits): Promise<DriverResult<Row>> {
  if (isTold(loan, question)) {
    const result = await loan.query<Row>(statement, limits)
    await learn(loan, result as DriverResult, question)
    return result
  }
  const { result, answer } = await loan.queryThen<Row>(statement, question.statement, limits)
  question.answered(answer, result.command === 'ROLLBACK')
  return result
}

/** The same behind several statements that are sent at once; the last of them ends their transaction. */
export async function askingAll(loan: Loan, send: () => Promise<DriverResult[]>, question: Question): Promise<DriverResult[]> {
  if (isTold(loan, question)) {
    const results = await send()
    await learn(loan, results.at(-1), question)
    return results
  }
  const { result, answer } = await loan.behind(question.statement, send)
  question.answered(answer, result.at(-1)?.command === 'ROLLBACK')
  return result
}

/** Where nothing can be sent ahead of an answer, the answer comes first: it may say what would be asked. */
function isTold({ connection }: Loan, question: Question): boolean {
  return question.told !== undefined && connection.pipeline === undefined
}

async function learn(loan: Loan, result: DriverResult | undefined, question: Question): Promise<void> {
  if (result && question.told?.(result)) return
  question.answered(await loan.ask(question.statement), result?.command === 'ROLLBACK')
}
