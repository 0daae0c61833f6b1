import { QueryCancelledError, QueryTimeoutError, SluiceError, type Database } from '../../../src/index.js'
import type { Random } from '../../chaos/random.js'
import type { SimulatedWorld } from './world.js'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

const WRITE = 'insert into entry values (1)'
const READ = 'select n from entry'

/** Someone who works with the database all the time, in every way there is, and remembers what must be seen afterwards. */
export class Caller {
  readonly complaints: string[] = []
  done = 0
  /** What failed since this was last emptied, but for what was meant to. */
  readonly failures: string[] = []
  readonly #db: Database
  readonly #world: SimulatedWorld
  readonly #random: Random
  /** Handed to every call, for as long as all of this lasts: nothing may stay registered with it. */
  readonly #signal: AbortSignal
  #stopped = false

  constructor(db: Database, world: SimulatedWorld, random: Random, signal: AbortSignal) {
    this.#db = db
    this.#world = world
    this.#random = random
    this.#signal = signal
  }

  stop(): void { this.#stopped = true }

  async run(): Promise<void> {
    const ways = [this.#session, this.#transaction, this.#manual, this.#impatient, this.#aborted, this.#stream, this.#cached, this.#pinned]
    while (!this.#stopped) {
      try {
        await this.#random.pick(ways).call(this)
        this.done++
      } catch (error) {
        if (error instanceof Deliberate || (error instanceof SluiceError && error.cause instanceof Deliberate)) continue
        this.failures.push(String(error))
        if (!(error instanceof SluiceError)) this.complaints.push(`no error of the library: ${String(error)}`)
      }
      await sleep(100 + this.#random.below(3_000))
    }
  }

  async #session(): Promise<void> {
    await this.#db.session(async () => {
      await this.#db.execute(WRITE, [], { signal: this.#signal })
      const least = this.#world.history.length - CALLERS
      await this.#sees(least)
      await this.#sees(least)
    })
  }

  /** Others write as well, so what is there at least is known up to what they had under way. */
  async #sees(least: number): Promise<void> {
    const { rows: [row], node, route } = await this.#db.query<{ n: number }>(READ, [], { signal: this.#signal })
    const n = row?.n ?? -1
    if (n < least) this.complaints.push(`read ${String(n)} on ${node} (${route}), where ${String(least)} had been acknowledged`)
  }

  async #transaction(): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await tx.query(READ)
      await tx.execute(WRITE)
      await tx.transaction((inner) => inner.execute(WRITE))
      if (this.#random.below(4) === 0) throw new Deliberate()
    }, { signal: this.#signal, timeoutMs: 8_000 })
  }

  async #manual(): Promise<void> {
    await using tx = await this.#db.begin({ signal: this.#signal })
    await tx.execute(WRITE)
    if (this.#random.below(2) === 0) await tx.commit()
  }

  async #impatient(): Promise<void> {
    await this.#db.query(READ, [], { timeoutMs: 1 + this.#random.below(20), signal: this.#signal }).catch((error: unknown) => {
      if (!(error instanceof QueryTimeoutError)) throw error
    })
  }

  async #aborted(): Promise<void> {
    const controller = new AbortController()
    const timer = setTimeout(() => { controller.abort(new Deliberate()) }, this.#random.below(10))
    try {
      await this.#db.query(READ, [], { signal: controller.signal, target: this.#random.pick(['primary', 'replica']) })
    } catch (error) {
      if (!(error instanceof QueryCancelledError)) throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async #stream(): Promise<void> {
    let left = this.#random.below(30)
    for await (const _ of this.#db.stream('select many', [], { batchSize: 4, signal: this.#signal })) if (left-- <= 0) break
  }

  async #cached(): Promise<void> {
    await this.#db.query(`select n from entry where ${String(this.#random.below(50))} = 0`, [], { cache: { ttlMs: 1_000 }, signal: this.#signal })
  }

  async #pinned(): Promise<void> {
    await this.#db.connection(async (connection) => { await connection.query(READ) }, { signal: this.#signal })
  }
}

/** So many at once. */
export const CALLERS = 8

/** Thrown by the caller's own work. */
class Deliberate extends Error {}
