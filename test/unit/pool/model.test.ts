import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNLIMITED } from '../../../src/core/deadline.js'
import { SluiceError } from '../../../src/core/errors.js'
import { statement } from '../../../src/core/statement.js'
import type { Loan } from '../../../src/pool/loan.js'
import type { FakeConnection } from '../../../src/testing/fake-driver.js'
import { fakeError } from '../../../src/testing/fake-driver.js'
import { request, rig, turn, type Rig } from './support.js'

/** What the world may do to a pool, one thing at a time. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('acquire' as const), abortable: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('query' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('discard' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('releaseTwice' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('configure' as const), max: fc.integer({ min: 1, max: 4 }), min: fc.integer({ min: 0, max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('server' as const), up: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ping' as const), ok: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface Wait {
  readonly number: number
  readonly controller: AbortController | undefined
  done: boolean
}

/** The pool and what must be true of it. */
class World {
  readonly #rig: Rig
  readonly #held: Loan[] = []
  readonly #ended: Loan[] = []
  readonly #waits: Wait[] = []
  readonly #served: number[] = []
  #room: number
  readonly #overflow: number

  constructor(max: number, maxOverflow: number, validation: 'idle' | 'always' | 'never') {
    this.#rig = rig({ max, maxOverflow, validation, acquireTimeoutMs: 60_000 })
    this.#room = max
    this.#overflow = maxOverflow
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      await this.#do(one)
      this.#check()
    }
    await this.#wind()
  }

  async #do(one: Step): Promise<void> {
    const { pool, server } = this.#rig
    switch (one.do) {
      case 'acquire': this.#acquire(one.abortable); break
      case 'release': this.#end(one.which, (loan) => { loan.release() }); break
      case 'discard': this.#end(one.which, (loan) => { loan.discard('model') }); break
      case 'releaseTwice': pick(this.#ended, one.which)?.release(); break
      case 'query': pick(this.#held, one.which)?.query(statement('select 1'), UNLIMITED).catch(expectOurs); await turn(); break
      case 'abort': pick(this.#waits.filter((wait) => !wait.done), one.which)?.controller?.abort(); break
      case 'break': pick([...server.open], one.which)?.break(); break
      case 'reset': void pool.reset(); break
      case 'configure': {
        this.#room = Math.max(this.#room, one.max)
        pool.configure({ max: one.max, min: one.min })
        break
      }
      case 'server': server.connectError = one.up ? undefined : fakeError('refused'); break
      case 'ping': server.pinging = one.ok ? 'answers' : 'fails'; break
      case 'turn': await turn()
    }
  }

  #acquire(abortable: boolean): void {
    const wait: Wait = { number: this.#waits.length, controller: abortable ? new AbortController() : undefined, done: false }
    this.#waits.push(wait)
    const limits = { expiresAt: Infinity, signal: wait.controller?.signal }
    this.#rig.pool.acquire(request({ limits })).then((loan) => {
      wait.done = true
      this.#served.push(wait.number)
      this.#held.push(loan)
      this.#check()
    }, (error: unknown) => {
      wait.done = true
      expectOurs(error)
    })
  }

  #end(which: number, end: (loan: Loan) => void): void {
    const loan = pick(this.#held, which)
    if (!loan) return
    this.#held.splice(this.#held.indexOf(loan), 1)
    this.#ended.push(loan)
    end(loan)
  }

  #check(): void {
    const { pool, server } = this.#rig
    const stats = pool.stats()
    const lent = this.#held.map((loan) => loan.connection)
    expect(new Set(lent).size, 'one borrower per connection').toBe(lent.length)
    expect(server.overlaps, 'one statement at a time per connection').toBe(0)
    expect(server.open.length, 'open connections').toBeLessThanOrEqual(this.#room + this.#overflow)
    expect(stats.openConnections).toBe(stats.inUse + stats.idle + stats.checking)
    expect(stats.inUse).toBeGreaterThanOrEqual(this.#held.length)
    expect(this.#served, 'served in order of arrival').toEqual([...this.#served].sort((a, b) => a - b))
  }

  /** The world calms down: whoever still waits must be served, and closing must leave nothing. */
  async #wind(): Promise<void> {
    const { pool, server } = this.#rig
    server.connectError = undefined
    server.pinging = 'answers'
    const patience = performance.now() + 3_000
    while (this.#waits.some((wait) => !wait.done) && performance.now() < patience) {
      for (let loan = this.#held[0]; loan; loan = this.#held[0]) this.#end(0, (held) => { held.release() })
      await turn()
      this.#check()
    }
    expect(this.#waits.filter((wait) => !wait.done), 'every wait ends').toEqual([])
    for (let loan = this.#held[0]; loan; loan = this.#held[0]) this.#end(0, (held) => { held.release() })
    await pool.close({ drainMs: 100 })
    expect(server.open.map((connection: FakeConnection) => connection.id), 'nothing left open').toEqual([])
    expect(pool.stats()).toMatchObject({ openConnections: 0, inUse: 0, idle: 0, waiting: 0, connecting: 0 })
  }
}

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items[which % (items.length || 1)]
}

function expectOurs(error: unknown): void {
  expect(error).toBeInstanceOf(SluiceError)
}

describe('a pool under any sequence of events', () => {
  it('keeps its promises: bounded, exclusive, in order, and every wait ends', async () => {
    await fc.assert(fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 1 }), fc.constantFrom('idle', 'always', 'never'),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (max, overflow, validation, steps) => new World(max, overflow, validation).run(steps),
    ), { numRuns: 150, interruptAfterTimeLimit: 20_000 })
  })
})
