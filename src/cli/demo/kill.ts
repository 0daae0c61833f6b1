import { sleep } from '../../core/deadline.js'
import { seconds } from '../text.js'
import type { Ledger } from './ledger.js'
import type { Victim } from './servers.js'
import type { Story } from './story.js'

/** What the kill showed. */
export interface KillReport {
  readonly victim: string
  /** From the kill to the start. */
  readonly deadMs: number
  /** Reads answered by the other servers in that time. */
  readonly readsMeanwhile: number
  /** Reads it had answered when it was started again: the server's own count of them died with it. */
  readonly readsBefore: number
  /** From being started again to its first answer; undefined when none came. */
  readonly backAfterMs: number | undefined
}

/** What {@link killAndRevive} works with. */
export interface KillParts {
  readonly victim: Victim
  readonly ledger: Ledger
  readonly story: Story
  /** How long the load lasts. */
  readonly durationMs: number
  readonly signal: AbortSignal
  /** What the `Database` thinks of the victim now. */
  readonly stateOf: (name: string) => string
}

const POLL_MS = 20
const READS_WITHIN_MS = 10_000
const NOTICED_WITHIN_MS = 10_000
const BACK_WITHIN_MS = 20_000

/**
 * Kills the victim after a third of the load and starts it again after somewhat more than half. On a slow machine both come later:
 * it is killed only once it has answered reads, and started again only once the others have answered some without it.
 */
export async function killAndRevive(parts: KillParts): Promise<KillReport> {
  const { victim, ledger, story, durationMs, signal } = parts
  await sleepUntil(parts, durationMs / 3)
  await waitUntil(() => ledger.node(victim.name).reads > 0, READS_WITHIN_MS, signal)
  story.tell(`kill -9 on all processes of ${victim.name}, with reads under way`)
  story.now = `${victim.name} is being killed`
  const killedAt = performance.now()
  await victim.kill()
  const elsewhere = ledger.readsElsewhere(victim.name)
  story.now = `${victim.name} is dead; its reads go elsewhere`
  await waitUntil(() => parts.stateOf(victim.name) === 'down', NOTICED_WITHIN_MS, signal)
  await sleepUntil(parts, durationMs * 0.55)
  await waitUntil(() => ledger.readsElsewhere(victim.name) > elsewhere, READS_WITHIN_MS, signal)
  const report = {
    victim: victim.name, deadMs: performance.now() - killedAt,
    readsMeanwhile: ledger.readsElsewhere(victim.name) - elsewhere, readsBefore: ledger.node(victim.name).reads,
  }
  story.now = `starting ${victim.name} again`
  return { ...report, backAfterMs: await revive(parts, report.readsBefore) }
}

async function revive({ victim, ledger, story, signal }: KillParts, readsBefore: number): Promise<number | undefined> {
  await victim.start()
  const startedAt = performance.now()
  story.tell(`started ${victim.name} again`)
  story.now = `${victim.name} is up; waiting for the health check to notice`
  const back = await waitUntil(() => ledger.node(victim.name).reads > readsBefore, BACK_WITHIN_MS, signal)
  story.now = 'all servers take part'
  if (!back) {
    story.tell(`${victim.name} was given no read`)
    return undefined
  }
  const backAfterMs = performance.now() - startedAt
  story.tell(`${victim.name} takes reads again, ${seconds(backAfterMs)} after it came up`)
  return backAfterMs
}

async function sleepUntil({ story, signal }: KillParts, elapsedMs: number): Promise<void> {
  const left = elapsedMs - story.elapsedMs
  if (left > 0) await sleep(left, signal)
}

async function waitUntil(done: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  for (const expiresAt = performance.now() + timeoutMs; !done();) {
    if (performance.now() > expiresAt) return false
    await sleep(POLL_MS, signal)
  }
  return true
}
