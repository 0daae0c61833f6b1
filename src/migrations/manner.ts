import type { SplitStatement } from '../sql/split.js'
import { MigrationError } from './errors.js'
import type { Script } from './migration.js'
import type { Run } from './run.js'

/** How one statement of a file without a transaction is sent. */
export interface Manner {
  /**
   * - `alone`: on its own; what does not get its locks has done nothing
   * - `wrapped`: in a transaction of its own, which carries its limits
   * - `selfCommitting`: on its own, and may have committed something whatever it answers: it is not tried again
   */
  readonly mode: 'alone' | 'wrapped' | 'selfCommitting'
  /** Settings for it: of the session, or of the transaction where it is wrapped. */
  readonly before: readonly string[]
}

/**
 * Whoever waits for the lock of a table keeps everybody behind it waiting, too: so a statement waits for a short time
 * only, by default. Not those that stand in nobody's way (CREATE INDEX CONCURRENTLY), which wait for every transaction
 * there is and would only fail. A direct session is ours to set; behind a pooler the limits travel in a transaction
 * around the statement.
 *
 * @throws MigrationError the file asks for limits that do not hold behind this pooler
 */
export function mannersOf(run: Run, script: Script, statements: readonly SplitStatement[]): Manner[] {
  const { facts } = run.history.sql
  // code may have committed anything, and sets its own limits
  if (script.kind === 'code') return statements.map(() => ({ mode: 'selfCommitting', before: [] }))
  const { lockTimeoutMs, statementTimeoutMs } = script.directives
  return statements.map(({ head }, index) => {
    const words = head.join(' ')
    const selfCommitting = facts.selfCommitting?.test(words) === true
    const limits = { lockTimeoutMs: lockTimeoutMs ?? (facts.patient?.test(words) ? 0 : run.config.statementLockTimeoutMs), statementTimeoutMs }
    const mode = selfCommitting ? 'selfCommitting' : 'alone'
    if (!run.session.pooled) return { mode, before: facts.timeouts(limits, false) }
    if (!selfCommitting && !facts.alone?.test(words)) return { mode: 'wrapped', before: facts.timeouts(limits, true) }
    if (lockTimeoutMs === undefined && statementTimeoutMs === undefined) return { mode, before: [] }
    throw new MigrationError('failed', `${script.path}: lock-timeout and statement-timeout of statement ${String(index + 1)}, which runs outside of any transaction, do not hold behind a transaction pooler; nothing was changed`, {
      hint: 'give the database\'s directUrl, past the pooler',
    })
  })
}
