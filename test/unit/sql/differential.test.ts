import { describe, expect, it } from 'vitest'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'
import { Classifier } from '../../../src/sql/classifier.js'
import { oracle } from './oracle.js'
import { generatedStatements, KEYWORD_PLACES } from './statements.js'

const classifier = new Classifier(postgresLexicon, { maxEntries: 0 })

interface Comparison {
  readonly wronglyRead: string[]
  readonly missed: string[]
  reads: number
  refused: number
}

async function compare(statements: readonly string[]): Promise<Comparison> {
  const result: Comparison = { wronglyRead: [], missed: [], reads: 0, refused: 0 }
  for (const text of statements) {
    const answer = await oracle(text)
    const found = classifier.classify(text)
    if (answer === 'refused') result.refused++
    if (answer === 'not-a-read' && found.class === 'read') result.wronglyRead.push(text)
    if (answer !== 'read') continue
    result.reads++
    if (found.class !== 'read') result.missed.push(`${text} -- ${found.why}`)
  }
  return result
}

describe('the classifier beside the parser of PostgreSQL itself', () => {
  it('calls no generated statement a read that is none, and recognises at least 95 % of the reads', async () => {
    const statements = generatedStatements()
    expect(statements.length).toBeGreaterThan(700)
    const { wronglyRead, missed, reads, refused } = await compare(statements)
    expect(wronglyRead).toEqual([])
    expect(reads).toBeGreaterThan(300)
    expect(refused / statements.length).toBeLessThan(0.2)
    expect(missed.length / reads, missed.slice(0, 20).join('\n')).toBeLessThan(0.05)
  })

  it('is not led astray by any keyword in any place', { timeout: 60_000 }, async () => {
    const { reserved, constructs, others } = postgresLexicon.keywords
    const keywords = [...reserved, ...constructs, ...others]
    const { wronglyRead, missed, reads } = await compare(KEYWORD_PLACES.flatMap((place) => keywords.map((word) => place.replaceAll('W', word))))
    expect(wronglyRead).toEqual([])
    expect(reads).toBeGreaterThan(500)
    expect(missed.length / reads, missed.slice(0, 20).join('\n')).toBeLessThan(0.05)
  })
})
