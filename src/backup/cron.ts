import { createRequire } from 'node:module'
import type * as CronerPackage from 'croner'
import { asError } from '../core/deadline.js'
import { ConfigError } from '../core/errors.js'

/** Times a cron expression names, in a time zone. */
export interface CronTimes {
  /** The last time before `at`; undefined when there was none. */
  before(at: Date): Date | undefined
  /** The first time after `at`; undefined when there is none any more. */
  after(at: Date): Date | undefined
}

/**
 * Reads a cron expression: five fields, or six with seconds first. The package that does it is loaded here, on first use.
 *
 * @throws {@link ConfigError} it is none, or there is no such time zone
 */
export function cronTimes(cron: string, timezone: string): CronTimes {
  const { Cron } = createRequire(import.meta.url)('croner') as typeof CronerPackage
  try {
    const times = new Cron(cron, { timezone, paused: true })
    // a time zone is looked at only when it is needed
    times.nextRun()
    return {
      before: (at) => times.previousRuns(1, at)[0],
      after: (at) => times.nextRun(at) ?? undefined,
    }
  } catch (cause) {
    throw new ConfigError(`backup.schedule: expected a cron expression and a time zone, got '${cron}' in '${timezone}': ${asError(cause).message}`, {
      cause, option: 'backup.schedule', hint: "for example { cron: '0 3 * * *', timezone: 'Europe/Berlin' }",
    })
  }
}
