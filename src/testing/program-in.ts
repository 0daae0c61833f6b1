import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** A program of that folder; `undefined` when it is not there or may not be run. */
export function programIn(folder: string, program: string): string | undefined {
  const file = join(folder, program)
  try {
    accessSync(file, constants.X_OK)
    return file
  } catch {
    return undefined
  }
}
