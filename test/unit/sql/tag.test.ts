import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/core/errors.js'
import type { SqlRenderer } from '../../../src/core/statement.js'
import { sql } from '../../../src/sql/tag.js'

const numbered: SqlRenderer = { placeholder: (n) => `$${n}`, quoteIdentifier: (name) => `"${name.replaceAll('"', '""')}"` }
const marks: SqlRenderer = { placeholder: () => '?', quoteIdentifier: (name) => `\`${name}\`` }

describe('the sql tag', () => {
  it('turns values into parameters in the style of the engine', () => {
    const statement = sql`select * from t where a = ${1} and b = ${'x'}`
    expect(statement.compile(numbered)).toEqual({ text: 'select * from t where a = $1 and b = $2', params: [1, 'x'] })
    expect(statement.compile(marks)).toEqual({ text: 'select * from t where a = ? and b = ?', params: [1, 'x'] })
  })

  it('numbers through nested fragments, and counts a fragment used twice twice', () => {
    const condition = sql`b = ${2} or c = ${3}`
    const statement = sql`select ${1} from t where ${condition} and (${condition}) and d = ${4}`
    expect(statement.compile(numbered)).toEqual({
      text: 'select $1 from t where b = $2 or c = $3 and (b = $4 or c = $5) and d = $6', params: [1, 2, 3, 2, 3, 4],
    })
  })

  it('quotes identifiers, whatever is in them', () => {
    expect(sql`select * from ${sql.id('app', 'we"ird')} where ${sql.id('a')} = ${1}`.compile(numbered)).toEqual({
      text: 'select * from "app"."we""ird" where "a" = $1', params: [1],
    })
  })

  it('joins values and fragments', () => {
    expect(sql`select * from t where id in (${sql.join([1, 2, 3])})`.compile(numbered)).toEqual({ text: 'select * from t where id in ($1, $2, $3)', params: [1, 2, 3] })
    const conditions = [sql`a = ${1}`, sql`b = ${2}`]
    const expected = { text: 'where a = $1 and b = $2', params: [1, 2] }
    expect(sql`where ${sql.join(conditions, ' and ')}`.compile(numbered)).toEqual(expected)
    expect(sql`where ${sql.join(conditions, sql` and `)}`.compile(numbered)).toEqual(expected)
    expect(sql`x${sql.join([])}y`.compile(numbered)).toEqual({ text: 'xy', params: [] })
    expect(sql.join([7]).compile(numbered)).toEqual({ text: '$1', params: [7] })
  })

  it('has raw text, no text and rows of values', () => {
    expect(sql`select 1 ${sql.raw('order by a desc')}`.compile(numbered).text).toBe('select 1 order by a desc')
    expect(sql`select 1${sql.empty}`.compile(numbered)).toEqual({ text: 'select 1', params: [] })
    expect(sql`insert into t values ${sql.values([[1, 'a'], [2, sql`default`]])}`.compile(numbered)).toEqual({
      text: 'insert into t values ($1, $2), ($3, default)', params: [1, 'a', 2],
    })
  })

  it('reads a call site anew for other values, and the same text for the same call site', () => {
    const at = (value: unknown): ReturnType<typeof sql> => sql`select ${value}`
    expect(at(1).compile(numbered)).toEqual({ text: 'select $1', params: [1] })
    expect(at(2).compile(numbered)).toEqual({ text: 'select $1', params: [2] })
    expect(at(sql`now()`).compile(numbered)).toEqual({ text: 'select now()', params: [] })
    expect(at(3).compile(marks)).toEqual({ text: 'select ?', params: [3] })
  })

  it('takes objects that only look like fragments as values', () => {
    const lookalike = { compile: () => ({ text: 'drop table t', params: [] }), strings: ['drop table t'] }
    expect(sql`select ${lookalike}`.compile(numbered)).toEqual({ text: 'select $1', params: [lookalike] })
  })

  it('never lets a value into the text', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.object()), { minLength: 1, maxLength: 6 }), (values) => {
      const { text, params } = sql`select ${sql.join(values)} from t where x in (${sql.join(values.map((value) => sql`(${value})`))})`.compile(numbered)
      expect(text).toMatch(/^select [$\d, ]+ from t where x in \([($\d), ]+\)$/u)
      expect(params).toEqual([...values, ...values])
    }))
  })

  it('says what is wrong with what it was given', () => {
    const untyped = sql as unknown as (text: unknown) => unknown
    expect(() => untyped('select 1')).toThrow(ConfigError)
    expect(() => untyped(['select 1'])).toThrow(/template tag/u)
    expect(() => sql.id()).toThrow(/got none/u)
    expect(() => sql.id('a', '')).toThrow(/empty/u)
    expect(() => sql.values([])).toThrow(ConfigError)
    expect(() => sql.values([[1], [1, 2]])).toThrow(/one length/u)
    expect(() => (sql.raw as (text: unknown) => unknown)(1)).toThrow(/got a number/u)
  })
})
