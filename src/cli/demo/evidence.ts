import { sleep } from '../../core/deadline.js'
import type { Activity, Contents, DemoEngine } from './engine.js'
import type { DemoServer } from './servers.js'

/** What one server says, asked alone after the load had ended. */
export interface Evidence extends Contents, Partial<Activity> {
  readonly name: string
  readonly role: DemoServer['role']
}

/** What we expect each server to have counted. */
export interface ExpectedActivity {
  readonly reads: number
  readonly inserts: number
}

const POLL_MS = 100
const CAUGHT_UP_WITHIN_MS = 30_000
const COUNTED_WITHIN_MS = 15_000

/**
 * Waits until every replica has replayed all that the primary has written.
 *
 * @throws Error naming the replica that has not
 */
export async function waitForReplicas(engine: DemoEngine, servers: readonly DemoServer[], signal: AbortSignal): Promise<void> {
  const [primary, ...replicas] = servers
  if (primary === undefined) return
  const position = await engine.position(primary.ask)
  await Promise.all(replicas.map(async ({ name, ask }) => {
    const done = await poll(() => engine.hasReplayed(ask, position), (replayed) => replayed, CAUGHT_UP_WITHIN_MS, signal)
    if (!done) throw new Error(`${name} has not replayed the primary's log after ${String(CAUGHT_UP_WITHIN_MS / 1_000)} s`)
  }))
}

/**
 * Asks every server. Sessions deliver their counts when they end, which a server may notice a moment after we closed
 * them: a count that is too low is asked for again, for a while.
 *
 * @param before - what the primary had counted before the load, which is the making of the tables
 */
export async function gatherEvidence(
  engine: DemoEngine, servers: readonly DemoServer[], schema: string,
  before: Activity | undefined, expected: (name: string) => ExpectedActivity, signal: AbortSignal,
): Promise<readonly Evidence[]> {
  await waitForReplicas(engine, servers, signal)
  // First what was counted, then what is there: the second question is itself a read.
  const activities = await Promise.all(servers.map(async ({ name, role, ask }) => {
    const { reads, inserts } = expected(name)
    const complete = (activity: Activity): boolean => activity.reads >= reads && activity.inserts >= inserts
    if (!engine.activity || !before) return undefined
    const count = engine.activity
    const ours = async (): Promise<Activity> => since(await count(ask, schema), role === 'primary' ? before : UNCOUNTED)
    return poll(ours, complete, COUNTED_WITHIN_MS, signal)
  }))
  const contents = await Promise.all(servers.map(({ ask }) => engine.contents(ask, schema)))
  return servers.map(({ name, role }, index) => ({ name, role, ...NOTHING, ...contents[index], ...activities[index] }))
}

const UNCOUNTED: Activity = { reads: 0, inserts: 0, changes: 0 }
const NOTHING: Contents = { rows: 0, distinctIds: 0, idSum: 0, balance: 0, replica: false }

function since(now: Activity, before: Activity): Activity {
  return { reads: now.reads - before.reads, inserts: now.inserts - before.inserts, changes: now.changes - before.changes }
}

/**
 * What the primary has counted once the session that made the tables has delivered its counts.
 *
 * @param rows - rows that session has inserted
 */
export async function countedBefore(engine: DemoEngine, { ask }: DemoServer, schema: string, rows: number, signal: AbortSignal): Promise<Activity | undefined> {
  if (!engine.activity) return undefined
  const count = engine.activity
  return poll(() => count(ask, schema), ({ changes }) => changes >= rows, COUNTED_WITHIN_MS, signal)
}

/** Asks until the answer is good or the time is over; the last answer. */
async function poll<T>(ask: () => Promise<T>, good: (answer: T) => boolean, timeoutMs: number, signal: AbortSignal): Promise<T> {
  for (const expiresAt = performance.now() + timeoutMs; ;) {
    const answer = await ask()
    if (good(answer) || performance.now() > expiresAt) return answer
    await sleep(POLL_MS, signal)
  }
}
