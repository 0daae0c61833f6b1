import { createHash } from 'node:crypto'
import { asError, remainingMs, sleep, withinMs, type Limits } from '../core/deadline.js'
import { SluiceError } from '../core/errors.js'
import type { LockFacts, LockKey, LockMode, SessionFacts } from '../core/maintenance.js'
import type { Assembly } from './assemble.js'
import { openDedicated, type DedicatedSession } from './dedicated.js'
import { LockUnavailable, type HeldLock, type LockRequest } from './lock-request.js'
import { takeProcessLock } from './process-lock.js'

/** Every lock of this library is in one namespace: `slui` in ASCII. */
const SPACE = 0x736c7569

/**
 * The lock under which a database is changed (exclusive) or copied (shared): migrations and backups exclude each other by
 * it. `name` tells apart histories that live in one database.
 */
export function maintenanceKey(name: string): LockKey {
  return { space: SPACE, id: createHash('sha256').update(name).digest().readInt32BE(0) }
}

/**
 * Takes the lock. On a direct connection it is a lock of `session` itself: should this process die, it lives exactly as
 * long as the statement the server is still busy with. Behind a transaction pooler, where sessions are not ours, it is
 * kept in an idle transaction of a second connection. It is polled, never waited for: a waiting session holds a
 * snapshot, and CREATE INDEX CONCURRENTLY in the other one would wait for that.
 *
 * @throws {@link LockUnavailable} when the limits end first; whatever is asked afterwards, this attempt never gets it
 */
export async function takeLock(assembly: Assembly, session: DedicatedSession, request: LockRequest): Promise<HeldLock> {
  const lock = assembly.driver.dialect.maintenance?.lock
  if (!lock) return takeProcessLock(assembly.options.primary.target, request)
  return session.pooled ? pooledLock(assembly, lock, request) : sessionLock(session, lock, request)
}

async function sessionLock(session: DedicatedSession, lock: LockFacts, request: LockRequest): Promise<HeldLock> {
  const mode = { shared: request.shared, inTransaction: false }
  await poll(request, {
    attempt: (limits) => session.ask(lock.tryAcquire(request.key, mode), limits),
    holders: (limits) => session.ask(lock.holders(request.key), limits),
  })
  // Whoever has it gets it again at once.
  const limits = withinMs({ ...request.limits, expiresAt: Infinity }, QUESTION_MS)
  const twice = lock.reaffirm !== undefined && await session.ask(lock.tryAcquire(request.key, mode), limits)
  const held = twice && lock.reaffirm ? lock.reaffirm(request.key, mode) : lock.holds(request.key, session.id)
  const giveBack = (): Promise<boolean> => session.ask(lock.release(request.key, mode)).catch(() => false)
  return {
    heldQuery: held.statement.text,
    check: (within) => session.ask(held, within),
    release: async () => (twice ? await giveBack() : true) && giveBack(),
  }
}

async function pooledLock(assembly: Assembly, lock: LockFacts, request: LockRequest): Promise<HeldLock> {
  const keeper = await openDedicated(assembly, 'sluice: keeping a lock', request.limits)
  try {
    const mode: LockMode = { shared: request.shared, inTransaction: true }
    const id = await keepInTransaction(keeper, lock, request, mode, assembly)
    const held = lock.holds(request.key, id)
    return {
      heldQuery: held.statement.text,
      check: async (limits) => !keeper.broken && await keeper.ask(held, limits),
      release: () => endKeeping(keeper),
    }
  } catch (error) {
    await keeper.close()
    throw error
  }
}

/** The server's own name for the session that keeps the lock: inside the transaction it is fixed. */
async function keepInTransaction(
  keeper: DedicatedSession, lock: LockFacts, request: LockRequest, mode: LockMode, { driver }: Assembly,
): Promise<number> {
  const { maintenance } = driver.dialect
  let id = keeper.id
  await poll(request, {
    attempt: async (limits) => {
      for (const text of lock.waitingTransaction) await keeper.query(text, undefined, limits)
      if (maintenance) ({ id } = await keeper.ask(maintenance.session, limits))
      const taken = await keeper.ask(lock.tryAcquire(request.key, mode), limits)
      // Losers sleep outside of any transaction.
      if (!taken) await keeper.query('rollback', undefined, limits)
      return taken
    },
    holders: (limits) => keeper.ask(lock.holders(request.key), limits),
  })
  return id
}

async function endKeeping(keeper: DedicatedSession): Promise<boolean> {
  try {
    const { command } = await keeper.query('commit')
    return command === 'COMMIT'
  } catch {
    return false
  } finally {
    await keeper.close()
  }
}

interface Polling {
  attempt(limits: Limits): Promise<boolean>
  holders(limits: Limits): Promise<readonly SessionFacts[]>
}

const POLL_MIN_MS = 100
const POLL_MAX_MS = 300
/** Between two questions about who holds it. */
const HOLDERS_EVERY_MS = 1_000
/** One question may take so long, beside what is left of the wait. */
const QUESTION_MS = 5_000

/** Tries until it is had. Every question has limits of its own, so that a silent server ends the wait, too. */
async function poll(request: LockRequest, polling: Polling): Promise<void> {
  const { limits } = request
  const startedAt = performance.now()
  let askedAt = -Infinity
  let holders: readonly SessionFacts[] = []
  for (;;) {
    if (await polling.attempt(withinMs({ ...limits, expiresAt: Infinity }, QUESTION_MS))) return
    const waitedMs = performance.now() - startedAt
    if (performance.now() - askedAt > HOLDERS_EVERY_MS || remainingMs(limits) < POLL_MAX_MS) {
      askedAt = performance.now()
      holders = await holdersNow(polling, limits, holders)
      request.onWait?.(holders, waitedMs)
    }
    if (remainingMs(limits) <= 0) throw new LockUnavailable(holders, waitedMs)
    await sleep(Math.min(remainingMs(limits), POLL_MIN_MS + Math.random() * (POLL_MAX_MS - POLL_MIN_MS)), limits.signal)
  }
}

/** Who holds it is a courtesy: not being able to tell changes nothing. */
async function holdersNow(polling: Polling, limits: Limits, known: readonly SessionFacts[]): Promise<readonly SessionFacts[]> {
  try {
    return await polling.holders(withinMs({ ...limits, expiresAt: Infinity }, QUESTION_MS))
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.connectionLost) throw thrown
    if (limits.signal?.aborted) throw asError(limits.signal.reason)
    return known
  }
}
