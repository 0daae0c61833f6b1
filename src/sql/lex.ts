import type { Quoting } from '../core/lexicon.js'
import {
  CAST, CHARACTER, CLOSE, CLOSE_BRACKET, COMMA, DIGIT, DOT, END, LETTER, NAME, NUMBER, OPEN, OPEN_BRACKET, OPERATOR,
  OTHER, PARAM, SEMICOLON, SPACE, STRING, SYMBOL, VARIABLE, WORD, continuesName,
} from './token.js'
import { blockCommentEnd, decodeUnicodeEscapes, digitsEnd, dollarTagEnd, foldAscii, hintIn, numberEnd, stringEnd } from './quotes.js'

/**
 * Cuts SQL text into tokens, one `next()` at a time, without allocating but for names.
 *
 * Invariants: never throws; `end` always moves forward; when the text may mean something else to the server than to this
 * lexer (an unterminated string, a backslash that may or may not escape, a NUL), `doubtful` becomes and stays true.
 */
export class Lexer {
  readonly text: string
  readonly #quoting: Quoting
  /** Where the comment began that is being read as code; -1 outside of such a comment. */
  executing = -1
  /** Kind of the current token. */
  kind = END
  /** Lower-case word, or the decoded content of a quoted identifier; `''` for other tokens. */
  value = ''
  /** Offsets of the current token. */
  start = 0
  end = 0
  /** The text cannot be read for certain. */
  doubtful = false
  /** A quote or comment is not closed: what follows it was read as its content. */
  unended = false
  /** Wish found in a comment so far. */
  hint: 'primary' | 'replica' | undefined = undefined

  constructor(text: string, quoting: Quoting) {
    this.text = text
    this.#quoting = quoting
    this.doubtful = text.includes('\0')
  }

  /** Moves to the next token and returns its kind. */
  next(): number {
    const before = this.kind
    const at = this.#skipBlank(this.end)
    this.start = at
    this.value = ''
    if (at >= this.text.length) return this.#token(END, this.text.length)
    const code = this.text.charCodeAt(at)
    if (code >= 128 || CHARACTER[code] === LETTER) return this.#word(at, code)
    if (CHARACTER[code] === DIGIT) return this.#number(at, code, before === DOT)
    return this.#punctuation(at, code)
  }

  #token(kind: number, end: number): number {
    this.kind = kind
    this.end = end
    return kind
  }

  #skipBlank(from: number): number {
    const { text } = this
    let at = from
    for (;;) {
      const code = text.charCodeAt(at)
      if (CHARACTER[code] === SPACE) { at++; continue }
      if (code === 45 && text.charCodeAt(at + 1) === 45 && this.#dashesBegin(at)) at = this.#lineComment(at + 2)
      else if (code === 47 && text.charCodeAt(at + 1) === 42) at = this.#blockComment(at)
      else if (code === 35 && this.#quoting.hashComments) at = this.#lineComment(at + 1)
      else if (code === 42 && this.executing >= 0 && text.charCodeAt(at + 1) === 47) {
        this.executing = -1
        at += 2
      } else return at
    }
  }

  /** A number, or a name that begins like one. */
  #number(at: number, code: number, afterDot: boolean): number {
    const end = numberEnd(this.text, at)
    if (this.#quoting.digitNames && (afterDot || continuesName(this.text.charCodeAt(end), true))) {
      if (afterDot || digitsEnd(this.text, at) === end) return this.#word(at, code)
      // a name, or a number and a word behind it: `0x1g`, `1e5x`
      this.doubtful = true
    }
    return this.#token(NUMBER, end)
  }

  #dashesBegin(at: number): boolean {
    if (!this.#quoting.dashesNeedSpace) return true
    const code = this.text.charCodeAt(at + 2)
    return Number.isNaN(code) || code <= 32
  }

  #lineComment(from: number): number {
    const { text } = this
    let at = from
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === 10 || (code === 13 && this.#quoting.returnEndsComment)) break
    }
    this.#noteHint(from, at)
    return at
  }

  #blockComment(at: number): number {
    const { text } = this
    if (this.#quoting.executableComments) {
      const code = text.charCodeAt(at + 2) === 77 ? text.charCodeAt(at + 3) : text.charCodeAt(at + 2)
      if (code === 33) {
        // Code to one server and comment to another: read as code, and trusted no further.
        this.doubtful = true
        this.executing = at
        return numberEnd(text, text.indexOf('!', at) + 1)
      }
    }
    const end = blockCommentEnd(text, at, this.#quoting.nestedComments)
    if (end < 0) {
      this.doubtful = this.unended = true
      return text.length
    }
    this.#noteHint(at + 2, end - 2)
    return end
  }

  #noteHint(from: number, to: number): void {
    if (to - from > 64) return
    const hint = hintIn(this.text.slice(from, to))
    // Two hints that contradict each other: the primary is always right.
    if (hint) this.hint = this.hint === undefined || this.hint === hint ? hint : 'primary'
  }

  #word(at: number, first: number): number {
    const { text } = this
    if (text.charCodeAt(at + 1) === 39) {
      if (first === 69 || first === 101) {
        if (this.#quoting.escapeStrings) return this.#string(at + 2, 39, 'escape')
      } else if (first === 66 || first === 98 || first === 88 || first === 120 || first === 78 || first === 110) {
        return this.#string(at + 2, 39, this.#quoting.backslashes)
      }
    }
    if ((first === 85 || first === 117) && this.#quoting.unicodeEscapes && text.charCodeAt(at + 1) === 38) {
      const quote = text.charCodeAt(at + 2)
      if (quote === 39) return this.#string(at + 3, 39, 'doubtful')
      if (quote === 34) return this.#name(at + 3, 34, true)
    }
    let end = at + 1
    let folds = first >= 65 && first <= 90
    let foreign = first >= 128
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end)
      if (!continuesName(code, true)) break
      if (code >= 128) foreign = true
      else if (code >= 65 && code <= 90) folds = true
    }
    const word = text.slice(at, end)
    // Only ASCII is folded: toLowerCase() would turn a Kelvin sign into a k and so a foreign name into a known one.
    this.value = !folds ? word : foreign ? foldAscii(word) : word.toLowerCase()
    return this.#token(WORD, end)
  }

  #string(from: number, quote: number, backslashes: Quoting['backslashes']): number {
    let end = stringEnd(this.text, from, quote, backslashes)
    if (end < 0) {
      this.doubtful = true
      this.unended ||= backslashes !== 'doubtful'
      end = -end
    }
    return this.#token(STRING, end)
  }

  #name(from: number, quote: number, escapes = false): number {
    let end = stringEnd(this.text, from, quote, 'literal')
    if (end < 0) {
      this.doubtful = this.unended = true
      end = -end
    }
    const closer = String.fromCharCode(quote)
    const raw = this.text.slice(from, end - 1).replaceAll(closer + closer, closer)
    this.value = escapes ? decodeUnicodeEscapes(raw) : raw
    return this.#token(NAME, end)
  }

  #punctuation(at: number, code: number): number {
    switch (code) {
      case 40: return this.#token(OPEN, at + 1)
      case 41: return this.#token(CLOSE, at + 1)
      case 44: return this.#token(COMMA, at + 1)
      case 46: return CHARACTER[this.text.charCodeAt(at + 1)] === DIGIT && !this.#isQualified(at)
        ? this.#token(NUMBER, numberEnd(this.text, at)) : this.#token(DOT, at + 1)
      case 59: return this.#token(SEMICOLON, at + 1)
      case 39: return this.#string(at + 1, 39, this.#quoting.backslashes)
      case 34: return this.#doubleQuoted(at)
      case 91: return this.#quoting.brackets ? this.#name(at + 1, 93) : this.#token(OPEN_BRACKET, at + 1)
      case 93: return this.#token(CLOSE_BRACKET, at + 1)
      default: return this.#symbol(at, code)
    }
  }

  /** Directly behind a name, where names may begin with digits, a point is none of a number: `db.2fa`. */
  #isQualified(at: number): boolean {
    return this.#quoting.digitNames && this.end === at && (this.kind === WORD || this.kind === NAME)
  }

  #doubleQuoted(at: number): number {
    if (this.#quoting.doubleQuotes === 'identifier') return this.#name(at + 1, 34)
    if (this.#quoting.doubleQuotes === 'string') return this.#string(at + 1, 34, this.#quoting.backslashes)
    // A name in one mode, a string in the other: read as a name, which may do everything a string may and call besides.
    // A backslash before its end means something in one of them only.
    if (stringEnd(this.text, at + 1, 34, 'doubtful') < 0) this.doubtful = true
    return this.#name(at + 1, 34)
  }

  #symbol(at: number, code: number): number {
    const next = this.text.charCodeAt(at + 1)
    switch (code) {
      case 36: return this.#dollar(at, next)
      case 58: return next === 58 ? this.#token(CAST, at + 2) : this.#token(OPERATOR, at + 1)
      case 96: if (this.#quoting.backticks) return this.#name(at + 1, 96); else break
      case 64: if (this.#quoting.variables) return this.#variable(at); else break
      default:
    }
    // What is left of the symbols makes operators, but for a few that stand in no statement.
    if (CHARACTER[code] === SYMBOL && code !== 92 && code !== 123 && code !== 125) return this.#token(OPERATOR, at + 1)
    this.doubtful = true
    return this.#token(OTHER, at + 1)
  }

  #dollar(at: number, next: number): number {
    const { text } = this
    if (this.#quoting.digitNames) {
      // newer servers quote with it, older ones do not
      if (dollarTagEnd(text, at) >= 0) this.doubtful = true
      return this.#word(at, 36)
    }
    if (CHARACTER[next] === DIGIT) {
      let end = at + 2
      while (CHARACTER[text.charCodeAt(end)] === DIGIT) end++
      return this.#token(PARAM, end)
    }
    const tagEnd = this.#quoting.dollarQuotes ? dollarTagEnd(text, at) : -1
    if (tagEnd < 0) {
      this.doubtful = true
      return this.#token(OTHER, at + 1)
    }
    const close = text.indexOf(text.slice(at, tagEnd), tagEnd)
    if (close < 0) this.doubtful = this.unended = true
    return this.#token(STRING, close < 0 ? text.length : close + tagEnd - at)
  }

  #variable(at: number): number {
    let end = at + 1
    while (this.text.charCodeAt(end) === 64) end++
    while (end < this.text.length && (continuesName(this.text.charCodeAt(end), true) || this.text.charCodeAt(end) === 46)) end++
    return this.#token(VARIABLE, end)
  }
}
