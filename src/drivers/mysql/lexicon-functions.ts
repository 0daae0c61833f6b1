import type { FunctionClass } from '../../core/lexicon.js'

const READ = `abs count sum min max avg concat now length version`

/** The built-in functions that are known; the others make their statement a write. */
export const mysqlFunctions: ReadonlyMap<string, FunctionClass> = new Map(
  READ.trim().split(/\s+/u).map((name): [string, FunctionClass] => [name, 'read']),
)
