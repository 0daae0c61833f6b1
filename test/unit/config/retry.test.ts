import { describe, expect, it } from 'vitest'
import { resolveOptions } from '../../../src/config/resolve.js'
import { knownSchemes } from '../../../src/database/registry.js'

const resolve = (options: object) => resolveOptions({ primary: 'postgres://app@db/shop', ...options }, knownSchemes())

describe('retry', () => {
  it('as one policy for everything', () => {
    const policy = { timeoutMs: 2_000, maxAttempts: 4, backoff: { baseDelayMs: 5, maxDelayMs: 50 }, perTryTimeoutMs: 500 }
    const { retry, statementTimeoutMs } = resolve({ retry: policy })
    expect({ ...retry, statementTimeoutMs }).toEqual({
      reads: 3, transactions: 3, baseDelayMs: 5, maxDelayMs: 50, perTryTimeoutMs: 500, budget: 1, statementTimeoutMs: 2_000,
    })
  })

  it('in particular outranks the policy', () => {
    const { retry, statementTimeoutMs } = resolve({
      statementTimeoutMs: 9_000, retry: { maxAttempts: 4, reads: 1, backoff: { baseDelayMs: 5 }, baseDelayMs: 7, timeoutMs: 1 },
    })
    expect([retry.reads, retry.transactions, retry.baseDelayMs, statementTimeoutMs]).toEqual([1, 3, 7, 9_000])
  })

  it.each([{ maxAttempts: 0 }, { maxAttempts: 1.5 }, { backoff: 5 }, { backoff: { baseDelay: 5 } }, { budget: -1 }, { backoff: { baseDelayMs: 5_000 } }])(
    '%j is refused', (retry) => { expect(() => resolve({ retry })).toThrow(/^retry\./) })
})
