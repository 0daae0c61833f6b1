import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { QueryEvent } from '../../../src/core/observer.js'
import { NoReplicaError } from '../../../src/core/errors.js'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'
import { Quantiles } from '../../../src/metrics/quantiles.js'
import { StatementStatistics } from '../../../src/metrics/statements.js'
import { Shapes } from '../../../src/sql/shapes.js'

function event(text: string, more: Partial<QueryEvent> = {}): QueryEvent {
  return {
    text, name: undefined, label: undefined, node: 'db1', role: 'primary', route: 'read', command: 'SELECT', rowCount: 2, durationMs: 10, attempt: 1,
    error: undefined, ...more,
  }
}

const make = (): StatementStatistics => new StatementStatistics(new Shapes(postgresLexicon))

describe('statistics of statements', () => {
  it('count texts that differ in their literals only as one', () => {
    const statistics = make()
    statistics.query(event("select * from users where name = 'Ann'"))
    statistics.query(event("SELECT * from users  where name = 'Bob'", { node: 'db2', durationMs: 30 }))
    statistics.query(event('select * from users where name = $1', { error: new NoReplicaError('none') }))
    statistics.cache({ text: 'select * from users where name = $1', outcome: 'hit' })
    const [only, ...others] = statistics.list()
    expect(others).toEqual([])
    expect(only).toMatchObject({
      text: 'select * from users where name = ?', calls: 3, errors: 1, rows: 4, totalMs: 50, maxMs: 30, nodes: { db1: 1, db2: 1 }, cacheHits: 1,
    })
    expect(only?.p99).toBeGreaterThan(27)
    expect(only?.p99).toBeLessThan(33)
  })

  it('show no literal of any text', () => {
    const statistics = make()
    statistics.query(event("select 'a secret', 4711 from t where v = $$also secret$$"))
    expect(JSON.stringify(statistics.list())).not.toMatch(/secret|4711/)
  })

  it('are sorted as asked, the highest first', () => {
    const statistics = make()
    for (let at = 0; at < 3; at++) statistics.query(event('select often', { durationMs: 1 }))
    statistics.query(event('select slow', { durationMs: 100 }))
    expect(statistics.list().map(({ text }) => text)).toEqual(['select slow', 'select often'])
    expect(statistics.list({ orderBy: 'calls', limit: 1 }).map(({ text }) => text)).toEqual(['select often'])
  })

  it('keep to a thousand statements, and those that cost most', () => {
    const statistics = make()
    statistics.query(event('select dear', { durationMs: 1_000 }))
    for (let at = 0; at < 5_000; at++) statistics.query(event(`select a${String(at)}`))
    expect(statistics.list({ limit: Infinity }).length).toBeLessThanOrEqual(1_000)
    expect(statistics.list()[0]?.text).toBe('select dear')
  })
})

describe('quantiles', () => {
  it('are at most ten percent off', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0.002, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 }), (durations) => {
      const quantiles = new Quantiles()
      for (const ms of durations) quantiles.record(ms)
      const sorted = durations.toSorted((a, b) => a - b)
      for (const share of [0.5, 0.95, 0.99]) {
        const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
        expect(Math.abs((quantiles.at(share)[0] ?? 0) / exact - 1)).toBeLessThan(0.1)
      }
    }))
  })

  it('of nothing are 0, and of what is beyond the scale its ends', () => {
    const quantiles = new Quantiles()
    expect(quantiles.at(0.5)).toEqual([0])
    quantiles.record(0)
    expect(quantiles.at(0.5)[0]).toBeLessThan(0.002)
    quantiles.record(1e9)
    expect(quantiles.at(1)[0]).toBeGreaterThan(100_000)
  })
})
