import { describe, expect, it } from 'vitest'
import type { BusListener, InvalidationBus } from '../../../src/cache/bus.js'
import { QueryCache, type QueryCacheParts } from '../../../src/cache/query-cache.js'
import { ask, Gate, limits, loadOf, resultOf } from './asks.js'

const make = (parts: Partial<QueryCacheParts> = {}): QueryCache =>
  new QueryCache({ max: 100, maxBytes: undefined, whileDisconnected: 'bypass', ...parts })

const never = loadOf(() => { throw new Error('the database was asked') })

describe('a query cache', () => {
  it('asks the database once for a thousand callers at the same time', async () => {
    const cache = make()
    const gate = new Gate()
    const callers = Array.from({ length: 1_000 }, () => cache.fetch(ask('a'), gate.load))
    expect(gate.started).toBe(1)
    gate.answer({ v: 1 })
    const answers = await Promise.all(callers)
    expect(answers.every(({ rows }) => (rows[0] as { v: number }).v === 1)).toBe(true)
    expect(cache.stats()).toMatchObject({ misses: 1, coalesced: 999, hits: 0, entries: 1 })
    expect((await cache.fetch(ask('a'), never)).cached).toBe(true)
  })

  it('keeps empty results too', async () => {
    const cache = make()
    await cache.fetch(ask('none'), loadOf(() => []))
    expect((await cache.fetch(ask('none'), never)).rows).toEqual([])
  })

  it('keeps no errors', async () => {
    const cache = make()
    const gate = new Gate()
    const first = cache.fetch(ask('a'), gate.load)
    gate.fail(new Error('no'))
    await expect(first).rejects.toThrow('no')
    expect((await cache.fetch(ask('a'), loadOf(() => [1]))).rows).toEqual([1])
  })

  it('asks again once the rows are too old for who asks', async () => {
    const cache = make()
    await cache.fetch(ask('a', { startedAt: 0 }), loadOf(() => [1]))
    const loadedAt = performance.now()
    expect((await cache.fetch(ask('a', { startedAt: loadedAt + 900 }), never)).rows).toEqual([1])
    expect((await cache.fetch(ask('a', { startedAt: loadedAt + 900, ttlMs: 500 }), loadOf(() => [2]))).rows).toEqual([2])
  })

  it('hands out stale rows while they are refreshed once', async () => {
    const cache = make()
    await cache.fetch(ask('a'), loadOf(() => [1]))
    const gate = new Gate()
    const stale = { startedAt: performance.now() + 1_500, swrMs: 1_000 }
    expect((await cache.fetch(ask('a', stale), gate.load)).rows).toEqual([1])
    expect((await cache.fetch(ask('a', stale), gate.load)).rows).toEqual([1])
    expect(gate.started).toBe(1)
    gate.answer(2)
    await new Promise(setImmediate)
    expect((await cache.fetch(ask('a'), never)).rows).toEqual([2])
  })

  it('tells of a refresh that failed, and goes on with the stale rows', async () => {
    const told: unknown[] = []
    const cache = make({ onRefreshError: (error) => { told.push(error) } })
    await cache.fetch(ask('a'), loadOf(() => [1]))
    const stale = { startedAt: performance.now() + 1_500, swrMs: 1_000 }
    await cache.fetch(ask('a', stale), loadOf(() => { throw new Error('down') }))
    await new Promise(setImmediate)
    expect(told).toEqual([new Error('down')])
    expect((await cache.fetch(ask('a', stale), loadOf(() => [2]))).rows).toEqual([1])
    expect(cache.stats().refreshErrors).toBe(1)
  })

  it('lets one caller give up without touching the others, and aborts the load when nobody is left', async () => {
    const cache = make()
    const gate = new Gate()
    const [one, two] = [new AbortController(), new AbortController()]
    const first = cache.fetch(ask('a', { limits: limits(one.signal) }), gate.load)
    const second = cache.fetch(ask('a', { limits: limits(two.signal) }), gate.load)
    one.abort()
    await expect(first).rejects.toThrow('abort')
    expect(gate.signals[0]?.aborted).toBe(false)
    two.abort()
    await expect(second).rejects.toThrow('abort')
    expect(gate.signals[0]?.aborted).toBe(true)
    const third = cache.fetch(ask('a'), gate.load)
    expect(gate.started).toBe(2)
    gate.fail(new Error('aborted'))
    gate.answer(3)
    expect((await third).rows).toEqual([3])
  })

  it('bounds each wait by the caller\'s own time', async () => {
    const cache = make()
    const gate = new Gate()
    const patient = cache.fetch(ask('a'), gate.load)
    await expect(cache.fetch(ask('a', { limits: { expiresAt: performance.now() + 5, signal: undefined } }), gate.load)).rejects.toThrow('timeout')
    gate.answer(1)
    expect((await patient).rows).toEqual([1])
  })

  it('never brings back old rows of a read that began before a write', async () => {
    const cache = make()
    const gate = new Gate()
    const slow = cache.fetch(ask('a'), gate.load)
    await cache.invalidate({ tables: ['t'] })
    const after = cache.fetch(ask('a'), gate.load)
    expect(gate.started).toBe(2)
    gate.answer('old')
    gate.answer('new')
    expect([(await slow).rows, (await after).rows]).toEqual([['old'], ['new']])
    expect((await cache.fetch(ask('a'), never)).rows).toEqual(['new'])
    expect(cache.stats().refused).toBe(1)
  })

  it.each([
    ['its table', { tables: ['t'] }, true],
    ['its table with a schema, in other letters', { tables: ['public."T"'] }, true],
    ['another table', { tables: ['u'] }, false],
    ['its tag', { tags: ['menu'] }, true],
    ['another tag', { tags: ['t'] }, false],
    ['its key', { keys: ['mine'] }, true],
    ['another key', { keys: ['menu'] }, false],
    ['nothing', {}, false],
  ])('drops an entry for %s', async (_, what, dropped) => {
    const cache = make()
    const mine = ask('a', { named: { tags: ['menu'], key: 'mine' } })
    await cache.fetch(mine, loadOf(() => [1]))
    await cache.invalidate(what)
    const { rows } = await cache.fetch(mine, loadOf(() => [2]))
    expect(rows).toEqual([dropped ? 2 : 1])
  })

  it('drops rows of which nobody knows what they were read from with every change of a table, but not of a tag', async () => {
    const cache = make()
    const unknown = ask('a', { tables: undefined })
    await cache.fetch(unknown, loadOf(() => [1]))
    await cache.invalidate({ tags: ['x'] })
    expect((await cache.fetch(unknown, never)).rows).toEqual([1])
    await cache.invalidate({ tables: ['whatever'] })
    expect((await cache.fetch(unknown, loadOf(() => [2]))).rows).toEqual([2])
    const named = ask('b', { tables: undefined, named: { tables: ['u'] } })
    await cache.fetch(named, loadOf(() => [1]))
    await cache.invalidate({ tables: ['whatever'] })
    expect((await cache.fetch(named, never)).rows).toEqual([1])
    await cache.invalidate({ tables: ['u'] })
    expect((await cache.fetch(named, loadOf(() => [2]))).rows).toEqual([2])
  })

  it('drops everything on clear, and when too many names have changed to remember them', async () => {
    const cache = make()
    await cache.fetch(ask('a'), loadOf(() => [1]))
    await cache.clear()
    expect((await cache.fetch(ask('a'), loadOf(() => [2]))).rows).toEqual([2])
    await cache.invalidate({ tags: Array.from({ length: 10_001 }, (_, at) => String(at)) })
    expect((await cache.fetch(ask('a'), loadOf(() => [3]))).rows).toEqual([3])
  })

  it('does not keep what may be older than a known change', async () => {
    const cache = make()
    expect((await cache.fetch(ask('a'), loadOf(() => [1], false))).rows).toEqual([1])
    expect((await cache.fetch(ask('a'), loadOf(() => [2]))).rows).toEqual([2])
  })

  it('tells the load when something it reads was last changed', async () => {
    const cache = make({ now: () => 42 })
    const gate = new Gate()
    void cache.fetch(ask('a'), gate.load)
    await cache.invalidate({ tables: ['t'] })
    void cache.fetch(ask('a'), gate.load)
    expect(gate.changedAt).toEqual([-Infinity, 42])
    gate.answer()
    gate.answer()
  })

  it('hands out rows that nobody can change for the next reader', async () => {
    const cache = make()
    const loaded = [{ v: 1, at: new Date(0), bytes: Buffer.from('ab'), json: { list: [1, { deep: 2 }] } }]
    const first = await cache.fetch(ask('a'), loadOf(() => loaded))
    const spoil = (rows: unknown[]): void => {
      const [row] = rows as typeof loaded
      if (!row) throw new Error('no row')
      row.v = 9
      row.at.setTime(9)
      row.bytes[0] = 9
      row.json.list.push(9)
      ;(row.json.list[1] as { deep: number }).deep = 9
      rows.push('more')
    }
    spoil(first.rows)
    const clean = [{ v: 1, at: new Date(0), bytes: Buffer.from('ab'), json: { list: [1, { deep: 2 }] } }]
    for (let reader = 0; reader < 3; reader++) {
      const { rows } = await cache.fetch(ask('a'), never)
      expect(rows).toEqual(clean)
      spoil(rows)
    }
  })

  it('gives each of several who waited together rows of his own', async () => {
    const cache = make()
    const gate = new Gate()
    const both = [cache.fetch<{ v: number }>(ask('a'), gate.load), cache.fetch<{ v: number }>(ask('a'), gate.load)]
    gate.answer({ v: 1 })
    const [one, two] = await Promise.all(both)
    if (one?.rows[0]) one.rows[0].v = 2
    expect(two?.rows).toEqual([{ v: 1 }])
  })

  it('is bounded by entries, the least recently used leaving first', async () => {
    const cache = make({ max: 2 })
    for (const key of ['a', 'b']) await cache.fetch(ask(key), loadOf(() => [key]))
    await cache.fetch(ask('a'), never)
    await cache.fetch(ask('c'), loadOf(() => ['c']))
    expect(cache.stats()).toMatchObject({ entries: 2, evictions: 1 })
    await cache.fetch(ask('a'), never)
    expect((await cache.fetch(ask('b'), loadOf(() => ['again']))).rows).toEqual(['again'])
  })

  it('is bounded by bytes, and does not keep what alone is too big', async () => {
    const cache = make({ maxBytes: 100_000 })
    const text = 'x'.repeat(40_000)
    for (const key of ['a', 'b', 'c']) await cache.fetch(ask(key), loadOf(() => [{ text }]))
    expect(cache.stats().entries).toBe(2)
    expect(cache.stats().bytes).toBeGreaterThan(80_000)
    await cache.fetch(ask('big'), loadOf(() => [{ text: 'x'.repeat(200_000) }]))
    expect((await cache.fetch(ask('big'), loadOf(() => ['again']))).rows).toEqual(['again'])
  })

  it('aborts what is under way when it is closed', async () => {
    const cache = make()
    const gate = new Gate()
    const waiting = cache.fetch(ask('a'), gate.load)
    await cache.close()
    expect(gate.signals[0]?.aborted).toBe(true)
    gate.fail(new Error('closed'))
    await expect(waiting).rejects.toThrow('closed')
  })
})

class FakeBus implements InvalidationBus {
  connected = false
  readonly published: unknown[] = []
  reconnects = 0
  listener: BusListener | undefined
  start(listener: BusListener): void { this.listener = listener }
  publish(names: readonly string[] | undefined): void { this.published.push(names) }
  reconnect(): void { this.reconnects++ }
  close(): Promise<void> { return Promise.resolve() }
}

describe('with news of other processes', () => {
  it('goes without the cache while they do not arrive, and drops everything when they do again', async () => {
    const bus = new FakeBus()
    const cache = make({ bus })
    cache.start()
    await cache.fetch(ask('a'), loadOf(() => [1]))
    expect(cache.stats()).toMatchObject({ bypassed: 1, entries: 0, connected: false })
    bus.connected = true
    await cache.fetch(ask('a'), loadOf(() => [2]))
    expect((await cache.fetch(ask('a'), never)).rows).toEqual([2])
    bus.connected = false
    expect((await cache.fetch(ask('a'), loadOf(() => [3]))).rows).toEqual([3])
    bus.connected = true
    bus.listener?.changed(undefined)
    expect((await cache.fetch(ask('a'), loadOf(() => [4]))).rows).toEqual([4])
  })

  it('or serves what it has, when it is told so', async () => {
    const bus = new FakeBus()
    const cache = make({ bus, whileDisconnected: 'serve' })
    await cache.fetch(ask('a'), loadOf(() => [1]))
    expect((await cache.fetch(ask('a'), never)).rows).toEqual([1])
  })

  it('publishes what is changed here, and never what others told', async () => {
    const bus = new FakeBus()
    const cache = make({ bus })
    cache.start()
    await cache.written(['Users'])
    await cache.clear()
    bus.listener?.changed(['t:users'])
    expect(bus.published).toEqual([['t:users', '*'], undefined])
  })

  it('drops everything when another server takes writes, and listens there', async () => {
    const bus = new FakeBus()
    bus.connected = true
    const cache = make({ bus })
    cache.start()
    await cache.fetch(ask('a'), loadOf(() => [1]))
    const gate = new Gate()
    const slow = cache.fetch(ask('b'), gate.load)
    cache.failedOver()
    gate.answer('old')
    await slow
    expect(bus).toMatchObject({ reconnects: 1, published: [] })
    expect((await cache.fetch(ask('a'), loadOf(() => [2]))).rows).toEqual([2])
    expect((await cache.fetch(ask('b'), loadOf(() => ['new']))).rows).toEqual(['new'])
  })

  it('drops what others have changed, also while it is being loaded', async () => {
    const bus = new FakeBus()
    bus.connected = true
    const cache = make({ bus })
    cache.start()
    const gate = new Gate()
    const slow = cache.fetch(ask('a'), gate.load)
    bus.listener?.changed(['t:t'])
    gate.answer('old')
    await slow
    expect((await cache.fetch(ask('a'), loadOf(() => ['new']))).rows).toEqual(['new'])
  })
})

it('the fields of a cached result cannot be changed either', async () => {
  const cache = make()
  await cache.fetch(ask('a'), () => Promise.resolve({ result: resultOf([1]), upToDate: true }))
  const { fields } = await cache.fetch(ask('a'), never)
  expect(() => { (fields as unknown[]).push(1) }).toThrow(TypeError)
})
