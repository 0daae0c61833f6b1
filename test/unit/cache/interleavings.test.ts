import { expect, it } from 'vitest'
import { UNLIMITED } from '../../../src/core/deadline.js'
import { QueryCache, type CacheOutcome } from '../../../src/cache/query-cache.js'
import { resultOf } from './asks.js'

/** Steps altogether; each is a read, a load's end, a write, a commit, a rollback, a failover, or time that passes. */
const SEQUENCES = 1_000
const STEPS = 100
/** After so long, a replica of the model has everything. */
const REPLICATION_MS = 40

interface Version { readonly value: number; readonly committedAt: number; announcedAt: number }
interface Row { readonly table: string; readonly value: number; readonly fromReplica: boolean; readonly mayBeOld: boolean }

/** A primary and a replica that lags, a cache before them, and a clock that the test moves. */
class World {
  now = 0
  readonly cache = new QueryCache({ max: 3, maxBytes: undefined, whileDisconnected: 'bypass', now: () => this.now })
  readonly history = new Map<string, Version[]>()
  readonly uncommitted = new Set<number>()
  /** When a value was lost in a failover. */
  readonly lost = new Map<number, number>()
  readonly loads: (() => void)[] = []
  readonly announcements: (() => void)[] = []
  readonly complaints: string[] = []
  writes: { readonly table: string; readonly value: number }[] = []
  primaryDown = false
  answered = 0
  cachedAnswers = 0
  #value = 0
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
    for (const table of ['a', 'b']) this.history.set(table, [{ value: 0, committedAt: 0, announcedAt: 0 }])
  }

  below(limit: number): number { return Math.floor(this.#random() * limit) }

  /** Row of a table as the primary, or a replica so far behind, has it now. */
  #look(table: string, lagMs: number): number {
    const seen = this.history.get(table)?.filter(({ committedAt }) => committedAt <= this.now - lagMs) ?? []
    return seen.at(-1)?.value ?? 0
  }

  read(table: string, ttlMs: number, swrMs: number): void {
    const startedAt = this.now
    let outcome: CacheOutcome | undefined
    const answer = this.cache.fetch<Row>({
      key: table, tables: [table], named: {}, ttlMs, swrMs, startedAt, limits: UNLIMITED, limitError: () => new Error('no limits here'),
    }, (_signal, changedAt) => this.#load(table, changedAt), (how) => { outcome = how })
    void answer.then(({ rows }) => { this.#judge(table, rows[0], startedAt, ttlMs + swrMs, outcome) })
  }

  /** As the database loads for the cache: from the primary while a replica may be behind, and not kept if that was not possible. */
  #load(table: string, changedAt: number): Promise<{ result: ReturnType<typeof resultOf>; upToDate: boolean }> {
    const settled = this.now - changedAt >= REPLICATION_MS
    return new Promise((resolve) => {
      this.loads.push(() => {
        const fromReplica = this.primaryDown || (settled && this.below(2) === 0)
        const value = this.#look(table, fromReplica ? this.below(REPLICATION_MS) : 0)
        const mayBeOld = fromReplica && !settled
        const answered = (): void => { resolve({ result: resultOf([{ table, value, fromReplica, mayBeOld }]), upToDate: !mayBeOld }) }
        // the snapshot is taken now, the answer arrives later
        if (this.below(2) === 0) answered()
        else this.loads.push(answered)
      })
    })
  }

  #judge(table: string, row: Row | undefined, startedAt: number, policyMs: number, outcome: CacheOutcome | undefined): void {
    this.answered++
    if (!row) return void this.complaints.push('no row')
    const { value, fromReplica, mayBeOld } = row
    const cached = outcome !== 'miss'
    // together with the first one who asked, one gets what he would have got alone
    if (mayBeOld && outcome !== 'coalesced' && cached) this.complaints.push(`${table} ${String(value)} was kept though it may be old`)
    if (this.uncommitted.has(value)) this.complaints.push(`${table} ${String(value)} was never committed`)
    const lostAt = this.lost.get(value)
    if (lostAt !== undefined) {
      if (cached && startedAt > lostAt) this.complaints.push(`${table} ${String(value)} was lost in a failover`)
      return
    }
    const versions = this.history.get(table) ?? []
    const at = versions.findIndex((version) => version.value === value)
    const next = versions[at + 1]
    if (!cached || mayBeOld || !next) return
    this.cachedAnswers++
    // what a replica gives is as old as the replica is behind, beside what the policy allows
    const allowedMs = policyMs + (fromReplica ? REPLICATION_MS : 0)
    if (startedAt - next.committedAt > allowedMs) this.complaints.push(`${table} ${String(value)} is ${String(startedAt - next.committedAt)} ms old`)
    if (next.announcedAt < startedAt) this.complaints.push(`${table} ${String(value)} was handed out after its successor was announced`)
  }

  write(table: string): void {
    const value = ++this.#value
    this.uncommitted.add(value)
    this.writes.push({ table, value })
  }

  commit(): void {
    const [write] = this.writes.splice(this.below(this.writes.length), 1)
    if (!write) return
    this.uncommitted.delete(write.value)
    const version: Version = { value: write.value, committedAt: this.now, announcedAt: Infinity }
    this.history.get(write.table)?.push(version)
    const announce = (): void => {
      version.announcedAt = this.now
      void this.cache.written([write.table])
    }
    // the answer to COMMIT takes its time
    if (this.below(2) === 0) announce()
    else this.announcements.push(announce)
  }

  rollback(): void { this.writes.splice(this.below(this.writes.length), 1) }

  /** A replica takes over, without the last commit; everybody who knows of it drops what he has. */
  failover(): void {
    this.writes = []
    for (const versions of this.history.values()) {
      const last = versions.at(-1)
      if (versions.length < 2 || !last || this.now - last.committedAt > REPLICATION_MS / 2) continue
      versions.pop()
      this.lost.set(last.value, this.now)
    }
    void this.cache.clear()
  }
}

/** One step of the world; the numbers weigh how often each is taken. */
function step(world: World): void {
  const table = world.below(2) === 0 ? 'a' : 'b'
  const kind = world.below(100)
  if (kind < 40) world.read(table, 10 + world.below(30), world.below(2) * 20)
  else if (kind < 62) world.loads.splice(world.below(world.loads.length), 1)[0]?.()
  else if (kind < 70) world.write(table)
  else if (kind < 77) world.commit()
  else if (kind < 80) world.rollback()
  else if (kind < 84) world.announcements.shift()?.()
  else if (kind < 86) void world.cache.invalidate({ tables: [table] })
  else if (kind < 87) world.failover()
  else if (kind < 88) world.primaryDown = !world.primaryDown
  else world.now += world.below(15)
}

/** A small generator of numbers from 0 to 1 (mulberry32, public domain): the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

it('never hands out a value older than the policy allows, one known to be replaced, or one that was rolled back, in 100,000 random steps', async () => {
  let [answered, cachedAnswers] = [0, 0]
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    const world = new World(randomOf(seed))
    for (let at = 0; at < STEPS; at++) {
      step(world)
      for (let turn = 0; turn < 6; turn++) await Promise.resolve()
    }
    while (world.loads.length > 0) {
      world.loads.shift()?.()
      for (let turn = 0; turn < 6; turn++) await Promise.resolve()
    }
    expect(world.complaints, `seed ${String(seed)}`).toEqual([])
    answered += world.answered
    cachedAnswers += world.cachedAnswers
  }
  expect(answered).toBeGreaterThan(SEQUENCES * STEPS * 0.3)
  expect(cachedAnswers).toBeGreaterThan(100)
}, 120_000)
