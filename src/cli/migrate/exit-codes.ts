import { MigrationError, type MigrationFailure } from '../../migrations/errors.js'
import { errorLines } from '../exit.js'

/** Exit codes of `sluice migrate`, by the reason: a deployment reads them. */
const CODES: Readonly<Record<MigrationFailure, number>> = { failed: 1, irreversible: 1, locked: 2, dirty: 3, drift: 4, outOfOrder: 4, missing: 4 }

/** The code of a refusal or failure; undefined: it is no matter of migrations. */
export function exitCodeOf(error: unknown): number | undefined {
  return error instanceof MigrationError ? CODES[error.kind] : undefined
}

/** The same for programs and for people. */
export function refusalLines(error: unknown): { readonly json: unknown; readonly lines: readonly string[] } {
  const { code, kind, message, hint, service, version, statement } = error as MigrationError
  return { json: { error: { code, kind, message, hint, service, version, statement } }, lines: errorLines(error) }
}
