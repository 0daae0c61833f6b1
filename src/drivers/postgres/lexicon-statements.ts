import type { StatementClass, StatementRule } from '../../core/lexicon.js'

function rule(scan: StatementRule['scan'], kind: StatementClass, why?: string): StatementRule {
  return why === undefined ? { scan, class: kind } : { scan, class: kind, why }
}

const QUERY = rule('query', 'read')
const SESSION = rule('none', 'session')
const CONTROL = rule('none', 'transaction-control')
const SCHEMA = rule('none', 'write', 'changes the schema, which only the primary may')

const TEMPORARY = [
  ['temp'], ['temporary'], ['local', 'temp'], ['local', 'temporary'], ['global', 'temp'], ['global', 'temporary'],
  ['or', 'replace', 'temp'], ['or', 'replace', 'temporary'],
]

/** What SHOW tells of one connection or one transaction; every other setting is the same on all pooled connections. */
const SHOWS_SESSION = [
  ['*', '.'], ['transaction'], ['session', 'authorization'], ['role'], ['session_authorization'], ['seed'],
  ['transaction_isolation'], ['transaction_read_only'], ['transaction_deferrable'],
]

function variants(prefixes: readonly (readonly string[])[], kind: StatementClass): { words: readonly string[]; class: StatementClass }[] {
  return prefixes.map((words) => ({ words, class: kind }))
}

/** PostgreSQL's statements by first keyword; those in no entry are writes. */
export const postgresStatements: ReadonlyMap<string, StatementRule> = new Map<string, StatementRule>([
  ['select', QUERY], ['values', QUERY], ['table', QUERY], ['with', QUERY],
  ['insert', rule('change', 'write')], ['update', rule('change', 'write')],
  ['delete', rule('change', 'write')], ['merge', rule('change', 'write')],
  ['explain', rule('explain', 'write', 'EXPLAIN of nothing known')],
  ['copy', rule('copy', 'write')],
  ['show', { scan: 'none', class: 'read', variants: variants(SHOWS_SESSION, 'session') }],

  ['set', { scan: 'none', class: 'session', variants: variants([['transaction']], 'transaction-control') }],
  ['reset', SESSION], ['discard', SESSION], ['listen', SESSION], ['unlisten', SESSION], ['load', SESSION],
  ['execute', SESSION], ['deallocate', SESSION], ['declare', SESSION], ['fetch', SESSION], ['move', SESSION], ['close', SESSION],
  ['prepare', { scan: 'none', class: 'session', variants: variants([['transaction']], 'transaction-control') }],
  ['wait', { scan: 'none', class: 'write', variants: variants([['for']], 'session') }],

  ['begin', CONTROL], ['commit', CONTROL], ['end', CONTROL], ['rollback', CONTROL], ['abort', CONTROL],
  ['savepoint', CONTROL], ['release', CONTROL],
  ['start', { scan: 'none', class: 'write', variants: variants([['transaction']], 'transaction-control') }],

  ['create', { ...SCHEMA, variants: variants(TEMPORARY, 'session') }],
  ['alter', SCHEMA], ['drop', SCHEMA], ['truncate', rule('none', 'write')], ['comment', SCHEMA], ['grant', SCHEMA], ['revoke', SCHEMA],
  ['security', SCHEMA], ['import', SCHEMA], ['reassign', SCHEMA], ['refresh', rule('none', 'write', 'fills a materialized view')],
  ['do', rule('none', 'write', 'runs a block of code that cannot be seen into')],
  ['call', rule('none', 'write', 'runs a procedure that cannot be seen into')],
  ['lock', rule('none', 'write', 'locks a table')],
  ['notify', rule('none', 'write', 'sends a notification, which only the primary may')],
  ['vacuum', rule('none', 'write')], ['analyze', rule('none', 'write')], ['analyse', rule('none', 'write')],
  ['cluster', rule('none', 'write')], ['reindex', rule('none', 'write')], ['checkpoint', rule('none', 'write')],
])
