import { describe, expect, it } from 'vitest'
import { RetryBudget } from '../../../src/database/retry-budget.js'

function budgetOf(share: number) {
  let now = 1
  const budget = new RetryBudget(share)
  const taken = (times: number): number => Array.from({ length: times }, () => budget.take(now)).filter(Boolean).length
  const count = (times: number): void => { for (let n = 0; n < times; n++) budget.count(now) }
  return { taken, count, pass: (ms: number) => { now += ms } }
}

describe('the budget for retries', () => {
  it('is a hundred in ten seconds, however few calls there are', () => {
    const { taken, pass } = budgetOf(0.2)
    expect(taken(150)).toBe(100)
    pass(10_000)
    expect(taken(150)).toBe(0)
    pass(10_000)
    expect(taken(150)).toBe(100)
  })

  it('grows with the calls, also with those of the window that has just ended', () => {
    const { taken, count, pass } = budgetOf(1)
    count(5_000)
    pass(10_000)
    count(1)
    expect(taken(9_000)).toBe(5_001)
  })

  it('is no larger for calls of long ago', () => {
    const { taken, count, pass } = budgetOf(1)
    count(5_000)
    pass(60_000)
    expect(taken(9_000)).toBe(100)
  })
})
