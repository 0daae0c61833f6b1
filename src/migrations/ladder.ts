import { sleep } from '../core/deadline.js'
import { LockTimeoutError } from '../core/errors.js'
import type { SessionFacts } from '../core/maintenance.js'
import type { Migration } from './migration.js'
import type { Run } from './run.js'
import { describeSession } from './run.js'
import { Watch } from './watch.js'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
/** Between two looks at whether the blocker has gone. */
const LOOK_EVERY_MS = 200

/** A statement did not get its locks, for as long as it was tried. */
class StillBlocked extends Error {
  readonly blockers: readonly SessionFacts[]
  constructor(cause: LockTimeoutError, blockers: readonly SessionFacts[], attempts: number, triedMs: number) {
    const names = blockers.length === 0 ? 'who blocks could not be seen' : blockers.map(describeSession).join('; ')
    super(`no table lock after ${String(attempts)} attempts in ${(triedMs / 1_000).toFixed(1)} s; blocked by ${names}`, { cause })
    this.name = 'StillBlocked'
    this.blockers = blockers
  }
}

/**
 * Tries until the table locks are had: every attempt waits for a short time only, because whoever comes after a waiting
 * ALTER TABLE waits behind it. Between attempts it gets out of the way, for longer and longer, and comes back at once
 * when those who blocked have gone.
 *
 * @param subject - the migration that is being tried
 * @param attempt - leaves nothing behind when it throws LockTimeoutError
 * @throws StillBlocked after `lockRetryMs`
 */
export async function climb<T>(run: Run, subject: () => Migration, attempt: (number: number) => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const watch = new Watch(run)
  try {
    for (let number = 1; ; number++) {
      try {
        return await watch.during(() => attempt(number))
      } catch (error) {
        if (!(error instanceof LockTimeoutError)) throw error
        const triedMs = performance.now() - startedAt
        run.tell({ phase: 'blocked', durationMs: triedMs, blockers: watch.blockers, error }, subject())
        if (triedMs >= run.config.lockRetryMs) throw new StillBlocked(error, watch.blockers, number, triedMs)
        await pause(run, watch, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (number - 1)))
      }
    }
  } finally {
    await watch.close()
  }
}

async function pause(run: Run, watch: Watch, forMs: number): Promise<void> {
  for (const end = performance.now() + forMs; performance.now() < end;) {
    await sleep(Math.min(LOOK_EVERY_MS, end - performance.now()), run.limits.signal)
    if (await watch.allGone()) return
  }
}
