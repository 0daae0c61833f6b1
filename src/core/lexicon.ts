/** How far a statement may travel. `write` also means "cannot be proven to be a read". */
export type StatementClass = 'read' | 'write' | 'session' | 'transaction-control'

/**
 * What a call of a function makes of the statement around it. A function in no list makes it a `write`.
 *
 * - `read`: looks only at its arguments and at data every node has
 * - `waits`: as harmless, but it may hold up whatever shares its connection (`pg_sleep`)
 * - `write`: changes data or the server, takes a lock, or answers rightly on the primary only
 * - `session`: reads or changes the state of the connection it runs on
 */
export type FunctionClass = 'read' | 'waits' | 'write' | 'session'

/** How an engine reads quotes, comments and the like: everything the lexer must know. */
export interface Quoting {
  /** `$$…$$` and `$tag$…$tag$` are strings. */
  readonly dollarQuotes: boolean
  /** `E'…'` is a string with backslash escapes. */
  readonly escapeStrings: boolean
  /** `U&"…"` is a quoted identifier with `\XXXX` escapes, `U&'…'` a string. */
  readonly unicodeEscapes: boolean
  /**
   * A backslash in a plain string: `escape` it always escapes, `literal` it never does, `doubtful` the session decides
   * (then a string that would end elsewhere under the other reading makes the whole text unprovable).
   */
  readonly backslashes: 'escape' | 'literal' | 'doubtful'
  /** `"…"` is an identifier, a string, or one or the other as the session decides. */
  readonly doubleQuotes: 'identifier' | 'string' | 'doubtful'
  /** `` `…` `` is an identifier. */
  readonly backticks: boolean
  /** `[…]` is an identifier. */
  readonly brackets: boolean
  /** A block comment may hold block comments. */
  readonly nestedComments: boolean
  /** `#` begins a comment to the end of the line. */
  readonly hashComments: boolean
  /** `--` begins a comment only before white space. */
  readonly dashesNeedSpace: boolean
  /** A carriage return ends a line comment as a line feed does. */
  readonly returnEndsComment: boolean
  /** An unquoted name may begin with digits or with `$`: `2fa`, `$x`. */
  readonly digitNames: boolean
  /** Block comments that begin with `!` or `M!` are code to some servers. */
  readonly executableComments: boolean
  /** `@name` and `@@name` are variables of the session. */
  readonly variables: boolean
}

/**
 * The words of an engine that are no plain names, in lower case, sorted by where they may stand.
 *
 * Invariant the classifier's safety rests on: every word that an expression may directly follow (`BY f(x)`,
 * `ESCAPE f(x)`, `SQL_NO_CACHE f(x)`) is in one of these sets and not in {@link Keywords.names}. "Two operands never
 * stand side by side" is how `alias(column, …)` is told from a call.
 */
export interface Keywords {
  /** Never a name; a parenthesis after one opens no call. */
  readonly reserved: ReadonlySet<string>
  /** May name a column but no function: `(` after one belongs to the language (`coalesce(`, `numeric(`). */
  readonly constructs: ReadonlySet<string>
  /** May name a function and otherwise steers the grammar: `left(`, `over(`, `by`. */
  readonly others: ReadonlySet<string>
  /** Members of the sets above that end an operand when they stand as a name: `name`, `data`, `null`, `end`. */
  readonly names: ReadonlySet<string>
  /** Words that open no call directly after one of these words: `by` after `order`, `sets` after `grouping`. */
  readonly notCallAfter: ReadonlyMap<string, ReadonlySet<string>>
  /** Constructs that call a function the text does not show as a call (`TREAT(x AS f)`), or escape the lexer. */
  readonly refused: ReadonlyMap<string, string>
}

/** A statement that begins as its {@link StatementRule} says and goes on with these words is of another class. */
export interface StatementVariant {
  /** Words directly after the verb, lower case; `*` stands for any one; a point, an operator or `(` may stand among them. */
  readonly words: readonly string[]
  readonly class: StatementClass
}

/** What a first keyword says about a statement. */
export interface StatementRule {
  /**
   * How to look into it: `query` everything inside counts and it may prove to be a read; `change` it writes, but what
   * it calls may tie it to a session; `explain` options, then another statement; `copy` rows in or out; `none` the
   * first words decide.
   */
  readonly scan: 'query' | 'change' | 'explain' | 'copy' | 'none'
  /** The class, where `scan` leaves it open. */
  readonly class: StatementClass
  /** The first that fits decides. */
  readonly variants?: readonly StatementVariant[]
  /** Words between this one and the statement it explains: `query plan`. */
  readonly passes?: ReadonlySet<string>
  /** Completes the sentence "… because it" for people. */
  readonly why?: string
  /** `explain`: words that may stand between it and the statement, with `=` and a value: `format`, `json`. */
  readonly options?: ReadonlySet<string>
  /** `explain`: the plan of a change is refused by servers that only read. */
  readonly plansReadsOnly?: boolean
  /** `explain`: before a plain name it describes a table. */
  readonly describesTables?: boolean
  /** `none`: what is called further on counts too (`SHOW … WHERE f()`). */
  readonly callsCount?: boolean
}

/** An engine's words and quoting rules, as data for the lexer, the classifier and the fingerprint. */
export interface Lexicon {
  readonly quoting: Quoting
  readonly keywords: Keywords
  /** By first keyword, lower case. A statement that begins otherwise is a `write`. */
  readonly statements: ReadonlyMap<string, StatementRule>
  /** Two words side by side that lock rows: `for` -> `update`, `share`. */
  readonly locks: ReadonlyMap<string, ReadonlySet<string>>
  /** Built-in functions by lower-case name. */
  readonly functions: ReadonlyMap<string, FunctionClass>
  /** The one schema whose qualified functions and relations are the built-in ones. */
  readonly builtinSchema: string | undefined
  /** Relations that tell the truth only on the primary (`write`) or on one connection (`session`). */
  readonly relations: ReadonlyMap<string, 'write' | 'session'>
  /** `@@name` that belongs to the server; every other `@name` and `@@name` belongs to the session. */
  readonly systemVariables?: ReadonlyMap<string, 'read' | 'write'>
  /** `s.nextval` calls a function wherever it stands (sequences in Oracle's manner). */
  readonly attributesCall?: boolean
  /** Schema, or beginning of a schema's name followed by `_`, that holds the session's own tables. */
  readonly temporarySchema: string | undefined
  /** `CREATE FUNCTION … BEGIN ATOMIC …; …; END` holds semicolons that end no statement. */
  readonly atomicBodies: boolean
  /** A name directly after IN is a table's: `where id in chosen`. */
  readonly inNamesTable?: boolean
  /**
   * Routines and triggers have bodies `BEGIN …; …; END` (MySQL, SQLite), whose semicolons end no statement; scripts may
   * say `DELIMITER` to have them ended otherwise.
   */
  readonly compoundBodies?: boolean | undefined
}
