import type { Features } from '../core/dialect.js'
import type { Role } from '../core/observer.js'
import { checkOptions } from '../config/check.js'
import { describeGot, oneProblem } from '../config/problem.js'
import { defined } from '../config/shorthands.js'
import type { PoolSettings } from '../core/settings.js'

/**
 * Pool limits with some of them changed, checked like those given at the start.
 *
 * @throws {@link ConfigError} naming the limit, what was expected and what came
 */
export function changedLimits(current: PoolSettings, changes: Partial<PoolSettings>): PoolSettings {
  if (typeof changes as unknown !== 'object' || (changes as unknown) === null) throw oneProblem('pool', 'an object of limits', describeGot(changes, true), 'db.configurePool({ max: 20 })')
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

/**
 * Limits of one node's pool, as the engine can use them: where only one transaction writes at a time the writers' line
 * forms in the pool, in order of arrival, and not at the lock; where there is one session there is one connection.
 */
export function fittingLimits(settings: PoolSettings, role: Role, features: Features, readOnly: boolean): PoolSettings {
  const single = !features.concurrentConnections || (!features.rowLocks && role === 'primary' && !readOnly)
  if (!single) return settings
  const { min, maxIdle } = settings
  return { ...settings, max: 1, min: Math.min(min, 1), maxIdle: maxIdle === undefined ? undefined : Math.min(maxIdle, 1), maxOverflow: 0 }
}
