import type { Lexicon } from '../../core/lexicon.js'
import { postgresFunctions } from './lexicon-functions.js'
import { postgresKeywords } from './lexicon-keywords.js'
import { postgresStatements } from './lexicon-statements.js'

/** Views of one server's own state: asked for, the primary is meant. */
const PRIMARY_ONLY = `
  pg_stat_replication pg_replication_slots pg_stat_replication_slots pg_stat_archiver pg_replication_origin_status
  pg_stat_subscription pg_stat_subscription_stats pg_prepared_xacts pg_locks pg_stat_activity
  pg_stat_all_tables pg_stat_sys_tables pg_stat_user_tables pg_stat_all_indexes pg_stat_sys_indexes pg_stat_user_indexes
  pg_stat_xact_all_tables pg_stat_xact_sys_tables pg_stat_xact_user_tables pg_stat_xact_user_functions pg_stat_user_functions
  pg_statio_all_tables pg_statio_sys_tables pg_statio_user_tables pg_statio_all_indexes pg_statio_sys_indexes
  pg_statio_user_indexes pg_statio_all_sequences pg_statio_sys_sequences pg_statio_user_sequences
  pg_stat_bgwriter pg_stat_checkpointer pg_stat_database pg_stat_io pg_stat_slru pg_stat_wal pg_stat_statements
  pg_stat_progress_analyze pg_stat_progress_basebackup pg_stat_progress_cluster pg_stat_progress_copy
  pg_stat_progress_create_index pg_stat_progress_vacuum
`.trim().split(/\s+/u)

const OF_ONE_SESSION = ['pg_cursors', 'pg_prepared_statements']

/** PostgreSQL's words and quoting rules, for all supported versions together. */
export const postgresLexicon: Lexicon = {
  quoting: {
    dollarQuotes: true, escapeStrings: true, unicodeEscapes: true,
    // standard_conforming_strings may be off: the text does not say.
    backslashes: 'doubtful',
    doubleQuotes: 'identifier', backticks: false, brackets: false, nestedComments: true, hashComments: false,
    dashesNeedSpace: false, returnEndsComment: true, digitNames: false, executableComments: false, variables: false,
  },
  keywords: postgresKeywords,
  statements: postgresStatements,
  locks: new Map([['for', new Set(['update', 'share', 'no', 'key'])]]),
  functions: postgresFunctions,
  builtinSchema: 'pg_catalog',
  relations: new Map<string, 'write' | 'session'>([
    ...PRIMARY_ONLY.map((name): [string, 'write'] => [name, 'write']),
    ...OF_ONE_SESSION.map((name): [string, 'session'] => [name, 'session']),
  ]),
  temporarySchema: 'pg_temp',
  atomicBodies: true,
}
