import { expect, test } from 'vitest'
import { PreparedStatements } from '../../../src/drivers/postgres/prepared.js'
import { TextUses } from '../../../src/drivers/postgres/text-uses.js'

test('a text keeps its name while it is in use', () => {
  const statements = new PreparedStatements(2)
  const a = statements.add('a')
  statements.add('b')
  expect(statements.find('a')).toBe(a)
  statements.add('c')
  expect(statements.find('a')).toBe(a)
  expect(statements.size).toBe(2)
})

test('the least recently used one is closed, once', () => {
  const statements = new PreparedStatements(2)
  const a = statements.add('a')
  const b = statements.add('b')
  statements.find('a')
  statements.add('c')
  expect(statements.takeClosing()).toEqual([b.name])
  expect(statements.takeClosing()).toEqual([])
  statements.forget(a)
  statements.forget(a)
  expect(statements.takeClosing()).toEqual([a.name])
})

test('a name is never given twice, so that a late Close cannot hit a newer statement', () => {
  const statements = new PreparedStatements(1)
  const given = ['a', 'b', 'a', 'b'].map((text) => statements.add(text).name)
  statements.clear()
  given.push(statements.add('a').name)
  expect(new Set(given).size).toBe(5)
})

test('forgetting one whose text has a newer name leaves that alone', () => {
  const statements = new PreparedStatements(2)
  const old = statements.add('a')
  statements.forget(old)
  const fresh = statements.add('a')
  statements.forget(old)
  expect(statements.find('a')).toBe(fresh)
})

test('clearing forgets everything, closings that were not sent included', () => {
  const statements = new PreparedStatements(1)
  statements.add('a')
  statements.add('b')
  statements.clear()
  expect(statements.size).toBe(0)
  expect(statements.takeClosing()).toEqual([])
})

/** The use from which on the text is worth preparing; undefined within ten. */
function worthFrom(text: string, uses = new TextUses()): number | undefined {
  for (let use = 1; use <= 10; use++) if (uses.enough(text)) return use
  return undefined
}

test.each([
  'select 1', '  -- a comment\n SELECT $1::int', '/* two\n lines */ (select 1) union (select 2)', 'with a as (select 1) insert into t select * from a',
  'insert into t values ($1)', 'update t set v = $1', 'delete from t', 'values (1)', 'table t',
])('what has a plan is prepared from its sixth use on: %s', (text) => {
  expect(worthFrom(text)).toBe(6)
})

test.each([
  'begin', 'create table t (id int)', 'set search_path to app', 'show all', 'select 1; select 2', 'selection', 'select * into temp t from u',
  `select '${'x'.repeat(20_000)}'`,
])('what has none, may be several, or is very long is not: %s', (text) => {
  expect(worthFrom(text)).toBeUndefined()
})

test('a bounded number of texts is counted', () => {
  const uses = new TextUses()
  for (let i = 0; i < 5; i++) uses.enough('select 1')
  for (let i = 0; i < 2_000; i++) uses.enough(`select ${String(i)} as other`)
  expect(worthFrom('select 1', uses)).toBe(6)
})
