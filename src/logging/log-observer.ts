import type { Logger } from '../core/logger.js'
import type { FailoverEvent, NodeEvent, Observer, QueryEvent, WarningEvent } from '../core/observer.js'

/** What is logged, and how loudly. */
export interface LogSettings {
  readonly queryLogLevel: 'debug' | 'info' | 'warn' | 'silent'
  readonly slowQueryMs: number
}

/** Writes events to a pino-shaped logger. Parameter values are not part of any event, so they cannot be logged. */
export function logObserver(logger: Logger, settings: LogSettings): Observer {
  const { queryLogLevel, slowQueryMs } = settings
  const slow = (event: QueryEvent): boolean => slowQueryMs > 0 && event.durationMs >= slowQueryMs
  return {
    query(event) {
      const level = slow(event) ? 'warn' : queryLogLevel
      if (level !== 'silent') logger[level](queryFields(event), slow(event) ? 'slow query' : 'query')
    },
    node({ node, role, from, to, reason }: NodeEvent) {
      logger[to === 'down' || to === 'suspect' ? 'warn' : 'info']({ node, role, from, to, reason }, `node ${node}: ${from} -> ${to}`)
    },
    failover({ step, node, previous, epoch, gapMs, reason }: FailoverEvent) {
      const level = step === 'split' ? 'error' : step === 'lost' || step === 'fenced' ? 'warn' : 'info'
      logger[level]({ step, node, previous, epoch, gapMs: Math.round(gapMs) }, `failover: ${reason}`)
    },
    warning({ code, node, message, error }: WarningEvent) {
      logger.warn({ code, node, error: error?.message }, message)
    },
  }
}

function queryFields(event: QueryEvent): object {
  const { text, name, label, node, route, command, rowCount, durationMs, attempt, error } = event
  return { sql: text, name, label, node, route, command, rowCount, durationMs, attempt, error: error?.code }
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
