import { ConfigError } from '../../core/errors.js'
import type { HistoryState } from '../history.js'
import type { Migration } from '../migration.js'
import { withSession, type RunParts } from '../run.js'
import { lintMigrations, type LintServer } from './lint.js'
import type { LintOptions, LintResult } from './result.js'

/**
 * Looks through migrations with the rules of the engine; asks a server about versions, sizes and history, unless told not to.
 *
 * @param pendingOf - which of them are still to be applied
 * @throws ConfigError an option is wrong
 */
export async function lint(
  parts: RunParts, all: readonly Migration[], options: LintOptions, pendingOf: (state: HistoryState) => readonly Migration[],
): Promise<LintResult> {
  checkOptions(options)
  const { dialect, facts } = parts.texts
  // without rules of its own an engine has those that hold for every file
  const rules = await facts.lintRules?.() ?? []
  if (options.offline === true) return lintMigrations(all, dialect, rules, undefined)
  return withSession(parts, async (history, session) => {
    const server: LintServer = { version: session.versionNumber, tables: await session.ask(facts.tables) }
    const chosen = options.all === true ? all : pendingOf(await history.read())
    return lintMigrations(chosen, dialect, rules, server)
  })
}

function checkOptions(options: LintOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'all' && name !== 'offline') throw new ConfigError(`migrations.lint: there is no option '${name}'`, { option: name, hint: 'known: all, offline' })
    if (value !== undefined && typeof value !== 'boolean') throw new ConfigError(`migrations.lint: ${name}: expected true or false, got a ${typeof value}`, { option: name })
  }
}
