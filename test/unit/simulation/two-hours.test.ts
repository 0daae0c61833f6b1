import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { randomFrom } from '../../chaos/random.js'
import { Caller, CALLERS } from './caller.js'
import { FAULTS } from './faults.js'
import { SimulatedWorld } from './world.js'

/** Two hours; `SLUICE_CHAOS_SEED` repeats a run exactly. */
const minutes = Number(process.env['SLUICE_SIMULATED_MINUTES'] ?? 120)
const seed = Number(process.env['SLUICE_CHAOS_SEED'] ?? Math.floor(Math.random() * 1_000_000_000))
const MINUTE = 60_000
/** What the heap may grow by: the noise of a collector. A hundred bytes kept of each piece of work would be more. */
const FLAT_MB = 1.5

const say = (text: string): void => { process.stderr.write(`simulated: seed ${String(seed)}, ${text}\n`) }

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapMb(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed / 1e6
}

beforeEach(() => { vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] }) })
afterEach(() => { vi.useRealTimers() })

describe(`a simulated cluster, seed ${String(seed)}`, () => {
  it(`${String(minutes)} minutes of faults: memory stays flat, nothing older is read, and no timer, connection or listener is left`, async () => {
    const random = randomFrom(seed)
    const world = new SimulatedWorld(random)
    const db = await advancing(world.open({
      pool: { max: 5 }, statementTimeoutMs: 5_000, connectTimeoutMs: 1_000, failoverTimeoutMs: 10_000, health: { intervalMs: 1_000, timeoutMs: 500 },
      consistency: { causalReadsTimeoutMs: 200 },
    }))
    const always = new AbortController()
    const callers = Array.from({ length: CALLERS }, (_, index) => new Caller(db, world, randomFrom(seed + 1 + index), always.signal))
    const running = callers.map((caller) => caller.run())
    const told: string[] = []
    let over = false
    const troubles = (async () => {
      while (!over) {
        const name = random.pick(Object.keys(FAULTS))
        told.push(name)
        await FAULTS[name]?.(world, random)
        await new Promise((resolve) => { setTimeout(resolve, random.below(20_000)) })
      }
    })()
    const failures = (): string[] => callers.flatMap((caller) => caller.failures.splice(0))
    const heap: number[] = []
    let failed = 0
    for (let minute = 0; minute < minutes; minute++) {
      await vi.advanceTimersByTimeAsync(MINUTE)
      world.forget()
      failed += failures().length
      heap.push(heapMb())
      expect(callers.flatMap(({ complaints }) => complaints), `seed ${String(seed)}, minute ${String(minute)}, after: ${told.slice(-3).join('; ')}`).toEqual([])
    }
    over = true
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    await troubles
    const sum = (of: (caller: Caller) => number): number => callers.reduce((total, caller) => total + of(caller), 0)
    failures()
    const done = sum((caller) => caller.done)
    await vi.advanceTimersByTimeAsync(MINUTE)
    for (const caller of callers) caller.stop()
    await vi.advanceTimersByTimeAsync(MINUTE)
    await Promise.all(running)
    say(`${String(told.length)} faults, ${String(done)} pieces of work done, ${String(failed)} failed, heap ${heap.filter((_, index) => index % 10 === 0).map((mb) => mb.toFixed(1)).join(' ')} MB`)
    expect(failures(), 'with all faults over, everything works').toEqual([])
    expect(sum((caller) => caller.done)).toBeGreaterThan(done + CALLERS)
    const [middle = 0, last = 0] = [heap[Math.floor(heap.length / 2)], heap.at(-1)]
    expect(last - middle, 'what the heap grew by in the second half').toBeLessThan(FLAT_MB)
    expect(getEventListeners(always.signal, 'abort')).toEqual([])
    expect(db.stats().nodes.map(({ inUse, waiting }) => ({ inUse, waiting }))).toEqual(world.servers.map(() => ({ inUse: 0, waiting: 0 })))
    await advancing(db.close())
    expect(world.servers.map(({ fake }) => fake.open.length)).toEqual([0, 0, 0])
    expect(vi.getTimerCount()).toBe(0)
  }, 600_000)
})

/** Lets simulated time pass until it settles. */
async function advancing<T>(work: Promise<T>): Promise<T> {
  let settled = false
  const watched = work.finally(() => { settled = true })
  watched.catch(() => undefined)
  while (!settled) await vi.advanceTimersByTimeAsync(10)
  return watched
}
