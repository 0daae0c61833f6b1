import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Classifier } from '../../../src/sql/classifier.js'
import { mysqlLexicon } from '../../../src/drivers/mysql/lexicon.js'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'
import { sqliteLexicon } from '../../../src/drivers/sqlite/lexicon.js'

interface Case {
  readonly dialect: string
  readonly sql: string
  readonly expected: string
  readonly why: string
  readonly also_ok?: readonly string[]
}

const cases = readFileSync(new URL('../../fixtures/classifier.jsonl', import.meta.url), 'utf8')
  .trim().split('\n').map((line) => JSON.parse(line) as Case)

const lexicons = { postgres: postgresLexicon, mysql: mysqlLexicon, sqlite: sqliteLexicon }

describe.each(Object.entries(lexicons))('the conformance corpus of %s', (dialect, lexicon) => {
  const classifier = new Classifier(lexicon)
  const own = cases.filter((entry) => entry.dialect === dialect)

  it('holds the cases', () => {
    expect(own.length).toBeGreaterThanOrEqual(25)
  })

  it.each(own.map((entry) => [entry.sql, entry] as const))('%s', (_, { sql, expected, also_ok: others, why }) => {
    const found = classifier.classify(sql)
    expect([expected, ...others ?? []], `${why}; got ${found.class}: ${found.why}`).toContain(found.class)
  })
})
