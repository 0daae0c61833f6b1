import { describe, expect, test } from 'vitest'
import { postgresDialect } from '../../../src/drivers/postgres/dialect.js'
import { readPlan } from '../../../src/drivers/postgres/plan.js'
import { walDistance } from '../../../src/drivers/postgres/probes.js'

describe('text of the dialect', () => {
  test('identifiers are quoted, and refused when they cannot be', () => {
    expect(postgresDialect.quoteIdentifier('a"b')).toBe('"a""b"')
    expect(() => postgresDialect.quoteIdentifier('a\0b')).toThrow(/NUL/)
    expect(() => postgresDialect.quoteIdentifier('')).toThrow(/empty/)
  })

  test('placeholders count from 1', () => { expect(postgresDialect.placeholder(2)).toBe('$2') })

  test.each([
    [{}, 'begin'],
    [{ isolationLevel: 'serializable', readOnly: true, deferrable: true }, 'begin isolation level serializable read only deferrable'],
    [{ isolationLevel: 'repeatable read', readOnly: false }, 'begin isolation level repeatable read read write'],
    [{ deferrable: false }, 'begin not deferrable'],
  ] as const)('%j opens a transaction by "%s"', (options, text) => {
    expect(postgresDialect.begin(options)).toBe(text)
  })

  test('an isolation level that does not exist is refused, not pasted', () => {
    const isolationLevel = 'serializable; drop table x' as 'serializable'
    expect(() => postgresDialect.begin({ isolationLevel })).toThrow(expect.objectContaining({ code: 'SLUICE_CONFIG' }))
    expect(() => postgresDialect.begin({ isolationLevel: 'toString' as 'serializable' })).toThrow(/expected/)
  })

  test('a plan is asked for with or without running the statement', () => {
    expect(postgresDialect.explain('select 1', false)).toBe('explain (format json) select 1')
    expect(postgresDialect.explain('select 1', true)).toBe('explain (format json, analyze, buffers) select 1')
  })
})

describe('WAL positions', () => {
  test.each([
    ['0/10', '0/0', 16], ['0/0', '0/10', 0], ['1/0', '0/FFFFFFFF', 1], ['16/B374D848', '16/B374D848', 0],
    ['FFFFFFFF/0', '0/0', 2 ** 64 - 2 ** 32], ['nonsense', '0/0', Infinity], ['0/0', '', Infinity],
  ])('from %s back to %s', (ahead, behind, bytes) => {
    expect(walDistance(ahead, behind)).toBe(bytes)
  })
})

describe('a plan', () => {
  const scan = {
    'Node Type': 'Seq Scan', 'Relation Name': 'orders', 'Filter': '(total > 9)', 'Total Cost': 10.5, 'Plan Rows': 1,
    'Actual Rows': 500, 'Actual Loops': 1, 'Actual Total Time': 3, 'Rows Removed by Filter': 90_000,
  }
  const sort = { 'Node Type': 'Sort', 'Sort Key': ['at'], 'Sort Space Type': 'Disk', 'Sort Space Used': 800, 'Total Cost': 20, 'Plans': [scan] }
  const rows = [{ 'QUERY PLAN': [{ 'Plan': sort, 'Execution Time': 12.5 }] }]

  test('is read as a tree of lines with cost and time', () => {
    const facts = readPlan(rows)
    expect(facts).toMatchObject({ cost: 20, executionMs: 12.5 })
    expect(facts.text.split('\n')).toEqual([
      'Sort (cost=20 rows=?)', '  -> Seq Scan on orders (cost=10.5 rows=1; actual rows=500 loops=1 time=3 ms) (total > 9)',
    ])
  })

  test('comes with advice on what it wastes', () => {
    expect(readPlan(rows).advice).toEqual([
      expect.stringMatching(/sort by at spilled 800 kB/),
      expect.stringMatching(/orders: 90000 rows were read and thrown away by \(total > 9\)/),
      expect.stringMatching(/orders: 1 rows were expected and 500 came/),
    ])
  })

  test('is read from text too, and anything else gives an empty plan', () => {
    expect(readPlan([{ 'QUERY PLAN': JSON.stringify(rows[0]?.['QUERY PLAN']) }]).cost).toBe(20)
    expect(readPlan([])).toMatchObject({ text: '', advice: [] })
  })
})
