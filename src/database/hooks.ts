import { asError } from '../core/deadline.js'
import type { Notifier } from '../core/notify.js'
import { outside } from './ambient.js'

/** What is called after a transaction has ended. */
type Hook = () => unknown

/** The hooks of one transaction or savepoint, in the order they were given. */
export class Hooks {
  readonly #afterCommit: Hook[] = []
  readonly #afterRollback: Hook[] = []

  afterCommit(hook: Hook): void { this.#afterCommit.push(hook) }

  afterRollback(hook: Hook): void { this.#afterRollback.push(hook) }

  /** A released savepoint's hooks share the fate of the transaction around it. */
  promoteTo(outer: Hooks): void {
    outer.#afterCommit.push(...this.#afterCommit)
    outer.#afterRollback.push(...this.#afterRollback)
  }

  /**
   * Calls the hooks of this outcome one after another, outside the transaction: what they run on the database is work
   * of their own. One that throws is reported as a warning and stops nothing. Of an unknown outcome no hook is told.
   */
  async fire(outcome: 'committed' | 'rolled-back' | 'unknown', node: string, notifier: Notifier): Promise<void> {
    if (outcome === 'unknown') return
    for (const hook of outcome === 'committed' ? this.#afterCommit : this.#afterRollback) {
      try {
        await outside(hook)
      } catch (thrown) {
        const error = asError(thrown)
        const message = `a hook after the end of a transaction threw: ${error.message}`
        notifier.notify('warning', { code: 'SLUICE_HOOK_THREW', node, message, error })
      }
    }
  }
}
