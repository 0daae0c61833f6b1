import { describe, expect, it } from 'vitest'
import { RetryBudget } from '../../../src/database/retry-budget.js'

function budgetOf(share: number) {
  let now = 0
  const budget = new RetryBudget(share, () => now)
  const taken = (times: number): number => Array.from({ length: times }, () => budget.take()).filter(Boolean).length
  const count = (times: number): void => { for (let n = 0; n < times; n++) budget.count() }
  return { taken, count, pass: (ms: number) => { now += ms } }
}

describe('the budget for retries', () => {
  it('is a hundred in ten seconds, however few calls there are', () => {
    const { taken, pass } = budgetOf(0.2)
    expect(taken(150)).toBe(100)
    pass(10_000)
    expect(taken(150)).toBe(100)
  })

  it('grows with the calls', () => {
    const { taken, count } = budgetOf(0.2)
    count(2_000)
    expect(taken(1_000)).toBe(400)
  })

  it('has no end at a share of 1', () => {
    expect(budgetOf(1).taken(5_000)).toBe(5_000)
  })
})
