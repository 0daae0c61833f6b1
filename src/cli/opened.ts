import { asError } from '../core/deadline.js'
import { optionsFromEnvironment } from '../config/env.js'
import { Database } from '../facade/database.js'
import { optionsOfFile } from './chosen-options.js'
import type { Invocation } from './command.js'
import type { Output } from './output.js'
import { textOption } from './values.js'

/**
 * Runs `use` with the database of `--config` (else of the environment), closed afterwards whatever happens. A primary that
 * cannot be reached does not keep `use` from being called: that is what it may be there to show.
 *
 * @param name - which one, when the file describes several
 */
export async function withDatabase<T>(
  invocation: Invocation, output: Output, name: string | undefined, use: (db: Database, failure: Error | undefined) => Promise<T>,
): Promise<T> {
  const file = textOption(invocation, 'config', undefined)
  const options = file === undefined ? optionsFromEnvironment(output.env).options : await optionsOfFile(file, name, output)
  const db = new Database({ ...options, pool: { ...options.pool, min: 0 } })
  try {
    let failure: Error | undefined
    try {
      await db.connect()
    } catch (error) {
      failure = asError(error)
    }
    return await use(db, failure)
  } finally {
    await db.close({ drainMs: 1_000 })
  }
}
