import type { Lexicon } from '../core/lexicon.js'
import { Lexer } from './lex.js'
import {
  CAST, CLOSE, COMMA, DOT, END, NAME, NUMBER, OPEN, OPEN_BRACKET, CLOSE_BRACKET, PARAM, SEMICOLON, STRING, VARIABLE, WORD,
} from './token.js'

/** Stands for a literal. */
const BLANK = '?'
/** Stands for a list of literals or placeholders of any length. */
const LIST = '?, …'

/**
 * The text with every literal replaced by `?`, comments dropped and white space evened out: safe to log. Names, keywords
 * and placeholders stay as written. Where the text cannot be read for certain, the rest of it becomes `…`.
 *
 * @example normalize("select  1 from t where a = 'x' -- note", lexicon) // "select ? from t where a = ?"
 */
export function normalize(text: string, lexicon: Lexicon): string {
  const lexer = new Lexer(text, lexicon.quoting)
  let result = ''
  let before = END
  let end = 0
  for (let kind = lexer.next(); kind !== END; kind = lexer.next()) {
    const piece = kind === STRING || kind === NUMBER ? BLANK : text.slice(lexer.start, lexer.end)
    if (lexer.doubtful) return `${result}${result === '' ? '' : ' '}…`
    if (result !== '' && (lexer.start > end || glued(before, kind))) result += ' '
    result += piece
    before = kind
    end = lexer.end
  }
  return result
}

/** Two words or literals that only a dropped prefix or a quote kept apart. */
function glued(before: number, kind: number): boolean {
  return wordLike(before) && wordLike(kind)
}

function wordLike(kind: number): boolean {
  return kind === WORD || kind === NUMBER || kind === STRING || kind === PARAM
}

/**
 * A short stable name (14 hex digits) of a statement: the same whatever its literals, placeholders, white space,
 * comments, case of keywords, and the lengths of its IN lists, arrays and VALUES rows. Remember it per text: it reads the whole text.
 *
 * The hash is cyrb53 (bryc, public domain): 53 bits, not for security.
 */
export function fingerprint(text: string, lexicon: Lexicon): string {
  return hash(shape(text, lexicon).join(' '))
}

/** The tokens of a text without what varies between calls of the same statement. */
function shape(text: string, lexicon: Lexicon): string[] {
  const lexer = new Lexer(text, lexicon.quoting)
  const tokens: string[] = []
  let operand = false
  let operandBefore = false
  for (let kind = lexer.next(); kind !== END; kind = lexer.next()) {
    const literal = kind === STRING || kind === NUMBER || kind === PARAM
    const sign = kind === NUMBER && !operandBefore && (tokens.at(-1) === '-' || tokens.at(-1) === '+')
    // The sign of a literal belongs to it: `= -1` and `= 1` are the same statement, `a - 1` is another.
    if (sign) tokens.pop()
    tokens.push(literal ? BLANK : spelling(lexer, kind))
    if (kind === CLOSE || kind === CLOSE_BRACKET) foldList(tokens)
    operandBefore = operand
    operand = literal || kind === NAME || kind === CLOSE || kind === CLOSE_BRACKET || kind === VARIABLE
      || (kind === WORD && !lexicon.keywords.reserved.has(lexer.value))
  }
  while (tokens.at(-1) === ';') tokens.pop()
  return tokens
}

function spelling(lexer: Lexer, kind: number): string {
  switch (kind) {
    case WORD: return lexer.value
    case NAME: return JSON.stringify(lexer.value)
    case OPEN: return '('
    case CLOSE: return ')'
    case COMMA: return ','
    case DOT: return '.'
    case SEMICOLON: return ';'
    case CAST: return '::'
    case OPEN_BRACKET: return '['
    case CLOSE_BRACKET: return ']'
    default: return lexer.text.slice(lexer.start, lexer.end)
  }
}

/** What may stand in a list whose length and values do not matter. */
const LISTED = new Set([BLANK, ',', 'null', 'default', 'true', 'false'])

/** The list of `in (…)`, `array[…]` or of a VALUES row becomes one token, and so do rows side by side. */
function foldList(tokens: string[]): void {
  const open = tokens.at(-1) === ']' ? '[' : '('
  const list = `${open}${LIST}`
  let at = tokens.length - 2
  while (at > 0 && LISTED.has(tokens[at] ?? '')) at--
  if (at < 1 || tokens[at] !== open || at === tokens.length - 2) return
  const before = tokens[at - 1] ?? ''
  if (before === ',' && tokens[at - 2] === list) {
    tokens.length = at - 1
  } else if (before === 'in' || before === 'values' || (open === '[' && before === 'array')) {
    tokens.length = at
    tokens.push(list)
  }
}

function hash(text: string): string {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(16).padStart(14, '0')
}
