import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../../src/config/duration.js'
import { interpolate } from '../../../src/config/interpolate.js'
import type { Problem } from '../../../src/config/problem.js'
import { nearest, suggestName } from '../../../src/config/suggest.js'

describe('a duration', () => {
  it.each([
    ['100ms', 100], ['30s', 30_000], ['300s', 300_000], ['5m', 300_000], ['5min', 300_000], ['1h30m', 5_400_000], ['1.5s', 1_500],
    ['1d', 86_400_000], [' 2s ', 2_000], ['0', 0], ['2m3s4ms', 123_004],
  ])('%s is %d ms', (text, ms) => { expect(parseDuration(text)).toBe(ms) })

  it.each(['', '5', '5 m', 'm', '-5s', '5w', '1e3s', '5s!', 'Infinity'])("'%s' is none", (text) => { expect(parseDuration(text)).toBeUndefined() })
})

describe('a suggestion', () => {
  it('is the nearest name, in any style', () => {
    expect(nearest('statment_timeout_ms', ['statementTimeoutMs', 'connectTimeoutMs'])).toBe('statementTimeoutMs')
    expect(nearest('mni', ['min', 'max'])).toBe('min')
    expect(nearest('qqqqqq', ['min', 'max'])).toBeUndefined()
  })

  it('knows what other libraries call it, else lists what there is', () => {
    expect(suggestName('idleTimeoutMillis', ['max'])).toBe('write idleTimeoutMs')
    expect(suggestName('qqqqqq', ['b', 'a'])).toBe('known here: a, b')
  })
})

describe('interpolation', () => {
  const run = (content: unknown, env: Record<string, string> = {}): unknown => {
    const problems: Problem[] = []
    const result = interpolate(content, env, problems)
    return problems.length === 0 ? result : problems.map(({ path, expected }) => `${path}: ${expected}`)
  }

  it('fills references in every text, and nothing else', () => {
    expect(run({ a: 'x ${A} ${A}', b: ['${A}'], c: 1, '${A}': null }, { A: '7' })).toEqual({ a: 'x 7 7', b: ['7'], c: 1, '${A}': null })
  })

  it('takes the default of a variable that is unset or empty', () => {
    expect(run(['${A:-x}', '${A:-}', '${B:-y:-z}'], { A: '' })).toEqual(['x', '', 'y:-z'])
  })

  it('does not look into what it filled in', () => {
    expect(run('${A}', { A: '${B}', B: 'no' })).toBe('${B}')
  })

  it('keeps an escaped reference', () => { expect(run('$${A} $$ $A {A}')).toBe('${A} $$ $A {A}') })

  it('names the variable that is missing, and references it cannot read', () => {
    expect(run({ a: { b: ['${NOT_SET}'] }, c: '${a b}' })).toEqual([
      'a.b.0: the environment variable NOT_SET', 'c: references like ${NAME} or ${NAME:-default}',
    ])
  })

  it('leaves objects with a class alone', () => {
    class Logger { text = '${A}' }
    const logger = new Logger()
    expect(run({ logger })).toEqual({ logger })
  })
})
