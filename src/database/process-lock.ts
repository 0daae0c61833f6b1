import type { ConnectionTarget } from '../core/driver.js'
import { remainingMs, sleep } from '../core/deadline.js'
import { LockUnavailable, type HeldLock, type LockRequest } from './lock-request.js'

const POLL_MS = 20

/**
 * The lock of engines that live in this process: nobody else can have the database open. Shared holders are counted,
 * an exclusive one is alone.
 */
const held = new Map<string, number>()
const EXCLUSIVE = -1

/** Takes it for the database this target names. Same contract as a lock on a server. */
export async function takeProcessLock({ scheme, database }: ConnectionTarget, request: LockRequest): Promise<HeldLock> {
  const name = `${scheme} ${database ?? ''} ${String(request.key.id)}`
  const startedAt = performance.now()
  while (!take(name, request.shared)) {
    const waitedMs = performance.now() - startedAt
    request.onWait?.([], waitedMs)
    if (remainingMs(request.limits) <= 0) throw new LockUnavailable([], waitedMs)
    await sleep(POLL_MS, request.limits.signal)
  }
  return {
    heldQuery: undefined,
    check: async () => true,
    release: async () => { give(name, request.shared); return true },
  }
}

function take(name: string, shared: boolean): boolean {
  const holders = held.get(name) ?? 0
  if (holders === EXCLUSIVE || (holders > 0 && !shared)) return false
  held.set(name, shared ? holders + 1 : EXCLUSIVE)
  return true
}

function give(name: string, shared: boolean): void {
  const left = shared ? (held.get(name) ?? 1) - 1 : 0
  if (left > 0) held.set(name, left)
  else held.delete(name)
}
