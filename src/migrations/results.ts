import type { AppliedMigration } from './apply.js'
import type { StatusEntry } from './assess.js'
import type { MigrationError } from './errors.js'
import type { RehearsedMigration } from './rehearse.js'
import type { RunOptions } from './run.js'

/** What `up` did. */
export interface UpResult {
  readonly applied: readonly AppliedMigration[]
}

/** What `down` did. */
export interface DownResult {
  readonly reverted: readonly AppliedMigration[]
}

/** What would happen. */
export interface MigrationPlan {
  /** What `up()` would apply, in this order. */
  readonly pending: readonly StatusEntry[]
  /** Why nothing may run; undefined = it may. */
  readonly refusal: MigrationError | undefined
  /** With `rehearse`: how every one of them went. */
  readonly rehearsal?: readonly RehearsedMigration[] | undefined
}

/** How to plan. */
export interface PlanOptions extends RunOptions {
  /**
   * Tries what is pending, and tells the locks that were taken: `true` in a transaction that is rolled back, `scratch` on a scratch
   * database (PostgreSQL) on which everything is applied, also what cannot run in a transaction, and code.
   */
  readonly rehearse?: boolean | 'scratch' | undefined
}

/** Options of calls that concern one service of several. */
export interface ServiceOptions extends RunOptions {
  readonly service?: string | undefined
}
