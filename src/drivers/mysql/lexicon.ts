import type { Lexicon } from '../../core/lexicon.js'
import { mysqlFunctions } from './lexicon-functions.js'
import { mysqlKeywords } from './lexicon-keywords.js'
import { mysqlStatements } from './lexicon-statements.js'

/** Variables of the server that are the same for every session, and on every node of a cluster or nearly so. */
const EVERYWHERE = `
  version version_comment version_compile_os version_compile_machine license protocol_version max_connections
  lower_case_table_names character_set_server collation_server default_storage_engine innodb_version
`.trim().split(/\s+/u)

/** Variables that tell one server from another, or where it is: the primary's are meant. */
const OF_THE_PRIMARY = `
  read_only super_read_only hostname port server_id server_uuid server_uid gtid_executed gtid_purged gtid_binlog_pos
  gtid_binlog_state gtid_current_pos gtid_slave_pos datadir basedir socket pid_file log_bin
`.trim().split(/\s+/u)

/** MySQL's and MariaDB's words and quoting rules, for all supported versions together. */
export const mysqlLexicon: Lexicon = {
  quoting: {
    dollarQuotes: false, escapeStrings: false, unicodeEscapes: false,
    // NO_BACKSLASH_ESCAPES and ANSI_QUOTES are modes of the session: the text does not say.
    backslashes: 'doubtful', doubleQuotes: 'doubtful',
    backticks: true, brackets: false, nestedComments: false, hashComments: true,
    dashesNeedSpace: true, returnEndsComment: false, digitNames: true, executableComments: true, variables: true,
  },
  keywords: mysqlKeywords,
  statements: mysqlStatements,
  // NEXT VALUE FOR s, PREVIOUS VALUE FOR s: sequences
  locks: new Map([['for', new Set(['update', 'share'])], ['lock', new Set(['in'])], ['value', new Set(['for'])]]),
  functions: mysqlFunctions,
  builtinSchema: undefined,
  relations: new Map([['sql_calc_found_rows', 'session']]),
  systemVariables: new Map<string, 'read' | 'write'>([
    ...EVERYWHERE.map((name): [string, 'read'] => [name, 'read']),
    ...OF_THE_PRIMARY.map((name): [string, 'write'] => [name, 'write']),
  ]),
  attributesCall: true,
  temporarySchema: undefined,
  atomicBodies: false,
  compoundBodies: true,
}
