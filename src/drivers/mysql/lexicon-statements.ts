import type { StatementRule } from '../../core/lexicon.js'

/** Statements by first keyword; those in no entry are writes. */
export const mysqlStatements: ReadonlyMap<string, StatementRule> = new Map<string, StatementRule>([
  ['select', { scan: 'query', class: 'read' }], ['with', { scan: 'query', class: 'read' }],
])
