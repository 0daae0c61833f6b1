import type { StatementClass, StatementRule, StatementVariant } from '../../core/lexicon.js'

function rule(scan: StatementRule['scan'], kind: StatementClass, why?: string): StatementRule {
  return why === undefined ? { scan, class: kind } : { scan, class: kind, why }
}

function variants(kind: StatementClass, ...beginnings: readonly string[]): StatementVariant[] {
  return beginnings.map((words) => ({ words: words.split(' '), class: kind }))
}

const QUERY = rule('query', 'read')
const CHANGE = rule('change', 'write')
const SESSION = rule('none', 'session')
const CONTROL = rule('none', 'transaction-control')
const SCHEMA = rule('none', 'write', 'changes the schema, which only the primary may')
const SERVER = rule('none', 'write', 'steers the server')

/**
 * EXPLAIN, DESCRIBE and DESC are one statement: of a query, with words before it, or of a table. A read-only MariaDB
 * refuses the plan of a change, so that is a write.
 */
const EXPLAIN: StatementRule = {
  scan: 'explain', class: 'write', why: 'EXPLAIN of nothing known', plansReadsOnly: true, describesTables: true,
  options: new Set(['format', 'json', 'traditional', 'tree', 'extended', 'partitions']),
}

/** What the state of one server, not of its data, is asked for: the primary's is meant. */
const OF_THE_PRIMARY = variants('write', 'master', 'binary', 'binlog', 'slave hosts', 'replicas', 'processlist', 'full processlist', 'engine')

/** What one connection has just done, or has of its own. */
const OF_THE_SESSION = variants(
  'session', 'warnings', 'errors', 'count', 'session', 'local', 'profile', 'profiles', 'status',
)

/** MySQL's and MariaDB's statements by first keyword; those in no entry are writes. */
export const mysqlStatements: ReadonlyMap<string, StatementRule> = new Map<string, StatementRule>([
  ['select', QUERY], ['values', QUERY], ['table', QUERY], ['with', QUERY],
  ['insert', CHANGE], ['update', CHANGE], ['delete', CHANGE], ['replace', CHANGE],
  ['do', rule('change', 'write', 'evaluates for the side effect')],
  ['call', rule('change', 'write', 'runs a procedure that cannot be seen into')],
  ['explain', EXPLAIN], ['describe', EXPLAIN], ['desc', EXPLAIN],
  ['show', { scan: 'none', class: 'read', callsCount: true, variants: [...OF_THE_PRIMARY, ...OF_THE_SESSION] }],
  ['help', rule('none', 'read')],

  ['set', { scan: 'none', class: 'session', variants: [
    ...variants('transaction-control', 'transaction'),
    ...variants('write', 'global', 'persist', 'persist_only', 'password', 'default', 'statement'),
  ] }],
  ['use', SESSION], ['handler', SESSION], ['deallocate', SESSION], ['get', SESSION],
  ['prepare', SESSION], ['execute', { scan: 'none', class: 'session', variants: variants('write', 'immediate') }],
  ['lock', SESSION], ['unlock', SESSION],
  ['flush', { ...SERVER, variants: [
    ...variants('session', 'tables with', 'table with', 'local tables with', 'no_write_to_binlog tables with'),
  ] }],

  ['begin', { ...CONTROL, variants: variants('write', 'not') }],
  ['commit', CONTROL], ['rollback', CONTROL], ['savepoint', CONTROL], ['release', CONTROL], ['xa', CONTROL],
  ['start', { ...SERVER, variants: variants('transaction-control', 'transaction') }],

  ['create', { ...SCHEMA, variants: variants('session', 'temporary', 'or replace temporary') }],
  ['drop', { ...SCHEMA, variants: variants('session', 'temporary', 'prepare') }],
  ['alter', SCHEMA], ['rename', SCHEMA], ['truncate', rule('none', 'write')], ['grant', SCHEMA], ['revoke', SCHEMA],
  ['load', rule('none', 'write', 'loads rows')], ['import', SCHEMA],
  ['analyze', rule('none', 'write', 'updates statistics, or executes what it analyses')],
  ['check', rule('none', 'write')], ['checksum', rule('none', 'write')], ['optimize', rule('none', 'write')], ['repair', rule('none', 'write')],
  ['kill', SERVER], ['reset', SERVER], ['purge', SERVER], ['change', SERVER], ['stop', SERVER], ['shutdown', SERVER],
  ['restart', SERVER], ['install', SERVER], ['uninstall', SERVER], ['clone', SERVER], ['cache', SERVER], ['binlog', SERVER],
])
