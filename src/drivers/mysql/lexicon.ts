import type { Lexicon } from '../../core/lexicon.js'
import { mysqlFunctions } from './lexicon-functions.js'
import { mysqlKeywords } from './lexicon-keywords.js'
import { mysqlStatements } from './lexicon-statements.js'

/** MySQL's and MariaDB's words and quoting rules, for all supported versions together. */
export const mysqlLexicon: Lexicon = {
  quoting: {
    dollarQuotes: false, escapeStrings: false, unicodeEscapes: false,
    // NO_BACKSLASH_ESCAPES and ANSI_QUOTES are modes of the session: the text does not say.
    backslashes: 'doubtful', doubleQuotes: 'doubtful',
    backticks: true, brackets: false, nestedComments: false, hashComments: true,
    dashesNeedSpace: true, executableComments: true, variables: true,
  },
  keywords: mysqlKeywords,
  statements: mysqlStatements,
  locks: new Map([['for', new Set(['update', 'share'])], ['lock', new Set(['in'])]]),
  functions: mysqlFunctions,
  builtinSchema: undefined,
  relations: new Map(),
  temporarySchema: undefined,
  atomicBodies: false,
}
