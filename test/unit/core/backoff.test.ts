import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../../src/core/backoff.js'

const options = { baseDelayMs: 10, maxDelayMs: 1000 }
const highest = (): number => 1

describe('backoffMs', () => {
  it('doubles the ceiling with each attempt until the maximum', () => {
    expect([0, 1, 2, 3, 7, 8].map((attempt) => backoffMs(attempt, options, highest))).toEqual([10, 20, 40, 80, 1000, 1000])
  })

  it('spreads over the whole range down to zero', () => {
    expect(backoffMs(3, options, () => 0)).toBe(0)
    expect(backoffMs(3, options, () => 0.5)).toBe(40)
  })

  it('stays within zero and the maximum for any attempt', () => {
    fc.assert(fc.property(fc.nat({ max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delay = backoffMs(attempt, options, () => random)
      return delay >= 0 && delay <= options.maxDelayMs
    }))
  })

  it('is random when nothing else is given', () => {
    const delays = new Set(Array.from({ length: 20 }, () => backoffMs(6, options)))
    expect(delays.size).toBeGreaterThan(1)
  })
})
