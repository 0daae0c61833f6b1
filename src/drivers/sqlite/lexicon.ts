import type { Lexicon, StatementClass, StatementRule, StatementVariant } from '../../core/lexicon.js'
import { sqliteFunctions, sqliteKeywords } from './lexicon-words.js'
import { FILE_PRAGMAS, READ_PRAGMAS, SESSION_PRAGMAS } from './pragmas.js'

function rule(scan: StatementRule['scan'], kind: StatementClass, why?: string): StatementRule {
  return why === undefined ? { scan, class: kind } : { scan, class: kind, why }
}

const QUERY = rule('query', 'read')
const CHANGE = rule('change', 'write')
const CONTROL = rule('none', 'transaction-control')
const SCHEMA = rule('none', 'write', 'changes the schema, which only the writer may')

/** `PRAGMA name`, `PRAGMA schema.name`, each perhaps followed by `= value` or `(value)`. */
function pragma(name: string, kind: StatementClass, ...after: string[]): StatementVariant[] {
  return [{ words: [name, ...after], class: kind }, { words: ['*', '.', name, ...after], class: kind }]
}

const PRAGMAS: readonly StatementVariant[] = [
  { words: ['temp', '.'], class: 'session' },
  ...FILE_PRAGMAS.flatMap((name) => [...pragma(name, 'write', '='), ...pragma(name, 'write', '('), ...pragma(name, 'read')]),
  ...READ_PRAGMAS.flatMap((name) => pragma(name, 'read')),
  ...SESSION_PRAGMAS.flatMap((name) => pragma(name, 'session')),
]

const TEMPORARY: readonly StatementVariant[] = [{ words: ['temp'], class: 'session' }, { words: ['temporary'], class: 'session' }]

/** SQLite's words and quoting rules. */
export const sqliteLexicon: Lexicon = {
  quoting: {
    dollarQuotes: false, escapeStrings: false, unicodeEscapes: false, backslashes: 'literal',
    // what is no known name is read as a string: either way it ends at the same place
    doubleQuotes: 'identifier', backticks: true, brackets: true,
    nestedComments: false, hashComments: false, dashesNeedSpace: false, returnEndsComment: false, digitNames: false,
    executableComments: false, variables: false,
  },
  keywords: sqliteKeywords,
  statements: new Map<string, StatementRule>([
    ['select', QUERY], ['values', QUERY], ['with', QUERY],
    ['insert', CHANGE], ['replace', CHANGE], ['update', CHANGE], ['delete', CHANGE],
    ['explain', { scan: 'explain', class: 'write', why: 'EXPLAIN of nothing known', passes: new Set(['query', 'plan']) }],
    ['pragma', { scan: 'none', class: 'write', variants: PRAGMAS }],
    ['begin', CONTROL], ['commit', CONTROL], ['end', CONTROL], ['rollback', CONTROL], ['savepoint', CONTROL], ['release', CONTROL],
    ['attach', rule('none', 'session')], ['detach', rule('none', 'session')],
    ['create', { ...SCHEMA, variants: TEMPORARY }], ['alter', SCHEMA], ['drop', SCHEMA],
    ['vacuum', rule('none', 'write')], ['analyze', rule('none', 'write')], ['reindex', rule('none', 'write')],
  ]),
  locks: new Map(),
  functions: sqliteFunctions,
  builtinSchema: undefined,
  relations: new Map<string, 'write' | 'session'>([
    ['sqlite_temp_master', 'session'], ['sqlite_temp_schema', 'session'],
    ...SESSION_PRAGMAS.map((name): [string, 'session'] => [`pragma_${name}`, 'session']),
  ]),
  temporarySchema: 'temp',
  atomicBodies: false,
  inNamesTable: true,
}
