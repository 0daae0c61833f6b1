import type { LintLevel } from '../../core/lint-facts.js'

/** Something a linter has found in a migration. */
export interface LintFinding {
  /** Name of the rule, as squawk or strong_migrations have it. */
  readonly rule: string
  /** An `error` may stop a service or lose data; a `warning` is advice. */
  readonly level: LintLevel
  readonly service: string
  readonly version: number
  readonly name: string
  readonly path: string
  /** Line of the statement in its file, from 1. */
  readonly line: number
  /** The table it is about, where there is one. */
  readonly table: string | undefined
  /** Rows of that table, as the server estimates them; undefined without a server. */
  readonly rows: number | undefined
  /** What happens. */
  readonly problem: string
  /** What to do instead. */
  readonly remedy: string
}

/** What `lint()` has found. */
export interface LintResult {
  /** In the order of files and lines. */
  readonly findings: readonly LintFinding[]
  /** Found, and said to be safe by `-- sluice:nolint`, with the reason. */
  readonly allowed: readonly (LintFinding & { readonly reason: string })[]
  /** How many files were looked at. */
  readonly files: number
}

/** What to look at. */
export interface LintOptions {
  /** Applied migrations, too; default: only what is pending. */
  readonly all?: boolean | undefined
  /** Ask no server: every file is looked at, and sizes and versions are not known. */
  readonly offline?: boolean | undefined
}
