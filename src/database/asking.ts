import type { Limits } from '../core/deadline.js'
import type { DriverResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Loan } from '../pool/loan.js'
import type { Question } from './causal.js'

/** Runs a statement and hands on the answer to the question behind it. */
export async function asking<Row>(loan: Loan, statement: Statement, question: Question, limits: Limits): Promise<DriverResult<Row>> {
  const { result, answer } = await loan.queryThen<Row>(statement, question.statement, limits)
  question.answered(answer, result.command === 'ROLLBACK')
  return result
}

/** The same behind several statements that are sent at once; the last of them ends their transaction. */
export async function askingAll(loan: Loan, send: () => Promise<DriverResult[]>, question: Question): Promise<DriverResult[]> {
  const { result, answer } = await loan.behind(question.statement, send)
  question.answered(answer, result.at(-1)?.command === 'ROLLBACK')
  return result
}
