/** Pieces that combine into statements of the kind PostgreSQL's own regression suite holds. */
const EXPRESSIONS = [
  'a', 't.a', '"Mixed Case"', '$1', "'it''s'", "E'\\n\\''", '$q$ ; delete from t $q$', '1.5e3', 'null', 'a::numeric(10,2)', 'cast(a as varchar(10))',
  "timestamp(3) '2020-01-01'", "interval '1 day'", 'array[1, 2, 3]', 'array(select a from t)', 'row(a, b)', '(a, b) = (1, 2)', 'a[1:2]', '(x).y',
  'count(*)', 'count(distinct a) filter (where a > 0)', 'row_number() over (partition by a order by b)', 'sum(a) over w',
  'percentile_cont(0.5) within group (order by a)', 'coalesce(a, b, 0)', 'nullif(a, 0)', 'greatest(a, least(b, c))',
  'extract(epoch from now())', 'substring(a from 1 for 3)', "position('a' in b)", "trim(both ' ' from a)", "overlay(a placing 'x' from 2 for 1)",
  "a at time zone 'utc'", 'a is not distinct from b', 'a between 1 and 2', "a like 'x%' escape '!'", "a ilike ('x')", 'a similar to b', 'a in (1, 2, 3)',
  'a in (select b from u)', 'a = any ($1)', 'a > all (select b from u)', 'exists (select 1 from u where u.a = t.a)', 'not exists (table u)',
  'case when a > 1 then lower(b) else upper(c) end', 'case a when 1 then 2 end', "jsonb_build_object('a', 1) -> 'a'", "a @> '{}'::jsonb", "a ? 'k'",
  "jsonb_path_query_first(a, '$.x')", "to_tsvector('english', a) @@ to_tsquery('x')", "date_trunc('day', a)", 'generate_series(1, 3)', 'current_date',
  'current_timestamp(3)', 'localtime', 'a operator(pg_catalog.+) b', 'a collate "C"', 'pg_catalog.lower(a)', 'gen_random_uuid()', 'xmlelement(name x, a)',
  "json_value(a, '$.b')", 'kw.delete', 'grouping(a)', 'string_agg(a, \',\' order by b)', 'a + - 1', 'not a', 'a is json', '- abs(a)', "has_table_privilege('t', 'delete')",
] as const

const SOURCES = [
  't', 'only t', 'app.t as x', 't x(a, b)', 't tablesample bernoulli (10) repeatable (1)', 't, u', 't join u on t.a = u.a', 't left join u using (a)',
  't natural join u', 't cross join lateral (select 1) s', '(select 1 as a) s', "(values (1, 'a'), (2, 'b')) v(a, b)", 'generate_series(1, 3) g(n)',
  'unnest($1::int[], $2::text[]) with ordinality as u(a, b, n)', 'jsonb_to_recordset($1) as r(a int, b numeric(3, 1))', 'rows from (generate_series(1, 2), generate_series(1, 3)) as r(a, b)',
  '(t join u on true) join v on true', "xmltable('/r' passing a columns b int path '@b')", "json_table(a, '$' columns (b int path '$.b')) j", 'information_schema.tables',
] as const

const TAILS = [
  '', 'where a = 1', 'group by a having count(*) > 1', 'group by rollup (a, b)', 'group by grouping sets ((a), cube (b), ())', 'order by a desc nulls last',
  'window w as (partition by a rows between 1 preceding and current row)', 'limit 10 offset 5', 'fetch first 3 rows with ties', 'union all select 1',
  'except (select 2 intersect select 3)', 'for update', 'for no key update of t nowait', 'for share skip locked', 'order by nextval(\'s\')', 'limit my_limit(1)', 'group by app.f(a)',
] as const

const WRAPPERS = [
  (query: string) => query,
  (query: string) => `(${query})`,
  (query: string) => `with c as (${query}) select * from c`,
  (query: string) => `with recursive c(n) as materialized (${query}), d as (select 1) select * from c, d`,
  (query: string) => `select * from (${query}) s(a)`,
  (query: string) => `explain ${query}`,
  (query: string) => `explain (analyze, format json) ${query}`,
  (query: string) => `explain (analyze false) ${query}`,
  (query: string) => `copy (${query}) to stdout with (format csv)`,
] as const

/** What no wrapping may turn into a read. */
export const WRITES = [
  'insert into t values (1)', 'insert into t (a, b) select a, b from u returning a', 'update t set a = 1 where b = 2', 'update only t x set (a, b) = (1, 2) from u',
  'delete from t', 'delete from t using u where t.a = u.a returning *', 'merge into t using u on t.a = u.a when matched then delete',
] as const

/** Calls that no context may turn into a read. */
export const WRITING_CALLS = [
  "nextval('s')", "setval('s', 1)", 'my_writer(1)', 'app.my_writer()', 'public.count(1)', '"Count"(1)', "pg_notify('a', 'b')", 'pg_advisory_xact_lock(1)', 'lo_unlink(1)',
  'pg_catalog.nextval(\'s\')', "dblink_exec('x', 'y')", "query_to_xml('select 1', true, true, '')", 'my_writer /* c */ (1)', '"my_writer"(1)', "set_config('a', 'b', false)",
] as const

/** Every pair of pieces at least once, some hundred statements in all. */
export function generatedStatements(): string[] {
  const statements: string[] = []
  EXPRESSIONS.forEach((expression, index) => {
    const source = SOURCES[index % SOURCES.length] ?? 't'
    const wrap = WRAPPERS[index % WRAPPERS.length]
    statements.push(`select ${expression} from ${source}`, `select b, ${expression} as x from t where ${expression} is not null`)
    if (wrap) statements.push(wrap(`select ${expression} from ${source} order by 1`))
  })
  for (const source of SOURCES) for (const tail of TAILS) statements.push(`select a from ${source} ${tail}`)
  for (const write of WRITES) for (const wrap of WRAPPERS) statements.push(wrap(write))
  for (const call of WRITING_CALLS) {
    for (const wrap of WRAPPERS) statements.push(wrap(`select ${call}`), wrap(`select a from t where a = ${call}`), wrap(`values (1), (${call})`))
    for (const tail of ['order by', 'group by', 'limit', 'offset', 'having', 'where not', 'where a between 1 and', 'join lateral']) statements.push(`select distinct on (a) a from t ${tail} ${call}`)
    statements.push(`select distinct on (a) ${call} from t`, `select count(*) filter (where ${call}) over () from t`, `select sum(a) over (partition by ${call}) from t`)
  }
  return statements
}

/** Places of a query where a keyword may stand before, after or instead of a call; `W` is the keyword. */
export const KEYWORD_PLACES = [
  'select W writer(1)', 'select a W writer(1) from t', 'select a from t W writer(1)', 'select a from t order by a W writer(1)', 'select count(a W writer(1))',
  'select count(a) W (writer(1))', 'select count(a) W (partition by writer(1))', 'select W(1)', 'select * from W(1)', 'select * from t, W(1)', 'select * from t join W(1) on true',
  'select not W(1)', 'select * from t order by W(1)', 'select * from t group by W(1)', 'select * from t group by a, W(1)', 'select * from t limit W(1)', 'select distinct on (a) W(1) from t',
  'select (a) W writer(1)', "select 'a' W writer(1)", 'select $1 W writer(1)', 'select a[1] W writer(1)', 'select distinct on (a) W writer(1) from t',
  "select * from xmltable('/r' passing x columns a int W writer(1))", "select * from xmltable('/r' W writer(1) columns a int)", "select json_value(a, '$' W writer(1))", "select json_object('a' W writer(1))",
  'select json_object(W writer(1) value 2)', 'select xmlroot(x, W writer(1))', 'select xmlparse(W writer(1))', 'select trim(W writer(1) from x)', 'select W(a from writer(1))', 'select W(writer(1))',
  'select sum(a) over (W writer(1))', 'select sum(a) over (order by a W writer(1) preceding)', 'select * from t fetch W writer(1) rows only', 'select * from t tablesample W (writer(1))', 'select * from t x W writer(1)',
  'select * from rows from (W(1))', 'select * from t for W', 'W t', 'W a from t', 'with x as (W from t returning 1) select 1', 'with x as (W t set a = 1 returning 1) select 1', 'with x as (W into t values (1) returning 1) select 1',
  'with W(a) as (select 1) select 1', 'with x(a) W (select writer(1)) select 1', 'with x as (select 1) W into t select 1', 'with x as (select 1) W from t', 'with x as (select 1) W t set a = 1',
  'with recursive x as (select 1 a) search W first by a set b delete from t', 'with recursive x as (select 1 a) cycle a set W using q, y(z) as (select writer(1)) select 1', 'select 1 W into t2', 'select 1 as W into t2', 'select 1 as W, writer(1)',
  'select a.W(1)', 'select a::W(1), writer(1)', 'select cast(a as W), writer(1)', 'explain W delete from t', 'explain (W) delete from t', 'explain (analyze W) delete from t', 'explain (W true, analyze) delete from t',
  'copy t to W', "copy (select 1) to W 'x'", 'copy t W stdout', 'select * from t W x(a, b) where writer(1)', 'select * from W x(a, b)', 'select * from t W join writer(1) on true', 'select a collate W, writer(1)', 'select a like b escape W(1)',
  'select a not W (writer(1))', 'values (W(1))', 'select row(W(1))', 'select count(distinct W(1))', 'select treat(a as W)',
] as const
