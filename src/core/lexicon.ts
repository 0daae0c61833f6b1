/** How far a statement may travel. `write` also means "cannot be proven to be a read". */
export type StatementClass = 'read' | 'write' | 'session' | 'transaction-control'

/** What a call of a function makes of the statement around it. A function in no list makes it a `write`. */
export type FunctionClass = 'read' | 'write' | 'session'

/** An engine's words and quoting rules, as data for the lexer and the classifier. */
export interface Lexicon {
  /** `$$…$$` and `$tag$…$tag$` are strings. */
  readonly dollarQuotes: boolean
}
