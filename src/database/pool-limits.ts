import { checkOptions } from '../config/check.js'
import { defined } from '../config/shorthands.js'
import type { PoolSettings } from '../core/settings.js'

/**
 * Pool limits with some of them changed, checked like those given at the start.
 *
 * @throws {@link ConfigError} naming the limit, what was expected and what came
 */
export function changedLimits(current: PoolSettings, changes: Partial<PoolSettings>): PoolSettings {
  const given = defined(changes)
  checkOptions({ pool: given })
  const limits: PoolSettings = { ...current, ...given }
  const { maxLifetimeMs, maxLifetimeJitterMs } = limits
  // a shorter lifetime gets less jitter unless that is given too, as at the start
  const shortened = given.maxLifetimeMs !== undefined && given.maxLifetimeJitterMs === undefined
  const settings = shortened ? { ...limits, maxLifetimeJitterMs: Math.min(maxLifetimeJitterMs, Math.floor(maxLifetimeMs / 10)) } : limits
  checkOptions({ pool: settings })
  return settings
}
