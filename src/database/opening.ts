import type { Limits } from '../core/deadline.js'
import type { SluiceError } from '../core/errors.js'
import type { DriverResult } from '../core/result.js'
import { statement as makeStatement, type Statement } from '../core/statement.js'
import type { BatchProgress, Loan } from '../pool/loan.js'
import type { Classification } from '../sql/classifier.js'

/** One of the caller's statements that may run. */
export interface Admitted {
  readonly statement: Statement
  readonly classification: Classification
}

/** Whether it may travel together with others: a text of several, and COPY's data, need a round trip of their own. */
export function mayRide({ classification: { statements, verb } }: Admitted): boolean {
  return statements === 1 && verb !== 'COPY'
}

/**
 * A BEGIN that has not been sent yet. It rides with the first statement under one Sync: when it fails, that one is not run.
 */
export class Opening {
  readonly #loan: Loan
  readonly #begin: Statement
  #done = false
  /** The server refused it. */
  refusal: Error | undefined
  /** The connection was lost with BEGIN, and nothing that was sent can have been stored: it may have been dead before. */
  lost = false

  constructor(loan: Loan, begin: string) {
    this.#loan = loan
    this.#begin = makeStatement(begin, undefined, false)
  }

  /** Nothing has been sent that the transaction would have to end. */
  get pending(): boolean { return !this.#done }

  /**
   * Opens the transaction together with these statements.
   *
   * @param ends - its COMMIT is among them: when the answer is lost it may have been done
   */
  async send(statements: readonly Statement[], limits: Limits, ends = false): Promise<DriverResult[]> {
    const progress: BatchProgress = { done: 0, failedAt: undefined }
    try {
      const [, ...results] = await this.#loan.batch([this.#begin, ...statements], limits, progress)
      this.#done = true
      return results
    } catch (error) {
      if (progress.done > 0) this.#done = true
      else if (this.#loan.connection.broken) this.lost = !ends || (error as SluiceError).neverSent
      else if (progress.failedAt === 0) this.refusal = error as Error
      // else nothing was sent: the next statement may open it
      throw error
    }
  }
}
