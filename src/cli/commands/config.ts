import { loadConfig } from '../../config/file.js'
import type { DatabaseOptions } from '../../config/options.js'
import { redact } from '../../config/redact.js'
import { resolveOptions } from '../../config/resolve.js'
import type { ResolvedOptions } from '../../config/resolved.js'
import { knownSchemes } from '../../database/registry.js'
import { flagOption, textOption } from '../values.js'
import type { Invocation } from '../command.js'
import { EXIT, UsageError } from '../exit.js'
import { print, type Output } from '../output.js'
import { table } from '../table.js'
import { listed } from '../text.js'

/**
 * `sluice config [file]`: the options of a file (or of the environment) as a `Database` would take them, defaults
 * filled in, secrets masked. Opens no connection.
 */
export async function config(invocation: Invocation, output: Output): Promise<number> {
  const options = await chosen(invocation.values[0], textOption(invocation, 'database', undefined), output)
  const shown = shownOptions(resolveOptions(options, knownSchemes(), output.env))
  if (flagOption(invocation, 'json')) print(output.out, JSON.stringify(shown, null, 2))
  else print(output.out, ...table([{ title: 'OPTION' }, { title: 'VALUE' }], flattened(shown), output.style.dim))
  return EXIT.ok
}

async function chosen(file: string | undefined, name: string | undefined, output: Output): Promise<DatabaseOptions | undefined> {
  if (file === undefined) return undefined
  const { databases, ...single } = await loadConfig(file, { env: output.env })
  if (databases === undefined) return single
  const names = Object.keys(databases)
  const wanted = name ?? (names.length === 1 ? names[0] : undefined)
  const found = wanted === undefined ? undefined : databases[wanted]
  if (found !== undefined) return found
  const what = wanted === undefined ? 'the file describes several databases' : `the file has no database '${wanted}'`
  throw new UsageError(what, `choose with --database: ${listed(names)}`)
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
