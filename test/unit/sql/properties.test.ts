import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'
import { Classifier } from '../../../src/sql/classifier.js'
import { fingerprint, normalize } from '../../../src/sql/fingerprint.js'
import { Lexer } from '../../../src/sql/lex.js'
import { END, STRING } from '../../../src/sql/token.js'
import { generatedStatements, WRITES, WRITING_CALLS } from './statements.js'

const classifier = new Classifier(postgresLexicon)
const classOf = (text: string): string => classifier.classify(text).class
const STATEMENTS = generatedStatements()

/** The text cut at its token boundaries, where blanks and comments may be put. */
function pieces(text: string): { readonly text: string; readonly word: boolean }[] {
  const lexer = new Lexer(text, postgresLexicon.quoting)
  const found: { text: string; word: boolean }[] = []
  for (let kind = lexer.next(); kind !== END; kind = lexer.next()) {
    const piece = text.slice(lexer.start, lexer.end)
    found.push({ text: piece, word: kind !== STRING && /^[a-z_]+$/iu.test(piece) })
  }
  return found
}

const blank = fc.constantFrom(' ', '\n', '\t ', ' -- delete from t\n', '/* ; delete from t */', '/* /* nested */ for update */', ' /**/ ', '--\r')

function draw(blanks: Iterator<string, unknown>): string {
  const next = blanks.next()
  return next.done === true ? ' ' : next.value
}

/** Any characters, with those that matter to a lexer more often. */
const noise = fc.array(fc.oneof(
  fc.constantFrom("'", '"', '$$', '$a$', '\\', '(', ')', ';', '--', '/*', '*/', "E'", 'U&"', '::', '[', ']', '.', ',', '\0', '\n', 'select', 'delete', 'from', 'as', 'explain', 'with', ' '),
  fc.string({ maxLength: 6, unit: 'binary' }),
), { maxLength: 30 }).map((parts) => parts.join(' '))

describe('whatever the text', () => {
  it('never throws, and answers with one of the four classes', () => {
    fc.assert(fc.property(noise, (text) => {
      expect(['read', 'write', 'session', 'transaction-control']).toContain(classOf(text))
      expect(typeof fingerprint(text, postgresLexicon)).toBe('string')
      expect(typeof normalize(text, postgresLexicon)).toBe('string')
    }), { numRuns: 2_000 })
  })

  it('comments, blanks and the case of letters do not change the class', () => {
    fc.assert(fc.property(fc.constantFrom(...STATEMENTS), fc.infiniteStream(blank), fc.infiniteStream(fc.boolean()), (statement, blanks, cases) => {
      const written = pieces(statement).map(({ text, word }) => {
        const upper = word && cases.next().value === true
        return draw(blanks) + (upper ? text.toUpperCase() : text)
      }).join('')
      // Tokens that belong together (`::`, `E'…'`) stay together: pieces are whole tokens.
      expect(classOf(written), written).toBe(classOf(statement))
    }), { numRuns: 1_000 })
  })

  it('no wrapping turns a write into a read', () => {
    const wrappers = [
      (inner: string) => `with w as (${inner}) select 1`, (inner: string) => `with a as (select 1), b(x) as not materialized (${inner}) table a`,
      (inner: string) => `explain analyze ${inner}`, (inner: string) => `explain (verbose, analyze on) ${inner}`, (inner: string) => `(${inner})`,
      (inner: string) => `${inner};`, (inner: string) => `;${inner}`, (inner: string) => `select 1; ${inner}`, (inner: string) => `${inner}; select 1`,
      (inner: string) => `/* sluice: replica */ ${inner}`, (inner: string) => `copy (${inner}) to stdout`, (inner: string) => `select * from (${inner}) as x`,
    ]
    const write = fc.oneof(fc.constantFrom(...WRITES), fc.constantFrom(...WRITING_CALLS).map((call) => `select a from t where a = ${call}`))
    fc.assert(fc.property(write, fc.array(fc.constantFrom(...wrappers), { maxLength: 4 }), (statement, chosen) => {
      const text = chosen.reduce((inner, wrap) => wrap(inner), statement)
      expect(classOf(text), text).not.toBe('read')
    }), { numRuns: 2_000 })
  })

  it('a write after a semicolon is never a read, whatever comes before it', () => {
    fc.assert(fc.property(fc.constantFrom(...STATEMENTS), fc.constantFrom(...WRITES), blank, (first, write, between) => {
      expect(classOf(`${first};${between}${write}`)).not.toBe('read')
    }), { numRuns: 500 })
  })

  it('a text of which a part was cut off is no read where the cut is inside a quote', () => {
    fc.assert(fc.property(fc.constantFrom("'", '"', '$$', '$x$', '/*', "E'", 'U&"', "b'"), fc.string({ unit: fc.constantFrom('a', ' ', '1', 'select', '\n', '*') }), (quote, rest) => {
      expect(classOf(`select 1 ${quote}${rest}`)).toBe('write')
    }))
  })

  it('no literal survives normalisation', () => {
    const secret = fc.stringMatching(/^[b-df-hj-np-tv-z]{12}$/u)
    const quoted = fc.constantFrom((s: string) => `'${s}'`, (s: string) => `E'${s}\\''`, (s: string) => `$q$${s}$q$`, (s: string) => `U&'${s}'`, (s: string) => `'\\${s}\\'`, (s: string) => `'it''s ${s}'`, (s: string) => `'\\' ${s}'`)
    fc.assert(fc.property(secret, quoted, fc.constantFrom('select a from t where b = ', 'insert into t values (1, ', 'alter role x password '), (value, quote, before) => {
      expect(normalize(`${before}${quote(value)} /* ${value} */ -- ${value}`, postgresLexicon)).not.toContain(value)
    }), { numRuns: 500 })
  })

  it('literals, blanks and the case of keywords do not change the fingerprint', () => {
    fc.assert(fc.property(fc.integer(), fc.string({ unit: 'grapheme-ascii' }), fc.array(fc.integer(), { minLength: 1, maxLength: 9 }), fc.infiniteStream(blank), (number, text, list, blanks) => {
      const plain = "select a from t where b = 1 and c = 'x' and d in (1, 2)"
      const value = text.replace(/['\\\0]/gu, '')
      const other = `SELECT a${draw(blanks)}from t WHERE b = ${number} and${draw(blanks)}c = '${value}' and d IN (${list.join(',')});`
      expect(fingerprint(other, postgresLexicon)).toBe(fingerprint(plain, postgresLexicon))
    }))
  })
})
