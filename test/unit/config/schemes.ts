import { ConfigError, SluiceError } from '../../../src/core/errors.js'
import type { DatabaseOptions } from '../../../src/config/options.js'
import { resolveOptions, type KnownScheme } from '../../../src/config/resolve.js'
import type { Environment } from '../../../src/config/env.js'
import type { ResolvedOptions } from '../../../src/config/resolved.js'

/** The schemes a complete installation knows. */
export const SCHEMES: readonly KnownScheme[] = [
  { scheme: 'postgres', defaultPort: 5432, embedded: false },
  { scheme: 'postgresql', defaultPort: 5432, embedded: false },
  { scheme: 'mysql', defaultPort: 3306, embedded: false },
  { scheme: 'mariadb', defaultPort: 3306, embedded: false },
  { scheme: 'sqlite', defaultPort: undefined, embedded: true },
  { scheme: 'file', defaultPort: undefined, embedded: true },
  { scheme: 'pglite', defaultPort: undefined, embedded: true },
]

/** `resolveOptions` with the schemes above and an empty environment; takes anything, as JavaScript callers do. */
export function resolve(input: unknown, env: Environment = {}): ResolvedOptions {
  return resolveOptions(input as DatabaseOptions, SCHEMES, env)
}

/** The error `run` throws, which must be one of ours. */
export function errorOf(run: () => unknown): SluiceError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown
    throw thrown
  }
  throw new Error('expected an error, got none')
}

/** The ConfigError of options, as `message` and `hint`. */
export function configErrorOf(input: unknown, env: Environment = {}): ConfigError {
  const error = errorOf(() => resolve(input, env))
  if (error instanceof ConfigError) return error
  throw error
}

/** Everything a person or a log could see of an error. */
export function visibleText(error: SluiceError): string {
  return [error.name, error.message, error.hint, error.stack, JSON.stringify(error)].join('\n')
}
