import { configFromContent, type LoadedConfig } from '../config/file.js'
import type { DatabaseOptions } from '../config/options.js'
import { ConfigError } from '../core/errors.js'

/**
 * Several databases by name: what {@link loadConfig} makes of a file with `dbs:` or `databases:`, the same written in
 * code, or the content of such a file, in any spelling, under `dbs`.
 */
export interface ManagerConfig {
  readonly databases?: Readonly<Record<string, string | DatabaseOptions>> | undefined
  readonly dbs?: Readonly<Record<string, unknown>> | undefined
}

/** The databases of a configuration. @throws ConfigError there are none by name, or the content of `dbs` is wrong */
export function configuredDatabases(config: ManagerConfig | LoadedConfig): ReadonlyMap<string, string | DatabaseOptions> {
  const given: unknown = config
  if (typeof given !== 'object' || given === null) throw refused(typeof given)
  const databases: unknown = 'dbs' in given && given.dbs !== undefined ? configFromContent(given, 'config').databases : config.databases
  if (typeof databases !== 'object' || databases === null || Array.isArray(databases)) throw refused('none')
  return new Map(Object.entries(databases as Readonly<Record<string, string | DatabaseOptions>>))
}

function refused(got: string): ConfigError {
  return new ConfigError(`databases: expected an object of databases by name, got ${got}`, {
    option: 'databases', hint: "{ databases: { main: 'postgres://…' } }, or the answer of loadConfig() for a file with dbs: or databases:; for one database use Database",
  })
}
