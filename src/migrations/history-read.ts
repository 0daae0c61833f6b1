import type { HistoryKind, HistoryRow, HistoryState, LogEntry } from './history-row.js'

/** One statement of a migration that runs statement by statement. */
export interface JournalLine {
  readonly service: string
  readonly version: number
  readonly name: string
  /** From 1. */
  readonly index: number
  readonly sha: string
  readonly state: 'running' | 'done' | 'failed'
  readonly error: string | undefined
}

type Row = Readonly<Record<string, unknown>>

/** A row of the table `migration`. Engines differ in how numbers arrive. */
export function rowFrom(row: Row): HistoryRow {
  const pid = number(row['pid'])
  return {
    service: String(row['service']), version: number(row['version']) ?? 0, name: String(row['name']), kind: String(row['kind']) as HistoryKind,
    checksum: String(row['checksum']), algorithm: String(row['algo']), state: String(row['state']) as HistoryState,
    statementsDone: number(row['stmts_done']), statementsTotal: number(row['stmts_total']),
    appliedBy: text(row['applied_by']), appVersion: text(row['app_version']),
    session: pid === undefined ? undefined : { id: pid, startedAt: text(row['backend_start']) ?? '' },
    startedAt: moment(row['started_ms']), finishedAt: moment(row['finished_ms']), durationMs: number(row['ms']),
    error: text(row['error']), backupId: text(row['backup_id']),
  }
}

/** A row of the table `migration_stmt`. */
export function statementFrom(row: Row): JournalLine {
  return {
    service: String(row['service']), version: number(row['version']) ?? 0, name: String(row['name']), index: number(row['idx']) ?? 0,
    sha: String(row['sha']), state: String(row['state']) as JournalLine['state'], error: text(row['error']),
  }
}

/** A row of the table `migration_log`. */
export function logFrom(row: Row): LogEntry {
  return {
    at: moment(row['at_ms']), action: String(row['action']), service: text(row['service']), version: number(row['version']), name: text(row['name']),
    by: text(row['by_whom']), detail: text(row['detail']),
  }
}

function number(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function moment(value: unknown): Date | undefined {
  const ms = number(value)
  return ms === undefined ? undefined : new Date(ms)
}
