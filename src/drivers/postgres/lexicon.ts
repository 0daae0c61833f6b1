import type { Lexicon } from '../../core/lexicon.js'

/** PostgreSQL's words and quoting rules, versions 13 to 19. */
export const postgresLexicon: Lexicon = {
  quoting: {
    dollarQuotes: true, escapeStrings: true, unicodeEscapes: true, backslashes: 'doubtful', doubleQuotes: 'identifier',
    backticks: false, brackets: false, nestedComments: true, hashComments: false, dashesNeedSpace: false,
    executableComments: false, variables: false,
  },
  keywords: {
    reserved: new Set(), constructs: new Set(), others: new Set(), names: new Set(), notCallAfter: new Map(), refused: new Map(),
  },
  statements: new Map(),
  locks: new Map(),
  functions: new Map(),
  builtinSchema: 'pg_catalog',
  relations: new Map(),
  temporarySchema: 'pg_temp',
  atomicBodies: true,
}
