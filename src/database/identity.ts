import type { Probe } from '../core/dialect.js'
import type { Question } from './causal.js'

/**
 * The identifier by which a server can be asked what became of a transaction. It is asked for right behind the first
 * statement that may write, so that it costs no round trip of its own, and is known long before COMMIT is sent.
 */
export class Identity {
  readonly #probe: Probe<string> | undefined
  #id: string | undefined

  /** @param probe - undefined: the engine cannot tell fates */
  constructor(probe: Probe<string> | undefined) { this.#probe = probe }

  /** undefined: not known yet, or there is none. */
  get id(): string | undefined { return this.#id }

  /** What to ask behind a statement that may write; undefined once it is known. */
  question(): Question | undefined {
    const probe = this.#id === undefined ? this.#probe : undefined
    // no answer: the statement failed; it is asked for behind the next one, or before COMMIT
    return probe && { statement: probe.statement, answered: (answer) => { this.#id = answer && probe.read(answer.rows) } }
  }
}
