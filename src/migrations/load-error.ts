import { ConfigError } from '../core/errors.js'

/** A file of migrations that cannot be taken as it is. Thrown before anything is asked of a server. */
export function loadError(path: string, problem: string, hint: string): ConfigError {
  return new ConfigError(`${path}: ${problem}; nothing was changed`, { option: 'migrations', hint })
}
