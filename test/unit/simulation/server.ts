import type { Dialect, NodeFacts } from '../../../src/core/dialect.js'
import { statement, type Statement } from '../../../src/core/statement.js'
import type { DriverResult } from '../../../src/core/result.js'
import { fakeError, fakeResult, FakeServer, type FakeConnection } from '../../../src/testing/fake-driver.js'
import type { Random } from '../../chaos/random.js'

/** When each write was committed, in simulated milliseconds; the position of a server is how many of them it has. */
export class History {
  #dropped = 0
  #times: number[] = []

  get length(): number { return this.#dropped + this.#times.length }

  append(): number {
    this.#times.push(performance.now())
    return this.length
  }

  /** How many writes there were at that time. */
  lengthAt(time: number): number {
    const later = this.#times.findLastIndex((at) => at <= time)
    return this.#dropped + later + 1
  }

  /** Forgets the times of writes that every server has had for long. */
  forgetBefore(time: number): void {
    const kept = this.#times.filter((at) => at > time)
    this.#dropped += this.#times.length - kept.length
    this.#times = kept
  }
}

/** Its servers tell the test's own facts; positions are how many writes there were. */
const SIMULATED: Partial<Dialect> = {
  probes: {
    node: { statement: statement('simulated: node'), read: ([row]) => row?.['facts'] as NodeFacts },
    distance: undefined, transactionId: undefined, transactionFate: undefined,
  },
  positions: {
    here: { statement: statement('simulated: position'), read: ([row]) => String(row?.['position']) },
    of: ({ position }: NodeFacts) => position,
    merge: (one, other) => Number(one) > Number(other) ? one : other,
    includes: (has, wanted) => Number(has) >= Number(wanted),
    isPosition: (text) => /^\d+$/.test(text),
  },
}

/** A server of a simulated cluster: replicates, dies, freezes, is promoted. All of its time is simulated. */
export class SimulatedServer {
  readonly host: string
  readonly fake = new FakeServer(SIMULATED)
  role: NodeFacts['role']
  timeline = 1
  /** Milliseconds a replica is behind. */
  delayMs = 5
  /** Milliseconds an answer takes. */
  latencyMs = 1
  /** COMMITs whose answers are still to be lost. */
  losing = 0
  #alive = true
  #thawed: Gate | undefined
  #position = 0
  /** With a write that is not committed. */
  readonly #pending = new WeakSet<FakeConnection>()
  readonly #history: History
  readonly #random: Random

  constructor(host: string, role: NodeFacts['role'], history: History, random: Random) {
    this.host = host
    this.role = role
    this.#history = history
    this.#random = random
    this.fake.respond(/^/, (asked, connection) => this.#answer(asked, connection))
  }

  get alive(): boolean { return this.#alive }

  get position(): number {
    if (this.role === 'replica' && this.#alive && !this.#thawed) {
      this.#position = Math.max(this.#position, this.#history.lengthAt(performance.now() - this.delayMs))
    }
    return this.#position
  }

  kill(): void {
    this.#position = this.position
    this.#alive = false
    this.fake.connectError = fakeError('refused')
    this.fake.crash()
  }

  start(): void {
    this.#alive = true
    this.fake.connectError = undefined
  }

  /** From now on it takes everything and answers nothing. */
  freeze(): void {
    this.#position = this.position
    this.#thawed = withResolvers()
    this.fake.connectGate = this.#thawed.promise
    this.fake.closeGate = this.#thawed.promise
    this.fake.pinging = 'hangs'
    this.fake.cancelling = 'hangs'
  }

  thaw(): void {
    this.#thawed?.resolve()
    this.#thawed = undefined
    this.fake.connectGate = undefined
    this.fake.closeGate = undefined
    this.fake.pinging = 'answers'
    this.fake.cancelling = 'works'
  }

  /** Becomes the primary, with everything that was acknowledged: as after synchronous replication. */
  promote(timeline: number): void {
    this.role = 'primary'
    this.timeline = timeline
    this.#position = this.#history.length
  }

  /** Comes back as a replica of another one; its sessions end, as after a restart. */
  demote(timeline: number): void {
    this.role = 'replica'
    this.timeline = timeline
    this.fake.crash()
  }

  /** What only the double remembers. */
  forget(): void {
    const { connections, received } = this.fake
    connections.splice(0, connections.length, ...connections.filter(({ broken }) => !broken))
    received.length = 0
  }

  async #answer({ text }: Statement, connection: FakeConnection): Promise<DriverResult> {
    await new Promise((resolve) => { setTimeout(resolve, this.latencyMs + this.#random.below(3)) })
    await this.#thawed?.promise
    if (connection.broken) throw fakeError('lost')
    if (text === 'simulated: node') return fakeResult([{ facts: this.#facts() }])
    if (text === 'simulated: position') return fakeResult([{ position: this.position }])
    if (text.startsWith('insert')) return this.#write(connection)
    if (/^commit/i.test(text)) return this.#commit(connection)
    if (text.startsWith('select many')) return fakeResult(Array.from({ length: 20 }, (_, n) => ({ n })))
    if (text.startsWith('select')) return fakeResult([{ n: this.position }])
    return fakeResult([], text.trim().split(/\W/, 1)[0]?.toUpperCase())
  }

  #facts(): NodeFacts {
    const { role, position, timeline, delayMs } = this
    return { role, position: String(position), lagMs: role === 'primary' ? undefined : delayMs, timeline, systemId: 'simulated', instance: this.host }
  }

  #write(connection: FakeConnection): DriverResult {
    if (this.role !== 'primary') throw fakeError('read-only')
    if (connection.idle) this.#append()
    else this.#pending.add(connection)
    return { ...fakeResult([], 'INSERT'), rowCount: 1 }
  }

  #commit(connection: FakeConnection): DriverResult {
    if (this.#pending.delete(connection)) {
      if (this.role !== 'primary') throw fakeError('read-only')
      this.#append()
    }
    if (this.losing > 0) {
      this.losing--
      connection.break()
      throw fakeError('lost')
    }
    return fakeResult([], 'COMMIT')
  }

  #append(): void { this.#position = this.#history.append() }
}

interface Gate {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function withResolvers(): Gate {
  let resolve = (): void => undefined
  const promise = new Promise<void>((settle) => { resolve = settle })
  return { promise, resolve }
}
