import type { Lexicon, Quoting } from '../core/lexicon.js'
import { Blocks } from './blocks.js'
import { Lexer } from './lex.js'
import { CLOSE, CLOSE_BRACKET, END, NAME, OPEN, OPEN_BRACKET, SEMICOLON, WORD } from './token.js'

/** One statement of a script. */
export interface SplitStatement {
  /** As it is sent: without the delimiter, comments before it left out. */
  readonly text: string
  /** Offset of its first character. */
  readonly start: number
  /** Offset of the delimiter that ends it, or of the text's end. */
  readonly end: number
  /** Its first words, lower case: enough to know what it is. */
  readonly head: readonly string[]
}

/** A script, cut. */
export interface SplitResult {
  readonly statements: readonly SplitStatement[]
  /** What makes the cut uncertain: an open quote or comment, or a body that does not end; undefined = all is well. */
  readonly problem: string | undefined
}

/** What the splitter must know of an engine. */
export type SplitLexicon = Pick<Lexicon, 'quoting' | 'atomicBodies' | 'compoundBodies'>

const HEAD_WORDS = 12

/**
 * Cuts a script into its statements, as the engine's own client would: semicolons in quotes, comments, parentheses and
 * bodies of routines end nothing; `DELIMITER` is obeyed where the engine's client knows it; code in executable comments
 * stays in them. What the session decides is read as the server reads it by default: backslashes in plain strings
 * literally where there is a string of its own for escapes, double quotes as strings. Total: never throws.
 */
export function split(text: string, lexicon: SplitLexicon): SplitResult {
  return new Splitter(text, lexicon).run()
}

/** How scripts are read where the session could decide: as the server does by default. */
export function scriptQuoting(quoting: Quoting): Quoting {
  return {
    ...quoting, backslashes: quoting.backslashes !== 'doubtful' ? quoting.backslashes : quoting.escapeStrings ? 'literal' : 'escape',
    doubleQuotes: quoting.doubleQuotes === 'doubtful' ? 'string' : quoting.doubleQuotes,
  }
}

class Splitter {
  readonly #text: string
  readonly #quoting: Quoting
  readonly #commands: boolean
  readonly #lexer: Lexer
  readonly #blocks: Blocks
  readonly #statements: SplitStatement[] = []
  #delimiter = ';'
  #start = -1
  #head: string[] = []
  #depth = 0

  constructor(text: string, lexicon: SplitLexicon) {
    this.#text = text
    this.#quoting = scriptQuoting(lexicon.quoting)
    this.#commands = lexicon.compoundBodies === true
    this.#lexer = new Lexer(text, this.#quoting)
    this.#blocks = new Blocks(lexicon, (at) => this.#lexerAt(at))
  }

  run(): SplitResult {
    const lexer = this.#lexer
    for (let kind = lexer.next(); kind !== END; kind = lexer.next()) {
      if (this.#start < 0 && this.#command()) continue
      if (kind === WORD && this.#delimiter.startsWith('$')) this.#endWord()
      if (this.#ends(kind)) this.#cut(lexer.start)
      else this.#take(kind)
    }
    const inside = this.#blocks.inside
    if (this.#start >= 0) this.#cut(this.#text.length)
    const problem = lexer.unended ? 'a quote or comment is not closed' : inside ? 'a body (BEGIN … END) does not end' : undefined
    return { statements: this.#statements, problem }
  }

  #lexerAt(at: number): Lexer {
    const ahead = new Lexer(this.#text, this.#quoting)
    ahead.end = at
    return ahead
  }

  #take(kind: number): void {
    const lexer = this.#lexer
    if (this.#start < 0) this.#start = lexer.executing >= 0 ? lexer.executing : lexer.start
    if (kind === OPEN || kind === OPEN_BRACKET) this.#depth++
    else if (kind === CLOSE || kind === CLOSE_BRACKET) this.#depth = Math.max(0, this.#depth - 1)
    if ((kind === WORD || kind === NAME) && this.#head.length < HEAD_WORDS) this.#head.push(kind === WORD ? lexer.value : `"${lexer.value}"`)
    this.#blocks.token(kind, lexer, this.#depth)
  }

  #ends(kind: number): boolean {
    const { start, executing } = this.#lexer
    if (executing >= 0) return false
    if (this.#delimiter !== ';') return this.#text.startsWith(this.#delimiter, start)
    return kind === SEMICOLON && this.#depth === 0 && !this.#blocks.inside
  }

  /** `END$$`: to the client the delimiter begins there, although a name may hold a dollar sign. */
  #endWord(): void {
    const { start, end, value } = this.#lexer
    const at = this.#text.indexOf(this.#delimiter, start)
    if (at <= start || at >= end) return
    this.#lexer.end = at
    this.#lexer.value = value.slice(0, at - start)
  }

  #cut(end: number): void {
    if (this.#start >= 0) {
      this.#statements.push({ text: this.#text.slice(this.#start, end).trimEnd(), start: this.#start, end, head: this.#head })
    }
    this.#start = -1
    this.#head = []
    this.#depth = 0
    this.#blocks.clear()
    this.#lexer.end = Math.max(this.#lexer.end, Math.min(this.#text.length, end + this.#delimiter.length))
  }

  /** `DELIMITER x`: a word to the client, up to the end of its line. */
  #command(): boolean {
    const lexer = this.#lexer
    if (!this.#commands || lexer.kind !== WORD || lexer.value !== 'delimiter') return false
    const line = /^[^\r\n]*/.exec(this.#text.slice(lexer.end))?.[0] ?? ''
    this.#delimiter = line.trim() || ';'
    lexer.end += line.length
    return true
  }
}
