import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Classifier } from '../../../src/sql/classifier.js'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'

interface Case {
  readonly dialect: string
  readonly sql: string
  readonly expected: string
  readonly why: string
  readonly also_ok?: readonly string[]
}

const cases = readFileSync(new URL('../../fixtures/classifier.jsonl', import.meta.url), 'utf8')
  .trim().split('\n').map((line) => JSON.parse(line) as Case)

describe('the conformance corpus', () => {
  const classifier = new Classifier(postgresLexicon)
  const postgres = cases.filter(({ dialect }) => dialect === 'postgres')

  it('holds the cases', () => {
    expect(postgres.length).toBeGreaterThan(80)
  })

  it.each(postgres.map((entry) => [entry.sql, entry] as const))('%s', (_, { sql, expected, also_ok: others, why }) => {
    const found = classifier.classify(sql)
    expect([expected, ...others ?? []], `${why}; got ${found.class}: ${found.why}`).toContain(found.class)
  })
})
