import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDeepStrictEqual } from 'node:util'
import { Keys, keyOfParams } from '../../../src/cache/key.js'

const SAME_LOOKING: readonly unknown[] = [
  1, '1', 1n, true, 'true', null, 'null', undefined, 'undefined', '', 0, -0, false, NaN, 'NaN', new Date(1), 'd1', '1970-01-01T00:00:00.001Z',
  Buffer.from('1'), Buffer.from(''), [], [1], ['1'], [[1]], {}, { a: 1 }, { a: '1' }, { a: undefined }, '[n1]', 'n1', 's1:1', '1,s1:1',
]

describe('the key of parameters', () => {
  it('keeps values apart that look the same', () => {
    const keys = SAME_LOOKING.map((value) => keyOfParams([value]))
    expect(keys).not.toContain(undefined)
    expect(new Set(keys).size).toBe(SAME_LOOKING.length)
  })

  it('keeps lists apart that read the same', () => {
    expect(keyOfParams(['a', 'b'])).not.toBe(keyOfParams(['a,s1:b']))
    expect(keyOfParams([['a'], 'b'])).not.toBe(keyOfParams([['a', 'b']]))
  })

  it('is the same for the same values, and different for different ones', () => {
    const value = fc.oneof(
      fc.string(), fc.integer(), fc.bigInt(), fc.boolean(), fc.constant(null), fc.constant(undefined), fc.double(), fc.date(),
      fc.array(fc.oneof(fc.string(), fc.integer())), fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer())),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    )
    fc.assert(fc.property(fc.array(value), fc.array(value), (one, other) => {
      expect(keyOfParams(one) === keyOfParams(other)).toBe(isDeepStrictEqual(entriesOf(one), entriesOf(other)))
      expect(keyOfParams(one)).toBe(keyOfParams([...one]))
    }), { numRuns: 2_000 })
  })

  it('is none for what has no text of its own', () => {
    class Point { readonly x = 1 }
    const cyclic: unknown[] = []
    cyclic.push(cyclic)
    for (const value of [() => 1, Symbol('x'), new Point(), { toJSON: () => 1 }, { toPostgres: () => 1 }, new Map(), cyclic, [() => 1]]) {
      expect(keyOfParams([value])).toBeUndefined()
    }
  })
})

describe('the key of a statement', () => {
  it('differs by text, parameters and role, and is the caller\'s own where he gives one', () => {
    for (const shared of [false, true]) {
      const keys = new Keys(shared)
      const of = [
        keys.of('a', [], '', undefined), keys.of('b', [], '', undefined), keys.of('a', [1], '', undefined), keys.of('a', [], 'primary', undefined),
        keys.of('a', [], '', 'a'), keys.of('a', [], '', ''),
      ]
      expect(new Set(of).size).toBe(of.length)
      expect(keys.of('a', [], '', undefined)).toBe(of[0])
      expect(keys.of('x', [1], '', 'mine')).toBe(keys.of('y', [2], '', 'mine'))
    }
  })

  it('stays unique when more texts have been seen than are remembered', () => {
    const keys = new Keys(false)
    const seen = new Set<string | undefined>()
    for (let at = 0; at < 25_000; at++) seen.add(keys.of(`select ${String(at)}`, [], '', undefined))
    expect(seen.size).toBe(25_000)
  })
})

/** The order of an object's fields is part of what is sent. */
function entriesOf(values: readonly unknown[]): unknown {
  return values.map((value) => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
    ? Object.entries(value) : [value])
}
