import { describe, expect, it } from 'vitest'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'
import { fingerprint, normalize } from '../../../src/sql/fingerprint.js'

const print = (text: string): string => fingerprint(text, postgresLexicon)
const log = (text: string): string => normalize(text, postgresLexicon)

describe('normalize', () => {
  it.each([
    ["select  1 from t\n where a = 'x' -- note", 'select ? from t where a = ?'],
    ['SELECT a, "B c" FROM app.t WHERE id=$1', 'SELECT a, "B c" FROM app.t WHERE id=$1'],
    ["select E'a\\'b', $x$ y $x$, U&'d', 1.5e3, 0x1F, -1", 'select ?, ?, ?, ?, ?, -?'],
    ['/* traceparent=00-1 */ select/**/a', 'select a'],
    ["alter role x password 'secret'", 'alter role x password ?'],
    ['', ''],
  ])('%s', (text, expected) => {
    expect(log(text)).toBe(expected)
  })

  it('hides everything after a string that may end elsewhere', () => {
    expect(log("select 'C:\\', secret from t where a = 'x'")).toBe('select …')
    expect(log("select a, 'unterminated secret")).toBe('select a, …')
  })
})

describe('fingerprint', () => {
  it('is 14 hex digits, and stays the same over releases', () => {
    expect(print('select 1')).toMatch(/^[0-9a-f]{14}$/u)
    expect(print('select 1')).toBe(print('SELECT 2;'))
    expect(print('select 1')).toMatchInlineSnapshot(`"0ceaad5ba0b14a"`)
  })

  it.each([
    ['select * from t where a in (1, 2, 3)', 'select * from t where a in ($1)'],
    ['select * from t where a = -1', 'select * from t where a = 1'],
    ['select array[1, 2]', 'select array[3]'],
    ['insert into t values (1, 2), (3, 4)', "insert into t values (5, 'x')"],
    ['insert into t values (1, null), (default, 4)', 'insert into t values ($1, $2)'],
    ["select * from t where a = E'x'", 'select * from t where a = $x$y$x$'],
    ['select A from T', 'select a from t'],
  ])('is the same for %s and %s', (one, other) => {
    expect(print(one)).toBe(print(other))
  })

  it.each([
    ['select a from t', 'select b from t'],
    ['select "A" from t', 'select a from t'],
    ['select a - 1 from t', 'select a from t'],
    ['select substr(a, 1)', 'select substr(a, 1, 2)'],
    ['select round(1.5)', 'select round(1.5, 2)'],
    ['select a from t where b = 1', 'select a from t where b > 1'],
  ])('differs for %s and %s', (one, other) => {
    expect(print(one)).not.toBe(print(other))
  })
})
