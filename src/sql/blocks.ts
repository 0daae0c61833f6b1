import type { Lexicon } from '../core/lexicon.js'
import type { Lexer } from './lex.js'
import { CLOSE, COMMA, DOT, END, OPEN, OPERATOR, SEMICOLON, STRING, WORD } from './token.js'

const ROUTINES = new Set(['procedure', 'function', 'trigger', 'event', 'package'])
const OTHER_OBJECTS = new Set(['table', 'view', 'index', 'database', 'schema', 'user', 'role', 'server', 'sequence', 'tablespace'])
const LOOPS = new Set(['loop', 'while', 'repeat'])
/** A statement of a body begins after one of these. */
const BEFORE_STATEMENT = new Set([
  'then', 'else', 'do', 'begin', 'loop', 'repeat', 'row', 'deterministic', 'data', 'sql', 'invoker', 'definer',
])

/**
 * Knows whether the current token stands inside a body whose semicolons end no statement: `BEGIN ATOMIC … END` of SQL
 * functions (PostgreSQL), or the compound statements of routines and triggers (MySQL, MariaDB, SQLite).
 */
export class Blocks {
  readonly #atomic: boolean
  readonly #compound: boolean
  readonly #ahead: (at: number) => Lexer
  #words: string[] = []
  #depth = 0
  #body = false
  #previousKind = END
  #previousWord = ''

  constructor(lexicon: Pick<Lexicon, 'atomicBodies' | 'compoundBodies'>, ahead: (at: number) => Lexer) {
    this.#atomic = lexicon.atomicBodies
    this.#compound = lexicon.compoundBodies === true
    this.#ahead = ahead
  }

  get inside(): boolean { return this.#depth > 0 }

  /** The next statement begins. */
  clear(): void {
    this.#words = []
    this.#depth = 0
    this.#body = false
    this.#previousKind = END
    this.#previousWord = ''
  }

  /** @param parentheses - open ones around the token */
  token(kind: number, lexer: Lexer, parentheses: number): void {
    const word = kind === WORD ? lexer.value : ''
    if (kind === WORD && this.#previousKind !== DOT) {
      if (this.#words.length < 10) this.#noteHead(word)
      if (this.#atomic && parentheses === 0) this.#atomicWord(word)
      else if (this.#compound && this.#body) this.#compoundWord(word, lexer)
    }
    this.#previousKind = kind
    this.#previousWord = word
  }

  #noteHead(word: string): void {
    this.#words.push(word)
    const [first, second] = this.#words
    if (this.#body) return
    if (this.#atomic) {
      this.#body = /^create (or replace )?(function|procedure)$/.test(this.#words.join(' '))
    } else if (first === 'create' || first === 'alter') {
      if (OTHER_OBJECTS.has(word)) this.#words.length = 10
      else this.#body = ROUTINES.has(word)
    } else if (first === 'begin' && second === 'not') {
      this.#body = true
      this.#depth = 1
    } else if (this.#words.length === 1 && (word === 'if' || word === 'for' || LOOPS.has(word))) {
      this.#body = true
    }
  }

  /** The rule of psql: in CREATE FUNCTION and PROCEDURE, BEGIN and CASE open, END closes. */
  #atomicWord(word: string): void {
    if (!this.#body) return
    if (word === 'begin' || (word === 'case' && this.#depth > 0)) this.#depth++
    else if (word === 'end' && this.#depth > 0) this.#depth--
  }

  #compoundWord(word: string, lexer: Lexer): void {
    if (word === 'end') this.#depth = Math.max(0, this.#depth - 1)
    else if (this.#previousWord === 'end') return // END IF, END LOOP: the END has closed it
    else if (word === 'begin' || word === 'case') this.#depth++
    else if (word === 'loop' || word === 'while') this.#depth++
    else if (word === 'repeat') this.#depth += this.#nextIsOpen(lexer.end) ? 0 : 1
    else if (word === 'if' && this.#statementBegins() && !this.#isFunctionCall(lexer.end)) this.#depth++
    else if (word === 'for' && this.#statementBegins() && this.#depth > 0) this.#depth++
  }

  #statementBegins(): boolean {
    const kind = this.#previousKind
    if (kind === SEMICOLON || kind === END || kind === OPERATOR) return true
    if (kind === CLOSE || kind === STRING) return this.#depth === 0
    return kind === WORD && BEFORE_STATEMENT.has(this.#previousWord)
  }

  #nextIsOpen(at: number): boolean {
    return this.#ahead(at).next() === OPEN
  }

  /** `IF(a, b, c)` has commas between its own parentheses, `IF (a) THEN` has none. */
  #isFunctionCall(at: number): boolean {
    const lexer = this.#ahead(at)
    if (lexer.next() !== OPEN) return false
    for (let depth = 1; depth > 0;) {
      const kind = lexer.next()
      if (kind === END) return false
      if (kind === COMMA && depth === 1) return true
      if (kind === OPEN) depth++
      if (kind === CLOSE) depth--
    }
    return false
  }
}
