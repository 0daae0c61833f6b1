import { describe, expect, it } from 'vitest'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'
import { sqliteLexicon } from '../../../src/drivers/sqlite/lexicon.js'
import { Classifier } from '../../../src/sql/classifier.js'

const classifier = new Classifier(postgresLexicon)
const classify = (text: string): ReturnType<Classifier['classify']> => classifier.classify(text)

describe('what is no read', () => {
  it.each([
    ["select 'a\\'; delete from t --'", 'a string that ends elsewhere with standard_conforming_strings off'],
    ["select E'a'\n'\\'; delete from t --'", 'a string continued on the next line'],
    ["select treat('s'::regclass as nextval)", 'TREAT calls pg_catalog.nextval'],
    ['select distinct on (a) over(1) from t', 'a function called over'],
    ['select filter(1)', 'a function called filter'],
    ['select rollup(1)', 'a function called rollup outside GROUP BY'],
    ['select U&"!006eextval" uescape \'!\' (\'s\')', 'a name with an escape character of its own'],
    ['select a operator(public.+) b', 'an operator of the schema'],
    ['select RAN\u212A()', 'a Kelvin sign is no k'],
    ['select * from t limit 1for update', 'a number that ends where a letter begins'],
    ['with recursive x as (select 1 a) search depth first by a set b delete from t', 'a verb after SEARCH'],
    ['select 1 into x', 'SELECT INTO'],
    ['copy t to \'/tmp/x\'', 'a file on the server'],
    ['copy t to program \'cat\'', 'a program on the server'],
    ['explain (values true, analyze) delete from t', 'an option named like a query'],
    ['explain analyse delete from t', 'ANALYZE in its other spelling'],
    ['explain (costs, "analyze" on) delete from t', 'a quoted option'],
    ['explain (U&"!0061nalyze" uescape \'!\') delete from t', 'an option whose escape character comes after it'],
    ["select ('s'::regclass).nextval", 'a built-in function called like a column'],
    ['select (c.oid::regclass).nextval from pg_class c', 'likewise, in a query'],
    ["select x.nextval from regclass('s') x", 'likewise, of a function in FROM'],
    ["select (select \"x\".nextval) from rows from (regclass('s')) x", 'likewise, further away'],
    ['select ($1::int)."pg_terminate_backend"', 'likewise, quoted'],
    ['select (1; delete from t', 'a semicolon inside parentheses'],
    ['select 1)', 'parentheses that do not match'],
    ['(delete from t)', 'a change in parentheses'],
    ['select a from t where b = \0', 'a NUL'],
    ['select * from pg_catalog.pg_stat_replication', 'data of the primary'],
    ['select * from t tablesample my_method (1)', 'a sampling method of an extension'],
  ])('%s', (text, why) => {
    expect(classify(text).class, why).toBe('write')
  })

  it.each([
    ['select * from pg_temp.x', 'session'], ['select * from pg_temp_3.x', 'session'], ['select 1 into temp x', 'session'], ['create or replace temporary view v as select 1', 'session'],
    ['drop table pg_temp.x', 'session'], ['insert into t values (currval(\'s\'))', 'session'], ['show app.tenant', 'session'], ['show transaction isolation level', 'session'],
    ["select ('x'::text).current_setting", 'session'],
    ['select * from pg_prepared_statements', 'session'], ['explain execute p', 'session'], ['load \'x\'', 'session'], ['prepare p as select 1', 'session'],
    ['prepare transaction \'x\'', 'transaction-control'], ['commit prepared \'x\'', 'transaction-control'], ['set transaction read only', 'transaction-control'],
    ['select 1; set a = 1', 'session'], ['begin; set a = 1; select 1; commit', 'transaction-control'], ['select 1; rollback', 'transaction-control'],
    ['create function f() returns text set search_path = app, pg_temp as \'\' language sql', 'write'],
    ['create policy p on t using (a = current_setting(\'app.tenant\'))', 'write'],
  ])('%s is %s', (text, expected) => {
    expect(classify(text).class).toBe(expected)
  })
})

describe('what is a read all the same', () => {
  it.each([
    'select count(*) filter (where a > 1) over (partition by b) from t', 'select * from unnest($1::int[]) x(id)', 'select a operator(pg_catalog.+) b',
    'explain delete from t', 'explain (analyze off) update t set a = 1', 'show all', 'show search_path', 'table t', 'values (1)', 'copy t (a, b) to stdout',
    'select * from a join b on (a.x = b.x) join (select 1) c on true', 'select "count"(1)', 'select U&"\\0061" from t', 'select 1;;', ';', '',
    'select a.update, a.for from a', 'select 1 as into', 'select is_active, nextval from app.nextval', 'select x::app.point(3) from t', 'select pg_catalog.now()',
    'select * from public.pg_locks', 'select json_value(a, \'$.b\') from t', 'select (address).city, t.name from t',
    'select kw.nextval, n.lastval from kw, n', 'select x.name from unnest($1::text[]) x(name)', "select 'C:\\dir\\file'", "select E'\\''", 'select a -- ; delete from t',
  ])('%s', (text) => {
    const found = classify(text)
    expect(found.class, found.why).toBe('read')
  })
})

describe('what else is told', () => {
  it('says why in a sentence', () => {
    expect(classify("select nextval('s')").why).toBe('calls nextval(), which writes or is right on the primary only')
    expect(classify('select app.f(1)').why).toBe('calls app.f(), which is not known to only read')
    expect(classify('select 1 for no key update').why).toBe('locks rows (FOR NO)')
    expect(classify('foo bar').why).toBe('begins with FOO, which is no known read')
    expect(classify('insert into t values (1)').why).toBe('INSERT changes rows')
    expect(classify('select 1; set a = 1').why).toContain('one of them: SET ')
  })

  it.each([
    ['select * from a x, b as y join c.d on true left join "E" using (id) where exists (select 1 from f) and a is distinct from g', ['a', 'b', 'c.d', 'e', 'f']],
    ['with t as (select * from t), u(a) as (select * from t) select * from u, t', ['t']],
    ['with recursive r as (select 1 union all select * from r join z on true) select * from r', ['z']],
    ['select * from (with t as (select 1) select * from t) s, t', ['t']],
    ['with t as (select 1) insert into t select * from t', ['t']],
    ['insert into app.orders (a) select a from src on conflict (a) do update set b = excluded.b', ['app.orders', 'src']],
    ['update only t set a = (select max(x) from m), (b, c) = (1, 2) from k where t.id = k.id', ['t', 'm', 'k']],
    ['delete from t using a join b using (id) where true', ['t', 'a', 'b']],
    ['merge into t using s on t.id = s.id when matched then update set a = 1 when not matched then insert (a) values (1)', ['t', 's']],
    ['select extract(year from d), substring(x from 1), trim(both from y) from only (app.t)', ['app.t']],
    ['select * from generate_series(1, 2) g, lateral (select * from t) s', ['t']], ['table app.t', ['app.t']], ['select 1', []], ["select nextval('s')", []], ['show server_version', []],
    ['select * from data d join (users u join orders o on true) on true', ['data', 'users', 'orders']],
  ])('tables of %s', (text, expected) => {
    expect(classify(text).tables).toEqual(expected)
  })

  it.each(['select my_f(1) from t', 'create table t (a int)', 'do $$ begin end $$', 'call p()', 'foo', 'select 1; call p()', "select 'a\\', b from t"])('cannot tell the tables of %s', (text) => {
    expect(classify(text).tables).toBeUndefined()
  })

  it('reads hints from comments of their own, and prefers the primary when they contradict', () => {
    expect(classify('/* sluice: primary */ select 1').hint).toBe('primary')
    expect(classify('select 1 -- Sluice:REPLICA').hint).toBe('replica')
    expect(classify('/*sluice:replica*/ select 1 /* sluice: primary */').hint).toBe('primary')
    expect(classify("select '/* sluice: primary */'").hint).toBeUndefined()
    expect(classify('/* see sluice: primary */ select 1').hint).toBeUndefined()
  })

  it('counts statements and names the verb', () => {
    expect(classify('select 1; select 2;')).toMatchObject({ statements: 2, verb: 'SELECT', shareable: false })
    expect(classify(' -- nothing')).toMatchObject({ statements: 0, verb: '', class: 'read', shareable: false })
    expect(classify('((select 1) union (select 2))').verb).toBe('SELECT')
    expect(classify('create function f() returns int begin atomic select 1; select case when true then 1 end; end; select 1').statements).toBe(2)
  })

  it('lets only quick, built-in, single reads share a connection', () => {
    expect(classify('select lower(a) from t').shareable).toBe(true)
    expect(classify('show server_version').shareable).toBe(true)
    for (const text of ['select pg_sleep(1)', 'explain select 1', 'copy t to stdout', 'select 1 for share', 'insert into t values (1)', 'select 1; select 2', "select currval('s')"]) {
      expect(classify(text).shareable, text).toBe(false)
    }
  })
})

describe('functions the caller declares', () => {
  const own = new Classifier(postgresLexicon, { readOnlyFunctions: ['app.price', 'slugify', 'nextval', 'App.Exact'], writeFunctions: ['lower', 'app.note', 'audit'] })

  it('knows a reader by the name the statement uses, and lets it share nothing', () => {
    expect(own.classify('select app.price(1), slugify(a), APP.PRICE(2)')).toMatchObject({ class: 'read', shareable: false })
    expect(own.classify('select "App"."Exact"(1)').class).toBe('read')
    for (const text of ['select price(1)', 'select other.slugify(1)', 'select "app.price"(1)', 'select "Slugify"(1)', 'select db.app.price(1)']) {
      expect(own.classify(text).class, text).toBe('write')
    }
  })

  it('trusts no declaration against what is known to write', () => {
    expect(own.classify("select nextval('s')").class).toBe('write')
    expect(own.classify('select lower(a)').class).toBe('write')
    expect(own.classify('select note(1)').class).toBe('write')
    expect(own.classify('select audit(1) from t').tables).toBeUndefined()
  })
})

describe('the memory', () => {
  it('answers the same object for the same text, and holds no more than it may', () => {
    const small = new Classifier(postgresLexicon, { maxEntries: 10 })
    const first = small.classify('select 0')
    for (let n = 1; n < 100; n++) {
      small.classify(`select ${n}`)
      expect(small.classify('select 0')).toBe(first)
      expect(small.size).toBeLessThanOrEqual(10)
    }
    expect(Object.isFrozen(first)).toBe(true)
  })

  it('keeps no long text and, when told so, none at all', () => {
    const small = new Classifier(postgresLexicon)
    small.classify(`select '${'x'.repeat(20_000)}'`)
    expect(small.size).toBe(0)
    const none = new Classifier(postgresLexicon, { maxEntries: 0 })
    none.classify('select 1')
    expect(none.size).toBe(0)
  })
})

it('a carriage return ends no comment of SQLite, and a dollar sign belongs to the name', () => {
  const sqlite = new Classifier(sqliteLexicon)
  for (const text of ["select 1 -- \r'\n; delete from t -- '", 'select f$1(2)']) expect(sqlite.classify(text).class, text).toBe('write')
  expect(sqlite.classify('select 1 -- x\r\n from t').class).toBe('read')
})
