import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { statement } from '../../../src/core/statement.js'
import { wireValues } from '../../../src/drivers/postgres/params.js'

/** pg's own conversion: the meaning that ours keeps. */
const { prepareValue } = createRequire(import.meta.url)('pg/lib/utils.js') as { prepareValue(value: unknown): unknown }

const convert = (value: unknown): unknown => wireValues(statement('select $1', [value]))[0]

describe('parameters become what pg makes of them', () => {
  const plain = fc.oneof(
    fc.string().filter((text) => !text.includes('\0')), fc.integer(), fc.double(), fc.bigInt(), fc.boolean(),
    fc.constant(null), fc.constant(undefined), fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.date({ noInvalidDate: true, min: new Date('1950-01-01'), max: new Date('9999-01-01') }),
    fc.dictionary(fc.string(), fc.jsonValue()),
  )
  const nested = fc.oneof(plain, fc.array(plain), fc.array(fc.array(plain)))

  test('for every kind of value', () => {
    fc.assert(fc.property(nested, (value) => { expect(convert(value)).toEqual(prepareValue(value)) }))
  })

  test('also for objects that know their own form', () => {
    const value = { toPostgres: () => [1, { toPostgres: () => 'x' }] }
    expect(convert(value)).toBe(prepareValue(value))
  })
})

describe('a value that cannot be sent is refused by its position, never by its content', () => {
  const circular: Record<string, unknown> = { secret: 'hunter2' }
  circular['self'] = circular
  const itself: { toPostgres(): unknown } = { toPostgres: () => itself }
  test.each([
    ['a NUL character', 'hunter2\0'], ['a NUL character in an array', ['hunter2\0']], ['an invalid date', new Date(NaN)],
    ['a symbol', Symbol('hunter2')], ['a function', () => 'hunter2'], ['circular JSON', circular],
    ['a bigint in JSON', { secret: 'hunter2', big: 1n }], ['an object that is its own form', itself],
  ])('%s', (_, value) => {
    const attempt = (): unknown => wireValues(statement('select $1, $2', ['fine', value]))
    expect(attempt).toThrow(/parameter \$2 /)
    expect(attempt).not.toThrow(/hunter2/)
    expect(attempt).toThrow(expect.objectContaining({ code: 'SLUICE_QUERY', neverSent: true }))
  })

  test('more parameters than the protocol can count are refused', () => {
    const params = (length: number): number[] => Array.from({ length }, (_, index) => index)
    expect(wireValues(statement('select 1', params(65_535)))).toHaveLength(65_535)
    expect(() => wireValues(statement('select 1', params(65_536)))).toThrow(/at most 65535 parameters, got 65536/)
  })

  test('a NUL in the statement text is refused too', () => {
    expect(() => wireValues(statement('select 1\0'))).toThrow(/NUL/)
  })
})

describe('dates', () => {
  test('carry an offset to the second where the zone had one', () => {
    expect(convert(new Date(Date.UTC(2026, 10, 20, 18, 30)))).toBe('2026-11-21T00:00:00.000+05:30')
    expect(convert(new Date(Date.UTC(1800, 0, 1)))).toBe('1800-01-01T05:53:28.000+05:53:28')
  })

  test('before year 1 are written as BC', () => {
    const date = new Date(Date.UTC(2026, 0, 1))
    date.setUTCFullYear(-43)
    expect(convert(date)).toMatch(/^0044-01-01T.* BC$/)
  })
})
