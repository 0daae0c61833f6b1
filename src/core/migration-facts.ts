import type { LintRule } from './lint-facts.js'
import type { Probe } from './probe.js'

/** Tables of the history of migrations, and the view that other tools can read. */
export type HistoryTable = 'migration' | 'migration_stmt' | 'migration_log' | 'migration_snapshot' | 'schema_migrations'

/** One object of a database's catalog, as text that is equal when the object is. */
export interface CatalogObject {
  /** `table public.users`, `index public.users_pkey`, … */
  readonly name: string
  /** Everything that makes it what it is, in the engine's own words. */
  readonly definition: string
}

/** A table lock that a session took. */
export interface TakenLock {
  readonly relation: string
  readonly mode: string
}

/** How long statements of a migration may take; 0 = no limit, undefined = as the session has it. */
export interface StatementTimeouts {
  readonly lockTimeoutMs: number | undefined
  readonly statementTimeoutMs: number | undefined
}

/** What a server says of itself and its tables, for the linter. */
export interface TableFacts {
  readonly name: string
  readonly rows: number
  readonly bytes: number
}

/** What engines call the same thing differently, for migrations: words, catalog questions, capabilities. */
export interface MigrationFacts {
  /** Quoted name of a table of the history. */
  table(schema: string, name: HistoryTable): string
  /** Whether the history's tables are there. */
  historyExists(schema: string): Probe<boolean>
  /** Makes the schema of the history; undefined where tables live without one. */
  readonly schema: { exists(schema: string): Probe<boolean>; create(schema: string): string } | undefined
  /** Makes the view that golang-migrate can read: one row of version and dirty. */
  compatibilityView(view: string, table: string): string
  /** Column types: a short text that may be part of a key, a long one, a point in time. */
  readonly types: { readonly word: string; readonly text: string; readonly moment: string }
  /** The present moment, to be stored. */
  readonly now: string
  /** Milliseconds since 1970 of a stored moment, as an expression. */
  epochMs(column: string): string
  /** Several statements may travel as one text, so that a whole file is one round trip. */
  readonly scripts: boolean
  /** A value as SQL text, for scripts. */
  literal(value: string | number | null): string
  /** Begins of statements, as lower-case words, that the engine refuses inside a transaction. */
  readonly alone: RegExp | undefined
  /** Begins of statements that stand in nobody's way while they wait for locks: the default limit of that wait is not for them. */
  readonly patient: RegExp | undefined
  /** Begins of statements that may commit in their middle, where there is no transaction around them. */
  readonly selfCommitting: RegExp | undefined
  /** How a migration's transaction begins. */
  readonly begin: string
  /** Statements by which the running transaction's commit need not wait for the disk. */
  readonly asynchronousCommit: readonly string[]
  /** Statements that apply these limits: until the end of the transaction, or to the session. */
  timeouts(limits: StatementTimeouts, inTransaction: boolean): readonly string[]
  /** Statements that take the session's limits back. */
  readonly resetTimeouts: readonly string[]
  /**
   * Proof that a script has not left its transaction: an expression for the transaction's identity, and a statement that
   * fails when the identity is another one by then, or when `held` (a query for one boolean) does not answer true.
   * Undefined where the engine cannot tell.
   */
  readonly guard: { readonly identity: string; statement(identity: string, held: string | undefined): string } | undefined
  /** Everything in the catalog but the history itself, in a stable order. */
  catalog(schema: string): Probe<readonly CatalogObject[]>
  /** Table locks this session holds now; undefined where the engine does not show them. */
  readonly locksTaken: Probe<readonly TakenLock[]> | undefined
  /** Names of half-made indexes a failed statement may have left, and how to drop one. */
  readonly leftovers: { find(name: string): Probe<readonly string[]>; drop(quotedName: string): string } | undefined
  /** Sizes of all tables of the database. */
  readonly tables: Probe<readonly TableFacts[]>
  /** Loads what is known to go wrong with migrations while a service runs; undefined = nothing. */
  readonly lintRules: (() => Promise<readonly LintRule[]>) | undefined
}
