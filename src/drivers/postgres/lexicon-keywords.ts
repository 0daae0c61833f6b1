import type { Keywords } from '../../core/lexicon.js'

// From pg_get_keywords() of PostgreSQL 15 and 18 together: what is a keyword in either is one here.

function words(text: string): ReadonlySet<string> { return new Set(text.trim().split(/\s+/u)) }

/** Category R. */
const RESERVED = words(`
  all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create current_catalog
  current_date current_role current_time current_timestamp current_user default deferrable desc distinct do else end except
  false fetch for foreign from grant group having in initially intersect into lateral leading limit localtime localtimestamp
  not null offset on only or order placing primary references returning select session_user some symmetric system_user table
  then to trailing true union unique user using variadic when where window with
`)

/** Category C in every version: may be a column, never a function. */
const CONSTRUCTS = words(`
  between bigint bit boolean char character coalesce dec decimal exists extract float greatest grouping inout int
  integer interval least national nchar none normalize nullif numeric out overlay position precision real row setof
  smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest
  xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
`)

/** Categories T and U, and those of category C that older servers do not know: may be a function. */
const OTHERS = words(`
  abort absent absolute access action add admin after aggregate also alter always asensitive assertion assignment at
  atomic attach attribute authorization backward before begin binary breadth by cache call called cascade cascaded
  catalog chain characteristics checkpoint class close cluster collation columns comment comments commit committed
  compression concurrently conditional configuration conflict connection constraints content continue conversion copy
  cost cross csv cube current current_schema cursor cycle data database day deallocate declare defaults deferred
  definer delete delimiter delimiters depends depth detach dictionary disable discard document domain double drop each
  empty enable encoding encrypted enforced enum error escape event exclude excluding exclusive execute explain
  expression extension external family filter finalize first following force format forward freeze full function
  functions generated global granted groups handler header hold hour identity if ilike immediate immutable implicit
  import include including increment indent index indexes inherit inherits inline inner input insensitive insert
  instead invoker is isnull isolation join json json_array json_arrayagg json_exists json_object json_objectagg
  json_query json_scalar json_serialize json_table json_value keep key keys label language large last leakproof left
  level like listen load local location lock locked logged mapping match matched materialized maxvalue merge
  merge_action method minute minvalue mode month move name names natural nested new next nfc nfd nfkc nfkd no
  normalized nothing notify notnull nowait nulls object objects of off oids old omit operator option options
  ordinality others outer over overlaps overriding owned owner parallel parameter parser partial partition passing
  password path period plan plans policy preceding prepare prepared preserve prior privileges procedural procedure
  procedures program publication quote quotes range read reassign recheck recursive ref referencing refresh reindex
  relative release rename repeatable replace replica reset restart restrict return returns revoke right role rollback
  rollup routine routines rows rule savepoint scalar schema schemas scroll search second security sequence sequences
  serializable server session set sets share show similar simple skip snapshot source sql stable standalone start
  statement statistics stdin stdout storage stored strict string strip subscription support sysid system tables
  tablesample tablespace target temp template temporary text ties transaction transform trigger truncate trusted type
  types uescape unbounded uncommitted unconditional unencrypted unknown unlisten unlogged until update vacuum valid
  validate validator value varying verbose version view views virtual volatile whitespace within without work wrapper
  write xml year yes zone
`)

/**
 * Keywords after which no expression begins in any production of gram.y, so that they end an operand: values without
 * parentheses, and unreserved words that are popular names. `by`, `escape`, `zone`, `key`, `value`, `path`, `version`,
 * `passing`, `content`, `document`, `rows`, `range`, `groups`, `first`, `next` must never be among them.
 */
const NAMES = words(`
  null true false end current_catalog current_date current_role current_time current_timestamp current_user localtime
  localtimestamp session_user system_user user
  action attribute category class comment comments data database day domain error format function functions header hour
  identity index input label language large level location lock method minute mode month name names nothing object objects
  off old option options ordinality owner parameter parser password plan plans policy procedure program publication role
  rule schema second sequence server session snapshot source statistics storage string subscription system tables
  tablespace target template text trigger type types view views year
`)

/** PostgreSQL's keywords. */
export const postgresKeywords: Keywords = {
  reserved: RESERVED,
  constructs: CONSTRUCTS,
  others: OTHERS,
  names: NAMES,
  notCallAfter: new Map([
    ['by', words('order group partition')],
    ['sets', words('grouping')],
    ['zone', words('time')],
    ['varying', words('character char bit nchar')],
    ['first', words('fetch')],
    ['next', words('fetch')],
    ['join', words('inner left right full outer cross natural')],
    ['over', words('nulls')],
    ['bernoulli', words('tablesample')],
    ['system', words('tablesample')],
    ['conflict', words('on')],
  ]),
  refused: new Map([
    ['treat', 'TREAT calls a function by the name of a type'],
    ['uescape', 'UESCAPE gives names an escape character of their own'],
  ]),
}
