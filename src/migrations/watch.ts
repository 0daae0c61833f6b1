import { limitsFrom, sleep } from '../core/deadline.js'
import type { SessionFacts } from '../core/maintenance.js'
import type { Probe } from '../core/probe.js'
import { openDedicated, type DedicatedSession } from '../database/dedicated.js'
import type { Run } from './run.js'

const LOOK_EVERY_MS = 40
const QUESTION_MS = 1_000

/**
 * Looks from a second connection at whom the migrating one waits for. It is opened at the first attempt after one that
 * was blocked; what it cannot see is no error.
 */
export class Watch {
  readonly #run: Run
  #session: DedicatedSession | undefined
  #useless = false
  /** Questions, by their place, that the server did not answer. */
  readonly #unanswered = new Set<number>()
  #attempts = 0
  /** Those seen in front of the last blocked attempt. */
  blockers: readonly SessionFacts[] = []

  constructor(run: Run) {
    this.#run = run
    this.#useless = run.assembly.driver.dialect.maintenance === undefined || run.identity === undefined
  }

  /** Runs `work`, looking from the second attempt on. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#attempts++ === 0 || this.#useless) return work()
    let over = false
    const looking = this.#look(() => over)
    try {
      return await work()
    } finally {
      over = true
      await looking
    }
  }

  async #look(over: () => boolean): Promise<void> {
    while (!over()) {
      const found = await this.#ask()
      if (found.length > 0) this.blockers = found
      await sleep(LOOK_EVERY_MS)
    }
  }

  async #ask(): Promise<readonly SessionFacts[]> {
    const { assembly, identity } = this.#run
    const { maintenance } = assembly.driver.dialect
    if (this.#useless || !maintenance || !identity) return []
    try {
      this.#session ??= await openDedicated(assembly, 'sluice: who blocks', limitsFrom(QUESTION_MS))
      for (const [place, probe] of maintenance.blockers(identity.id).entries()) {
        const found = this.#unanswered.has(place) ? [] : await this.#answer(this.#session, place, probe)
        if (found.length > 0) return found
      }
    } catch {
      this.#useless = true
    }
    return []
  }

  /** A connection that is lost ends the looking; a question that is refused is not asked again. */
  async #answer(session: DedicatedSession, place: number, probe: Probe<readonly SessionFacts[]>): Promise<readonly SessionFacts[]> {
    try {
      return await session.ask(probe, limitsFrom(QUESTION_MS))
    } catch (error) {
      if (session.broken) throw error
      this.#unanswered.add(place)
      return []
    }
  }

  /** Whether those who blocked have ended what they were doing. */
  async allGone(): Promise<boolean> {
    const { maintenance } = this.#run.assembly.driver.dialect
    if (!this.#session || this.#useless || !maintenance || this.blockers.length === 0) return false
    try {
      for (const { id } of this.blockers) {
        if (await this.#session.ask(maintenance.inTransaction(id), limitsFrom(QUESTION_MS))) return false
      }
      return true
    } catch {
      this.#useless = true
      return false
    }
  }

  async close(): Promise<void> {
    await this.#session?.close()
  }
}
