import { ConfigError } from '../core/errors.js'
import type { MigrationSet } from './migration.js'

/** @throws ConfigError an argument is no whole number, or too small */
export function whole(method: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min) return
  throw new ConfigError(`migrations.${method}: expected a whole number of at least ${String(min)}, got ${String(value)}`)
}

/** @throws ConfigError it is not there, or there are several to choose from */
export function serviceOf({ services }: MigrationSet, wanted: string | undefined): string {
  const [only] = services
  if (wanted === undefined && services.length === 1 && only !== undefined) return only
  if (wanted !== undefined && services.includes(wanted)) return wanted
  throw new ConfigError(wanted === undefined ? 'migrations: there are several services, and none was named' : `migrations: there is no service '${wanted}'`, {
    option: 'service', hint: `one of: ${services.join(', ')}`,
  })
}
