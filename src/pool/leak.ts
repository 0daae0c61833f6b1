import type { Notifier } from '../core/notify.js'
import { describeHolder } from './evidence.js'
import type { Loan } from './loan.js'

/** The stack of whoever is asking for a connection. */
export function captureBorrower(): Error {
  const capture = new Error('the connection was borrowed here')
  capture.name = 'Loan'
  Error.captureStackTrace(capture, captureBorrower)
  return capture
}

/** Tells the observers once when `loan` is held longer than `afterMs`. The pool clears the timer when the loan ends. */
export function watchForLeak(loan: Loan, afterMs: number, node: string, notifier: Notifier): void {
  loan.leakTimer = setTimeout(() => {
    notifier.notify('warning', {
      code: 'SLUICE_POOL_LEAK',
      node,
      message: `a connection of pool "${node}" is held longer than ${afterMs} ms: ${describeHolder(loan.holder(performance.now()))}`,
      error: loan.capture,
    })
  }, afterMs).unref()
}
