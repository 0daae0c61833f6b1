import { Frames } from './frame.js'
import { Lexer } from './lex.js'
import { StatementFacts } from './statement-facts.js'
import { DOT, END } from './token.js'
import type { Vocabulary, Word } from './vocabulary.js'

/** What matters of a token to those after it. */
export class Trace {
  kind = END
  /** The keyword, when the token is a word used as one; `''` otherwise. */
  word = ''
  /** It ends an operand: an operator, a keyword or an alias may follow, but no other operand. */
  operand = false
  /** It is the keyword AS: a label, a type or a body follows. */
  as = false

  set(kind: number, word: string, operand: boolean, as: boolean): void {
    this.kind = kind
    this.word = word
    this.operand = operand
    this.as = as
  }

  copy(from: Trace): void { this.set(from.kind, from.word, from.operand, from.as) }
}

/** A dotted name: `a`, `a.b`, `a.b.c`, as far as it has been read. */
export class Chain {
  parts = 0
  first = ''
  last = ''
  /** Joined with points, for people and for look-ups. */
  text = ''
  /** A part holds a point itself, so `text` is ambiguous. */
  ambiguous = false
  /** What the only part means as a keyword; undefined for plain, quoted and qualified names and for labels. */
  info: Word | undefined = undefined
  /** The token before the name. */
  readonly before = new Trace()

  start(name: string, before: Trace): void {
    this.parts = 1
    this.first = this.last = this.text = name
    this.ambiguous = false
    this.info = undefined
    this.before.copy(before)
  }

  extend(name: string): void {
    this.parts++
    this.last = name
    this.text = `${this.text}.${name}`
    this.info = undefined
  }
}

/** Everything the scanner knows at one point of the text. */
export class ScanState {
  readonly lexer: Lexer
  readonly vocabulary: Vocabulary
  readonly frames = new Frames()
  readonly previous = new Trace()
  /** Keyword before the previous one. */
  wordBefore = ''
  readonly chain = new Chain()
  facts = new StatementFacts()
  /** The chain names a table, unless it turns out to be called. */
  pendingTable = false
  /** The next word says what statement this is. */
  expectVerb = true
  /** The statement's inside matters. */
  deep = false

  constructor(text: string, vocabulary: Vocabulary) {
    this.lexer = new Lexer(text, vocabulary.lexicon.quoting)
    this.vocabulary = vocabulary
  }

  /** Whether the next name continues the chain. */
  get continuesChain(): boolean { return this.previous.kind === DOT && this.chain.parts > 0 }

  /** The token just handled becomes the previous one. */
  pass(kind: number, word: string, operand: boolean, as = false): void {
    this.wordBefore = this.previous.word
    this.previous.set(kind, word, operand, as)
  }

  /** The name read so far is a table after all. */
  settleTable(): void {
    if (!this.pendingTable) return
    this.pendingTable = false
    const { chain, frames } = this
    // A changed table is a real one even where a CTE has its name.
    if (chain.parts === 1 && !frames.current.changes && frames.namesCte(chain.text)) return
    this.facts.tables.add(chain.text.toLowerCase())
  }
}
