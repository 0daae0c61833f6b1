import { redact } from '../../config/redact.js'
import { resolveOptions } from '../../config/resolve.js'
import type { ResolvedOptions } from '../../config/resolved.js'
import { knownSchemes } from '../../database/registry.js'
import { optionsOfFile } from '../chosen-options.js'
import { flagOption, textOption } from '../values.js'
import type { Invocation } from '../command.js'
import { EXIT } from '../exit.js'
import { print, type Output } from '../output.js'
import { table } from '../table.js'

/**
 * `sluice config [file]`: the options of a file (or of the environment) as a `Database` would take them, defaults
 * filled in, secrets masked. Opens no connection.
 */
export async function config(invocation: Invocation, output: Output): Promise<number> {
  const [file] = invocation.values
  const options = file === undefined ? undefined : await optionsOfFile(file, textOption(invocation, 'database', undefined), output)
  const shown = shownOptions(resolveOptions(options, knownSchemes(), output.env))
  if (flagOption(invocation, 'json')) print(output.out, JSON.stringify(shown, null, 2))
  else print(output.out, ...table([{ title: 'OPTION' }, { title: 'VALUE' }], flattened(shown), output.style.dim))
  return EXIT.ok
}

/** A copy to show. Hooks and the like have no text: what is there is said, not printed. */
function shownOptions(options: ResolvedOptions): Readonly<Record<string, unknown>> {
  const { primary, replicas, direct, logger, observers, ...rest } = options
  return redact({ primary, replicas, direct, ...rest, logger: logger && '[logger]', observers: observers.length === 0 ? [] : '[observers]' }) as Record<string, unknown>
}

/** `pool.max 10`, one row for each value. Options that are not set are left out. */
function flattened(value: unknown, path = ''): string[][] {
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null) return [[path, typeof value === 'string' && value !== '' ? value : JSON.stringify(value)]]
  const entries = Object.entries(value)
  if (entries.length === 0) return [[path, Array.isArray(value) ? '[]' : '{}']]
  return entries.flatMap(([name, item]) => flattened(item, path === '' ? name : `${path}.${name}`))
}
