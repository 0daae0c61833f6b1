import type { DatabaseOptions, NodeOptions } from '../config/options.js'
import { ConfigError } from '../core/errors.js'
import type { PasswordSource } from '../core/driver.js'

/** What differs from the configured database. */
export interface Difference {
  readonly database?: string | undefined
  readonly user?: string | undefined
  readonly password?: PasswordSource | undefined
}

/**
 * The options of a configured database with another database name or user, on every server. The password of the
 * configured user is never sent for another one.
 *
 * @throws ConfigError the servers are those of the environment
 */
export function derivedOptions(configured: string | DatabaseOptions, difference: Difference): DatabaseOptions {
  const options = typeof configured === 'string' ? { primary: configured } : configured
  const { primary, replicas, directUrl } = options
  if (primary === undefined) {
    throw new ConfigError('primary: expected the configured server, got none: it is taken from the environment', {
      option: 'primary', hint: 'another database or user needs a configured primary, such as ${DATABASE_URL} in a file',
    })
  }
  const derived = (server: string | NodeOptions): NodeOptions => derivedServer(server, difference)
  return {
    ...options,
    primary: derived(primary),
    ...replicas === undefined ? {} : { replicas: replicas.map(derived) },
    ...directUrl === undefined ? {} : { directUrl: derived(directUrl) },
  }
}

function derivedServer(server: string | NodeOptions, { database, user, password }: Difference): NodeOptions {
  return {
    ...typeof server === 'string' ? { url: server } : server,
    ...database === undefined ? {} : { database },
    ...user === undefined ? {} : { user, password: password ?? '' },
  }
}
