import type { Logger } from '../core/logger.js'
import type { BackupEvent, FailoverEvent, MigrationEvent, NodeEvent, Observer, QueryEvent, WarningEvent } from '../core/observer.js'
import type { Shapes } from '../sql/shapes.js'

type Level = 'debug' | 'info' | 'warn' | 'error'

/** What is logged, and how loudly. */
export interface LogSettings {
  readonly queryLogLevel: 'debug' | 'info' | 'warn' | 'silent'
  readonly slowQueryMs: number
}

/** How loudly the phases of migrations are logged; the others are not. */
const MIGRATION_LEVELS: Partial<Record<MigrationEvent['phase'], Level>> = {
  waiting: 'info', interrupted: 'warn', applied: 'info', reverted: 'info', failed: 'error', blocked: 'warn',
}

/**
 * Writes events to a pino-shaped logger. Parameter values are not part of any event, so they cannot be logged. Facts of
 * a level that the logger says it drops are not put together.
 */
export function logObserver(logger: Logger, settings: LogSettings, shapes: Shapes): Observer {
  const { queryLogLevel, slowQueryMs } = settings
  return {
    query(event) {
      const slow = slowQueryMs > 0 && event.durationMs >= slowQueryMs
      const level = slow ? 'warn' : queryLogLevel
      if (level === 'silent' || logger.isLevelEnabled?.(level) === false) return
      logger[level](queryFacts(event, shapes), slow ? 'slow query' : 'query')
    },
    node({ node, role, from, to, reason }: NodeEvent) {
      logger[to === 'down' || to === 'suspect' ? 'warn' : 'info']({ node, role, from, to, reason }, `node ${node}: ${from} -> ${to}`)
    },
    failover({ step, node, previous, epoch, gapMs, reason }: FailoverEvent) {
      const level = step === 'split' ? 'error' : step === 'lost' || step === 'fenced' ? 'warn' : 'info'
      logger[level]({ step, node, previous, epoch, gapMs: Math.round(gapMs) }, `failover: ${reason}`)
    },
    migration({ phase, service, version, name, node, durationMs, error }: MigrationEvent) {
      const level = MIGRATION_LEVELS[phase]
      if (level) logger[level]({ service, version, name, node, durationMs: Math.round(durationMs), error: error?.message }, `migration ${phase}`)
    },
    backup({ job, id, database, durationMs, bytes, error }: BackupEvent) {
      logger[error ? 'error' : 'info']({ job, id, database, durationMs, bytes, error: error?.message }, error ? `${job} failed` : `${job} ended`)
    },
    warning({ code, node, message, error }: WarningEvent) {
      logger.warn({ code, node, error: error?.message }, message)
    },
  }
}

function queryFacts(event: QueryEvent, shapes: Shapes): object {
  const { text, name, label, node, route, command, rowCount, durationMs, attempt, error } = event
  return { sql: text, fingerprint: shapes.of(text).fingerprint, name, label, node, route, command, rowCount, durationMs, attempt, error: error?.code }
}

/** Prints every statement for a developer's eyes; what `echo: true` adds. */
export function echoObserver(print: (line: string) => void): Observer {
  return {
    query({ text, node, route, rowCount, durationMs, error }) {
      const outcome = error ? error.code : `${String(rowCount)} rows`
      print(`[${node} ${route} ${durationMs.toFixed(1)} ms ${outcome}] ${text.replace(/\s+/g, ' ').trim()}`)
    },
  }
}
