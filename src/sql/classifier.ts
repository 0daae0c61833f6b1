import type { Lexicon, StatementClass } from '../core/lexicon.js'

/** What the classifier found out about one SQL text. */
export interface Classification {
  readonly class: StatementClass
  /** A sentence for people: `calls nextval(), which writes`. */
  readonly why: string
  /** The wish of a comment that says `sluice: primary` or `sluice: replica`. */
  readonly hint: 'primary' | 'replica' | undefined
  /** Statements in the text; 0 when it is empty. */
  readonly statements: number
  /**
   * Tables read or written, lower case, schema-qualified where the text does so; `undefined` when that cannot be told
   * (unknown functions, DDL, DO, CALL). A superset: never too few.
   */
  readonly tables: readonly string[] | undefined
  /** First keyword in upper case, `''` when there is none. */
  readonly verb: string
  /** May share a pipelined connection: one statement, a proven read, only built-in functions that cannot block. */
  readonly shareable: boolean
}

/** The caller's own knowledge about functions, and the size of the memory. */
export interface ClassifierOptions {
  /** Functions that write, beside everything unknown. */
  readonly writeFunctions: readonly string[]
  /** Own functions that only read, written as the statements call them: `app.price`, `slugify`. */
  readonly readOnlyFunctions: readonly string[]
  /** Texts remembered; default 2,000. */
  readonly maxEntries?: number
}

/** Tells reads from writes, one answer per text, remembered. */
export class Classifier {
  constructor(_lexicon: Lexicon, _options: Partial<ClassifierOptions> = {}) {}

  classify(_text: string): Classification {
    return { class: 'write', why: 'not looked at', hint: undefined, statements: 1, tables: undefined, verb: '', shareable: false }
  }
}
