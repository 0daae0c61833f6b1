import { SluiceError, type SluiceErrorOptions } from '../core/errors.js'

/**
 * Why migrations refuse, or failed.
 *
 * - `dirty`: an earlier run ended in the middle of a file that cannot be undone
 * - `locked`: another session held the lock for too long
 * - `drift`: a file is no longer what was applied
 * - `outOfOrder`: a file is older than what is applied already
 * - `missing`: a file that was applied is not there
 * - `irreversible`: there is no way down
 * - `failed`: a statement failed
 */
export type MigrationFailure = 'dirty' | 'locked' | 'drift' | 'outOfOrder' | 'missing' | 'irreversible' | 'failed'

const MIGRATION_CODES: Readonly<Record<MigrationFailure, string>> = {
  dirty: 'SLUICE_MIGRATION_DIRTY',
  locked: 'SLUICE_MIGRATION_LOCKED',
  drift: 'SLUICE_MIGRATION_DRIFT',
  outOfOrder: 'SLUICE_MIGRATION_OUT_OF_ORDER',
  missing: 'SLUICE_MIGRATION_MISSING',
  irreversible: 'SLUICE_MIGRATION_IRREVERSIBLE',
  failed: 'SLUICE_MIGRATION_FAILED',
}

/** Options of a {@link MigrationError}. */
export interface MigrationErrorOptions extends SluiceErrorOptions {
  readonly service?: string | undefined
  readonly version?: number | undefined
  /** The statement of the file it is about, counted from 1. */
  readonly statement?: number | undefined
}

/** Migrations refuse to run, or one failed. The message says what was found, what to do, and what was changed. */
export class MigrationError extends SluiceError {
  readonly kind: MigrationFailure
  readonly service: string | undefined
  readonly version: number | undefined
  readonly statement: number | undefined
  constructor(kind: MigrationFailure, message: string, options: MigrationErrorOptions = {}) {
    super(MIGRATION_CODES[kind], message, options)
    this.kind = kind
    this.service = options.service
    this.version = options.version
    this.statement = options.statement
  }
}
