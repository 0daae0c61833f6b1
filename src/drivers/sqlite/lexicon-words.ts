import type { FunctionClass, Keywords } from '../../core/lexicon.js'
import { FILE_PRAGMAS, READ_PRAGMAS, SESSION_PRAGMAS } from './pragmas.js'

function words(text: string): ReadonlySet<string> { return new Set(text.trim().split(/\s+/u)) }

/** Words that parse.y has no fallback to a name for. */
const RESERVED = words(`
  add all alter and as autoincrement between case check collate commit constraint create default deferrable delete distinct
  drop else escape except exists foreign from group having in index insert intersect into is isnull join limit not notnull
  null on or order primary references returning select set table then to transaction union unique update using values when
  where
`)

/** `cast(` and `raise(` belong to the language. */
const CONSTRUCTS = words('cast raise')

const OTHERS = words(`
  abort action after always analyze asc attach before begin by cascade column conflict cross current current_date current_time
  current_timestamp database deferred desc detach do each end exclude exclusive explain fail filter first following for full
  generated glob groups if ignore immediate indexed initially inner instead key last left like match materialized natural no
  nothing nulls of offset others outer over partition plan pragma preceding query range recursive regexp reindex release rename
  replace restrict right rollback row rows savepoint temp temporary ties trigger unbounded vacuum view virtual window with
  within without
`)

/** SQLite's keywords. Source: parse.y and mkkeywordhash.c of SQLite 3.53. */
export const sqliteKeywords: Keywords = {
  reserved: RESERVED,
  constructs: CONSTRUCTS,
  others: OTHERS,
  names: words('null end current_date current_time current_timestamp'),
  notCallAfter: new Map([
    ['by', words('order group partition')],
    ['materialized', words('as not')],
    ['conflict', words('on')],
    ['cross', words('natural')],
  ]),
  refused: new Map(),
}

const READ = `
  abs char coalesce concat concat_ws format glob hex if ifnull iif instr length like likelihood likely lower ltrim match max min
  nullif octet_length printf quote random randomblob regexp replace round rtrim sign soundex sqlite_compileoption_get
  sqlite_compileoption_used sqlite_offset sqlite_source_id sqlite_version substr substring subtype trim typeof unhex unicode
  unistr unistr_quote unlikely upper zeroblob

  acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power radians
  sin sinh sqrt tan tanh trunc

  date time datetime julianday unixepoch strftime timediff

  avg count group_concat string_agg sum total median percentile percentile_cont percentile_disc
  cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number

  json jsonb json_array jsonb_array json_array_length json_array_insert jsonb_array_insert json_error_position json_extract jsonb_extract
  json_insert jsonb_insert json_object jsonb_object json_patch jsonb_patch json_pretty json_remove jsonb_remove json_replace
  jsonb_replace json_set jsonb_set json_type json_valid json_quote json_group_array jsonb_group_array json_group_object
  jsonb_group_object json_each jsonb_each json_tree jsonb_tree

  bm25 highlight snippet matchinfo offsets rtreecheck rtreedepth rtreenode generate_series
`

const SESSION = 'last_insert_rowid changes total_changes load_extension'

function entries(text: string, kind: FunctionClass): [string, FunctionClass][] {
  return [...words(text)].map((name) => [name, kind])
}

/** Built-in functions, and pragmas as table-valued functions. */
export const sqliteFunctions: ReadonlyMap<string, FunctionClass> = new Map<string, FunctionClass>([
  ...entries(READ, 'read'),
  ...entries(SESSION, 'session'),
  ...[...READ_PRAGMAS, ...FILE_PRAGMAS].map((name): [string, FunctionClass] => [`pragma_${name}`, 'read']),
  ...SESSION_PRAGMAS.map((name): [string, FunctionClass] => [`pragma_${name}`, 'session']),
])
