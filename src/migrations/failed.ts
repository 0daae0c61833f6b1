import { QueryError, SluiceError } from '../core/errors.js'
import { asError } from '../core/deadline.js'
import { MigrationError } from './errors.js'
import { titleOf, type Migration, type Script } from './migration.js'
import type { Run } from './run.js'
import { lineOf } from './transaction-control.js'

/**
 * The error of a migration that failed: where, why in the server's words, and what was left of it.
 *
 * @param state - what has become of the migration's work
 * @param at - offset of the failed statement in the file, where it is known
 */
export function failedError(run: Run, migration: Migration, script: Script, thrown: unknown, state: string, at?: number): MigrationError {
  if (thrown instanceof MigrationError && thrown.version !== undefined) return thrown
  const error = asError(thrown)
  const offset = at ?? positionOf(error)
  const place = script.kind === 'sql' && offset !== undefined ? `${script.path}:${String(lineOf(script.text, offset))}` : script.path
  const code = error instanceof QueryError && error.serverCode !== undefined ? ` (${error.serverCode})` : ''
  return new MigrationError('failed', `${titleOf(migration)}: ${error.message}${code}, at ${place}; ${state}`, {
    cause: error, service: migration.service, version: migration.version, node: run.session.node,
    hint: error instanceof SluiceError ? error.hint : undefined,
    connectionLost: error instanceof SluiceError && error.connectionLost,
  })
}

/** Servers that say where in the text they gave up count characters from 1. */
function positionOf(error: Error): number | undefined {
  const position = Number((error.cause as { position?: unknown } | undefined)?.position)
  return Number.isInteger(position) && position > 0 ? position - 1 : undefined
}
