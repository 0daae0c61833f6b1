import { loadConfig } from '../config/file.js'
import type { DatabaseOptions } from '../config/options.js'
import { UsageError } from './exit.js'
import type { Output } from './output.js'
import { listed } from './text.js'

/**
 * The options a file has for one database.
 *
 * @param name - which one, when the file describes several
 * @throws {@link UsageError} there are several and none was named, or there is none of that name
 */
export async function optionsOfFile(file: string, name: string | undefined, output: Output): Promise<DatabaseOptions> {
  const { databases, ...single } = await loadConfig(file, { env: output.env })
  if (databases === undefined) return single
  const names = Object.keys(databases)
  const wanted = name ?? (names.length === 1 ? names[0] : undefined)
  const found = wanted === undefined ? undefined : databases[wanted]
  if (found !== undefined) return found
  const what = wanted === undefined ? 'the file describes several databases' : `the file has no database '${wanted}'`
  throw new UsageError(what, `choose with --database: ${listed(names)}`)
}
