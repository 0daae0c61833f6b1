/** A statement on its way. */
export class Running {
  readonly text: string
  readonly reject: (error: Error) => void
  /** The server has been asked to end it. */
  interrupting = false

  constructor(text: string, reject: (error: Error) => void) {
    this.text = text
    this.reject = reject
  }

  /**
   * MySQL answers `SELECT SLEEP(…)` that was interrupted with a row, as if it had slept to the end. Where the server had
   * been asked to end it, that is an interruption.
   */
  refuseInterrupted(): void {
    if (this.interrupting && SLEEPS.test(this.text)) throw interrupted()
  }
}

const SLEEPS = /^[\s(]*(?:select|do|values)\b.*\b(?:sleep|benchmark|get_lock|is_free_lock)\s*\(/is

function interrupted(): Error {
  return Object.assign(new Error('Query execution was interrupted'), { code: 'ER_QUERY_INTERRUPTED', errno: 1317, sqlState: '70100' })
}
