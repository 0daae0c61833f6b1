import type { Limits } from '../core/deadline.js'
import type { LockKey, SessionFacts } from '../core/maintenance.js'

/** What is wanted, and for how long one may wait. */
export interface LockRequest {
  readonly key: LockKey
  readonly shared: boolean
  readonly limits: Limits
  /** Told, at growing intervals, that somebody else holds it. */
  readonly onWait?: ((holders: readonly SessionFacts[], waitedMs: number) => void) | undefined
}

/** The lock was not had in time. */
export class LockUnavailable extends Error {
  readonly holders: readonly SessionFacts[]
  readonly waitedMs: number
  constructor(holders: readonly SessionFacts[], waitedMs: number) {
    super('the lock is held by another session')
    this.name = 'LockUnavailable'
    this.holders = holders
    this.waitedMs = waitedMs
  }
}

/** A lock that is held. */
export interface HeldLock {
  /** A query for one boolean (whether it is still held), where the engine can be asked so; without parameters. */
  readonly heldQuery: string | undefined
  /** Whether it is still held. */
  check(limits: Limits): Promise<boolean>
  /** Gives it back; false = it had been lost on the way. Never rejects. */
  release(): Promise<boolean>
}
