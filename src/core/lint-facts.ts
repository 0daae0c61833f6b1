/** How much a finding weighs: an `error` may stop a service or lose data, a `warning` is advice. */
export type LintLevel = 'error' | 'warning'

/** One statement of a migration, as rules read it. */
export interface LintStatement {
  /**
   * Its words with single spaces between them: keywords and plain names in lower case, quoted names in double quotes
   * without spaces or punctuation in them, points without spaces around them, every string as `''`.
   */
  readonly words: string
  /** The table it is about, as it is written; undefined = none. */
  readonly table: string | undefined
  /** What it does to the table: the actions of ALTER TABLE, the columns and constraints of CREATE TABLE. */
  readonly parts: readonly string[]
}

/** What rules may know of a statement's surroundings. */
export interface LintScene {
  /** It runs outside of a transaction. */
  readonly alone: boolean
  /** Comparable version number of the server; undefined without one. */
  readonly version: number | undefined
  /** Statements before it in its file. */
  readonly earlier: readonly LintStatement[]
}

/** One thing a linter knows to go wrong. */
export interface LintRule {
  /** Under the name squawk or strong_migrations have for it. */
  readonly name: string
  readonly level: LintLevel
  /**
   * - `table`: it harms those who use the table; one that was made in the same file has no users yet
   * - `size`: the same, for as long as the table is large
   * - `anything`: it holds wherever it stands
   */
  readonly about: 'table' | 'size' | 'anything'
  /** What happens. */
  readonly problem: string
  /** What to do instead. */
  readonly remedy: string
  finds(statement: LintStatement, scene: LintScene): boolean
}
