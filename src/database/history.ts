import type { Connection } from '../core/driver.js'
import type { DriverResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Node } from '../router/node.js'
import type { Classification } from '../sql/classifier.js'
import type { Causal, Question } from './causal.js'
import type { Progress } from './progress.js'
import { WriteSet } from './recent-writes.js'

const COMMIT_SETTING = /synchronous_commit/i

/**
 * What was written on one borrowed connection since its last commit, and the questions that find out where in the history
 * that commit stands.
 */
export class History {
  readonly #causal: Causal
  readonly #node: Node
  readonly #connection: Connection
  /** The session (read your writes) of the code that took the connection. */
  readonly #progress: Progress | undefined
  #writes = new WriteSet()
  /** The commit may not wait until the log is written out. */
  #unflushed = false

  constructor(causal: Causal, node: Node, connection: Connection) {
    this.#causal = causal
    this.#node = node
    this.#connection = connection
    this.#progress = causal.currentSession()
  }

  /** A statement is about to be sent. */
  sending({ text }: Statement, classification: Classification): void {
    this.#writes.add(classification)
    if (COMMIT_SETTING.test(text)) this.#unflushed = true
  }

  /** What to ask behind the COMMIT of a transaction. */
  behindCommit(wrote: boolean): Question | undefined {
    if (!wrote) return this.#causal.behindRead(this.#node, this.#progress)
    return this.#causal.behindWrite(this.#writes, this.#node, this.#progress, this.#unflushed)
  }

  /**
   * What to ask behind a statement of a lent connection, whose writes are committed one by one, or by the caller's own
   * COMMIT. Inside a transaction block the answer says nothing yet.
   */
  behindStatement(): Question | undefined {
    const question = this.behindCommit(!this.#writes.empty)
    if (!question) return undefined
    const answered: Question['answered'] = (given, undone) => {
      if (this.#connection.idle === false) return
      this.#writes = new WriteSet()
      question.answered(given, undone)
    }
    const told = question.told && ((result: DriverResult): boolean => {
      if (this.#connection.idle === false) return true
      if (question.told?.(result) !== true) return false
      this.#writes = new WriteSet()
      return true
    })
    return { statement: question.statement, answered, ...(told ? { told } : {}) }
  }

  /** It may have been committed, and nobody knows where. */
  doubt(): void { this.#causal.doubt(this.#writes, this.#progress) }

  /** It was undone; what was read before may be newer than what a replica has. */
  undone(): void { this.#progress?.doubt() }
}
