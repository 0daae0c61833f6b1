import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { NoReplicaError } from '../../../src/core/errors.js'
import type { Logger } from '../../../src/core/logger.js'
import type { MigrationEvent, QueryEvent } from '../../../src/core/observer.js'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'
import { logObserver } from '../../../src/logging/log-observer.js'
import { Shapes } from '../../../src/sql/shapes.js'

const QUERY: QueryEvent = {
  text: 'select * from users where id = $1', name: 'users.one', label: 'GET /user', node: 'db1', role: 'replica', route: 'read', command: 'SELECT',
  rowCount: 1, durationMs: 5, attempt: 1, error: undefined,
}

interface Line { readonly level: number; readonly msg: string; readonly [fact: string]: unknown }

function logged(level = 'debug', settings = {}): { observer: ReturnType<typeof logObserver>, lines: Line[] } {
  const lines: Line[] = []
  const logger: Logger = pino({ level }, { write: (line: string) => { lines.push(JSON.parse(line) as Line) } })
  return { observer: logObserver(logger, { queryLogLevel: 'debug', slowQueryMs: 100, ...settings }, new Shapes(postgresLexicon)), lines }
}

describe('the log', () => {
  it('has a statement at debug once it has ended, with what is needed to find it again', () => {
    const { observer, lines } = logged()
    observer.query?.(QUERY)
    expect(lines).toMatchObject([{
      level: 20, msg: 'query', sql: QUERY.text, fingerprint: expect.stringMatching(/^[0-9a-f]{14}$/) as unknown, name: 'users.one', label: 'GET /user', node: 'db1',
      route: 'read', command: 'SELECT', rowCount: 1, durationMs: 5,
    }])
  })

  it('has a slow one at warn, whatever the level of the others', () => {
    const { observer, lines } = logged('debug', { queryLogLevel: 'silent' })
    observer.query?.(QUERY)
    observer.query?.({ ...QUERY, durationMs: 100 })
    expect(lines).toMatchObject([{ level: 40, msg: 'slow query' }])
  })

  it('names the error of a failed one by its code only', () => {
    const { observer, lines } = logged()
    observer.query?.({ ...QUERY, error: new NoReplicaError('none of them') })
    expect(lines[0]).toMatchObject({ error: 'SLUICE_NO_REPLICA' })
  })

  it('puts nothing together for a logger that drops the level', () => {
    const { observer, lines } = logged('info')
    observer.query?.(new Proxy(QUERY, { get: (event, fact) => {
      if (fact !== 'durationMs') throw new Error(`${String(fact)} was read`)
      return event.durationMs
    } }))
    expect(lines).toEqual([])
  })

  it('tells of migrations and backups by how they ended', () => {
    const { observer, lines } = logged()
    const migration: MigrationEvent = {
      phase: 'applied', service: undefined, version: 1, name: 'init', node: 'db1', durationMs: 3.4, statement: undefined, position: undefined, blockers: [],
      error: undefined,
    }
    observer.migration?.({ ...migration, phase: 'statement' })
    observer.migration?.(migration)
    observer.migration?.({ ...migration, phase: 'failed', error: new Error('no') })
    observer.backup?.({ job: 'backup', id: 'x', database: 'shop', durationMs: 1, bytes: 2, error: undefined })
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([[30, 'migration applied'], [50, 'migration failed'], [30, 'backup ended']])
  })
})
