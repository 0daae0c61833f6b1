/** State of a migration in the history; `reverting`: on its way down, statement by statement. */
export type HistoryState = 'applied' | 'running' | 'failed' | 'reverting'

/** Kind of a row: a migration's kind, or `B`, a baseline: everything up to its version counts as applied. */
export type HistoryKind = 'V' | 'R' | 'S' | 'B'

/** One row of the history. */
export interface HistoryRow {
  readonly service: string
  readonly version: number
  readonly name: string
  readonly kind: HistoryKind
  readonly checksum: string
  readonly algorithm: string
  readonly state: HistoryState
  /** Statements known done, of a migration that runs statement by statement; undefined for one that runs as a whole. */
  readonly statementsDone: number | undefined
  readonly statementsTotal: number | undefined
  readonly appliedBy: string | undefined
  readonly appVersion: string | undefined
  /** The server's session that ran it. */
  readonly session: { readonly id: number; readonly startedAt: string } | undefined
  readonly startedAt: Date | undefined
  readonly finishedAt: Date | undefined
  readonly durationMs: number | undefined
  readonly error: string | undefined
  readonly backupId: string | undefined
}

/** One line of the log that only grows. */
export interface LogEntry {
  readonly at: Date | undefined
  readonly action: string
  readonly service: string | undefined
  readonly version: number | undefined
  readonly name: string | undefined
  readonly by: string | undefined
  readonly detail: string | undefined
}
