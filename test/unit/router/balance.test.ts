import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/core/errors.js'
import type { BalanceCandidate } from '../../../src/core/settings.js'
import { balance } from '../../../src/router/balance.js'
import { FallbackBudget } from '../../../src/router/budget.js'

function candidate(name: string, facts: Partial<BalanceCandidate> = {}): BalanceCandidate {
  return { name, weight: 1, inFlight: 0, responseMs: 0, lagMs: 0, ...facts }
}

function shares(choose: (nodes: readonly BalanceCandidate[]) => BalanceCandidate, nodes: readonly BalanceCandidate[], rounds: number) {
  const counts: Record<string, number> = Object.fromEntries(nodes.map(({ name }) => [name, 0]))
  for (let i = 0; i < rounds; i++) {
    const { name } = choose(nodes)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

describe('balancing strategies', () => {
  it('round-robin gives every node the same number', () => {
    expect(shares(balance('round-robin'), [candidate('a'), candidate('b'), candidate('c')], 9)).toEqual({ a: 3, b: 3, c: 3 })
  })

  it('least-connections chooses the idlest, and takes turns among equals', () => {
    const nodes = [candidate('a', { inFlight: 3 }), candidate('b', { inFlight: 1 }), candidate('c', { inFlight: 1 })]
    expect(shares(balance('least-connections'), nodes, 10)).toEqual({ a: 0, b: 5, c: 5 })
  })

  it('weighted follows the weights without bursts', () => {
    const nodes = [candidate('a', { weight: 3 }), candidate('b', { weight: 1 })]
    const choose = balance('weighted')
    const order = Array.from({ length: 8 }, () => choose(nodes).name).join('')
    expect(order).toBe('aabaaaba')
  })

  it('fastest-response prefers the lower expected wait', () => {
    const nodes = [candidate('slow', { responseMs: 50 }), candidate('busy', { responseMs: 1, inFlight: 99 }), candidate('quick', { responseMs: 1 })]
    const counts = shares(balance('fastest-response'), nodes, 3_000)
    expect(counts['quick']).toBeGreaterThan(1_800)
    expect(counts['busy']).toBeLessThan(50)
  })

  it('random reaches every node', () => {
    const counts = shares(balance('random'), [candidate('a'), candidate('b')], 1_000)
    expect(Math.min(counts['a'] ?? 0, counts['b'] ?? 0)).toBeGreaterThan(300)
  })

  it("takes a caller's own function, and refuses an answer that is not one of the nodes", () => {
    const nodes = [candidate('a'), candidate('b')]
    expect(balance((all) => all[1]!)(nodes).name).toBe('b')
    expect(() => balance(() => candidate('stranger'))(nodes)).toThrow(ConfigError)
    const cause = new Error('mine')
    expect(() => balance(() => { throw cause })(nodes)).toThrow(expect.objectContaining({ code: 'SLUICE_CONFIG', cause }))
  })
})

describe('the fallback budget', () => {
  it('forgets what happened two windows ago', () => {
    let now = 0
    const budget = new FallbackBudget(0.5, () => now)
    for (let i = 0; i < 100; i++) budget.countRead()
    expect(budget.take()).toBe(true)
    now = 25_000
    expect([budget.take(), budget.take()]).toEqual([false, true])
  })

  it('is all or nothing at 1 and 0', () => {
    expect(new FallbackBudget(1).take()).toBe(true)
    expect(new FallbackBudget(0).take()).toBe(false)
  })
})
