import { describe, expect, it } from 'vitest'
import { ConnectionError, NoPrimaryError, NoReplicaError } from '../../../src/core/errors.js'
import type { RoutingSettings } from '../../../src/core/settings.js'
import type { Classification } from '../../../src/sql/classifier.js'
import { Router } from '../../../src/router/router.js'
import { down, node, probed } from './nodes.js'

const settings: RoutingSettings = {
  reads: 'replica', strategy: 'round-robin', fallbackToPrimary: { maxShare: 1 }, maxReplicationLagMs: 1_000,
  maxReplicationLagBytes: undefined, writeFunctions: [], readOnlyFunctions: [],
  ejection: { latencyFactor: 5, minLatencyMs: 100, baseMs: 5_000, maxMs: 300_000, maxShare: 0.5 },
}
const read: Classification = { class: 'read', why: 'a plain select', hint: undefined, statements: 1, tables: [], verb: 'SELECT', shareable: true }
const write: Classification = { ...read, class: 'write', why: 'inserts', verb: 'INSERT', shareable: false }
const lost = new ConnectionError('lost', 'gone', { connectionLost: true })

function cluster(overrides: Partial<RoutingSettings> = {}) {
  const primary = probed(node('p', 'primary'))
  const replicas = [probed(node('r1', 'replica')), probed(node('r2', 'replica'))] as const
  return { primary, replicas, router: new Router(() => [primary, ...replicas], { ...settings, ...overrides }) }
}

describe('replicas that are ejected', () => {
  it('get no reads: the primary stands in', () => {
    const { router, replicas } = cluster()
    replicas[0].eject('slow', performance.now() + 60_000)
    expect([pick(router, read), pick(router, read)]).toEqual(['r2 read', 'r2 read'])
    replicas[1].eject('slow', performance.now() + 60_000)
    expect(pick(router, read)).toBe('p fallback')
  })

  it('are better than nobody, while there is no primary', () => {
    const { router, primary, replicas } = cluster()
    for (const replica of replicas) replica.eject('slow', performance.now() + 60_000)
    down(primary, lost)
    expect(pick(router, read)).toBe('r1 read')
  })
})

const pick = (router: Router, classification: Classification, options = {}) => {
  const { node: chosen, route } = router.pick('text', classification, options)
  return `${chosen.name} ${route}`
}

describe('the router', () => {
  it('sends writes to the primary and spreads reads evenly over the replicas', () => {
    const { router } = cluster()
    expect(pick(router, write)).toBe('p write')
    expect([1, 2, 3, 4].map(() => pick(router, read))).toEqual(['r1 read', 'r2 read', 'r1 read', 'r2 read'])
  })

  it('lets an explicit target outrank a hint, and a hint outrank the class', () => {
    const { router } = cluster()
    expect(pick(router, read, { target: 'primary' })).toBe('p forced')
    expect(pick(router, { ...read, hint: 'primary' })).toBe('p hint')
    expect(pick(router, { ...read, hint: 'primary' }, { target: 'replica' })).toMatch(/^r\d forced$/)
    expect(pick(router, write, { target: 'replica' })).toMatch(/^r\d forced$/)
  })

  it("keeps reads on the primary with reads: 'primary', unless a replica is asked for", () => {
    const { router } = cluster({ reads: 'primary' })
    expect(pick(router, read)).toBe('p read')
    expect(pick(router, read, { target: 'replica' })).toMatch(/^r\d forced$/)
  })

  it('never gives a read to a replica that is down, and prefers one that is not suspect', () => {
    const { router, replicas } = cluster()
    replicas[0].failed(lost)
    expect(replicas[0].state).toBe('suspect')
    expect([1, 2, 3].map(() => pick(router, read))).toEqual(['r2 read', 'r2 read', 'r2 read'])
    down(replicas[1], lost)
    expect(pick(router, read)).toBe('r1 read')
    down(replicas[0], lost)
    expect(pick(router, read)).toBe('p fallback')
  })

  it('says which replica failed which test when the primary may not stand in', () => {
    const { router, replicas } = cluster({ fallbackToPrimary: { maxShare: 0 } })
    down(replicas[0], lost)
    probed(replicas[1], 5_000, 77)
    expect(() => pick(router, read)).toThrow(NoReplicaError)
    expect(() => pick(router, read)).toThrow(/r1 is down, r2 lags \(5000 ms, 77 bytes\)/)
  })

  it('does not let the primary stand in for a write that was forced onto a replica', () => {
    const { router, replicas } = cluster()
    for (const replica of replicas) down(replica, lost)
    expect(() => pick(router, write, { target: 'replica' })).toThrow(NoReplicaError)
    expect(pick(router, read, { target: 'replica' })).toBe('p fallback')
  })

  it('limits the share of reads that fall back', () => {
    const { router, replicas } = cluster({ fallbackToPrimary: { maxShare: 0.5 } })
    for (const replica of replicas) down(replica, lost)
    const outcomes = Array.from({ length: 100 }, () => {
      try { return pick(router, read) } catch (error) { return (error as Error).name }
    })
    const fallbacks = outcomes.filter((outcome) => outcome === 'p fallback').length
    expect(fallbacks).toBeGreaterThan(40)
    expect(fallbacks).toBeLessThanOrEqual(50)
  })

  it('reads on the primary of a database without replicas, and calls it a read', () => {
    const router = new Router(() => [node('p', 'primary')], settings)
    expect(pick(router, read)).toBe('p read')
  })

  it('excludes a lagging replica until it is clearly back under the limit', () => {
    const { router, replicas } = cluster()
    probed(replicas[0], 1_500)
    expect(pick(router, read)).toBe('r2 read')
    probed(replicas[0], 950)
    expect([1, 2].map(() => pick(router, read))).toEqual(['r2 read', 'r2 read'])
    probed(replicas[0], 700)
    expect(new Set([1, 2].map(() => pick(router, read)))).toEqual(new Set(['r1 read', 'r2 read']))
  })

  it('judges lag by bytes too, and by the limit of the call', () => {
    const primary = probed(node('p', 'primary'))
    const replica = node('r', 'replica', { maxLagBytes: 1_000 })
    const router = new Router(() => [primary, replica], settings)
    expect(pick(router, read, { maxReplicationLagMs: 50 })).toBe('p fallback')
    probed(replica, 100, 10)
    expect(pick(router, read, { maxReplicationLagMs: 50 })).toBe('p fallback')
    expect(pick(router, read, { maxReplicationLagMs: 100 })).toBe('r read')
    probed(replica, 0, 5_000)
    expect(pick(router, read)).toBe('p fallback')
  })

  it('sends a text that a replica refused to the primary from then on', () => {
    const { router } = cluster()
    router.demote('text')
    expect(pick(router, read)).toBe('p write')
    expect(router.pick('another text', read, {}).node.name).toMatch(/^r/)
  })

  it('plans without choosing, counting or throwing', () => {
    const { router, replicas } = cluster({ fallbackToPrimary: { maxShare: 0 } })
    const before = router.plan('text', read, {})
    expect(before.candidates.map(({ name }) => name)).toEqual(['r1', 'r2'])
    for (const replica of replicas) down(replica, lost)
    expect(router.plan('text', read, {})).toMatchObject({ role: 'replica', candidates: [] })
    expect(() => new Router(() => [], settings).pick('text', write, {})).toThrow(NoPrimaryError)
  })
})
