import assert from 'node:assert/strict'
import { DEFAULTS } from '../../config/defaults.js'
import { limitsFrom, UNLIMITED } from '../../core/deadline.js'
import { QueryCancelledError, QueryTimeoutError } from '../../core/errors.js'
import { errorFromFacts } from '../../core/explain.js'
import { Notifier } from '../../core/notify.js'
import { statement } from '../../core/statement.js'
import type { Loan } from '../../pool/loan.js'
import { Pool } from '../../pool/pool.js'
import { given } from './bench.js'
import type { ConformanceCase, ConformanceTarget } from './target.js'

/** The driver under the library's own pool: deadlines and signals end on the server what they end for the caller. */
export function limitCases(target: ConformanceTarget): ConformanceCase[] {
  return [
    { name: 'a statement past its deadline is cancelled on the server, and its connection works on', run: () => onLoan(target, timesOut) },
    { name: 'an AbortSignal cancels on the server, and the connection works on', run: () => onLoan(target, aborts) },
  ]
}

async function onLoan(target: ConformanceTarget, work: (loan: Loan, sleep: string) => Promise<void>): Promise<void> {
  const { driver, settings } = target
  const pool = new Pool({ ...DEFAULTS.pool, max: 1 }, {
    name: 'conformance', connect: (signal) => driver.connect(settings, signal), notifier: new Notifier([]),
    explain: (cause, context) => errorFromFacts(driver.dialect.describeError(cause), cause, context),
  })
  try {
    const loan = await pool.acquire({ limits: UNLIMITED, label: 'conformance', text: undefined, owner: undefined })
    const startedAt = performance.now()
    await work(loan, given(target.sql.sleep, 'sleep'))
    assert.ok(performance.now() - startedAt < WELL_BEFORE_ITS_END_MS, 'the statement ran to its end')
    assert.equal(Object.keys((await loan.query(statement('select 1 as one'), UNLIMITED)).rows[0] ?? {}).length, 1)
    loan.release()
  } finally {
    await pool.close({ drainMs: 0 })
  }
}

/** The statement runs for thirty seconds. */
const WELL_BEFORE_ITS_END_MS = 15_000

async function timesOut(loan: Loan, sleep: string): Promise<void> {
  await assert.rejects(loan.query(statement(sleep), limitsFrom(200)), QueryTimeoutError)
}

async function aborts(loan: Loan, sleep: string): Promise<void> {
  const controller = new AbortController()
  const running = assert.rejects(loan.query(statement(sleep), limitsFrom(undefined, controller.signal)), QueryCancelledError)
  setTimeout(() => { controller.abort() }, 100)
  await running
}
