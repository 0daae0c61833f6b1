import { expect, test } from 'vitest'
import { PreparedNames } from '../../../src/drivers/postgres/prepared.js'

test('a text keeps its name while it is in use', () => {
  const names = new PreparedNames(2)
  const a = names.nameOf('a')
  names.nameOf('b')
  expect(names.nameOf('a')).toBe(a)
  names.nameOf('c')
  expect(names.nameOf('a')).toBe(a)
  expect(names.size).toBe(2)
})

test('the least recently used name is closed, once', () => {
  const names = new PreparedNames(2)
  const a = names.nameOf('a')
  const b = names.nameOf('b')
  names.nameOf('a')
  names.nameOf('c')
  expect(names.takeClosing()).toEqual([b])
  expect(names.takeClosing()).toEqual([])
  names.forget('a')
  names.forget('a')
  expect(names.takeClosing()).toEqual([a])
})

test('a name is never given twice, so that a late Close cannot hit a newer statement', () => {
  const names = new PreparedNames(1)
  const given = ['a', 'b', 'a', 'b'].map((text) => names.nameOf(text))
  names.clear()
  given.push(names.nameOf('a'))
  expect(new Set(given).size).toBe(5)
})

test('clearing forgets everything, closings that were not sent included', () => {
  const names = new PreparedNames(1)
  names.nameOf('a')
  names.nameOf('b')
  expect(names.clear()).toHaveLength(2)
  expect(names.size).toBe(0)
  expect(names.takeClosing()).toEqual([])
})
