import { expect, test } from 'vitest'
import pg from 'pg'
import { typePolicy, type TypeParsers } from '../../../src/drivers/postgres/types.js'

const base: TypeParsers = pg.types

function parse(bigint: 'string' | 'bigint' | 'number', oid: number, text: string): unknown {
  const policy: TypeParsers = typePolicy(base, bigint)
  return (policy.getTypeParser(oid, 'text') as (text: string) => unknown)(text)
}

test('int8 comes in the form that was asked for, in arrays too', () => {
  expect(parse('string', 20, '9007199254740993')).toBe('9007199254740993')
  expect(parse('bigint', 20, '-9007199254740993')).toBe(-9007199254740993n)
  expect(parse('number', 20, '-42')).toBe(-42)
  expect(parse('string', 1016, '{{1,2},{NULL,3}}')).toEqual([['1', '2'], [null, '3']])
  expect(parse('bigint', 1016, '{{1,2},{NULL,3}}')).toEqual([[1n, 2n], [null, 3n]])
  expect(parse('number', 1016, '{1,NULL}')).toEqual([1, null])
})

test('as numbers, values that would be rounded are an error that does not show them', () => {
  expect(() => parse('number', 20, '9007199254740993')).toThrow(expect.objectContaining({ code: 'SLUICE_QUERY' }))
  expect(() => parse('number', 1016, '{9007199254740993}')).not.toThrow(/9007199254740993/)
})

test('dates, timestamps and numerics keep their text; timestamps with a zone are points in time', () => {
  expect(parse('string', 1082, '2026-11-20')).toBe('2026-11-20')
  expect(parse('string', 1182, '{2026-11-20,infinity}')).toEqual(['2026-11-20', 'infinity'])
  expect(parse('string', 1114, '2026-11-20 10:00:00')).toBe('2026-11-20 10:00:00')
  expect(parse('string', 1700, '1.10')).toBe('1.10')
  expect(parse('string', 1231, '{1.10}')).toEqual(['1.10'])
  expect(parse('string', 1184, '2026-11-20 10:00:00+00')).toEqual(new Date('2026-11-20T10:00:00Z'))
})

test('everything else is left to pg, binary values included', () => {
  expect(parse('string', 16, 't')).toBe(true)
  const policy: TypeParsers = typePolicy(base, 'string')
  expect(policy.getTypeParser(20, 'binary')).toBe(base.getTypeParser(20, 'binary'))
})
