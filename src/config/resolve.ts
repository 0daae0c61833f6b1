import { ConfigError } from '../core/errors.js'
import type { DatabaseOptions } from './options.js'
import type { ResolvedOptions } from './resolved.js'
import { environment, type Environment } from './env.js'

/** A URL scheme some driver answers to. */
export interface KnownScheme {
  /** Without the colon: `postgres`. */
  readonly scheme: string
  /** Port when the URL names none; undefined for embedded engines. */
  readonly defaultPort: number | undefined
  /** The engine lives inside this process: the URL is a file, not hosts. */
  readonly embedded: boolean
  /** Schemes with the same engine may stand in one database; default: the scheme itself. */
  readonly engine?: string | undefined
}

/** Parses, checks and completes the options of one database. */
export function resolveOptions(
  input: string | DatabaseOptions | undefined, schemes: readonly KnownScheme[], env: Environment = environment(),
): ResolvedOptions {
  throw new ConfigError(`not written yet: ${String(input !== undefined)} ${String(schemes.length)} ${String(Object.keys(env).length)}`)
}
