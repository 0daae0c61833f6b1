import { describe, expect, it } from 'vitest'
import { mysqlLexicon } from '../../../src/drivers/mysql/lexicon.js'
import { Classifier } from '../../../src/sql/classifier.js'

const classifier = new Classifier(mysqlLexicon)
const classOf = (sql: string): string => classifier.classify(sql).class

describe('reads of MySQL and MariaDB are known as such:', () => {
  it.each([
    'select * from t where name = "bob" and note = "it\'s"',
    'select `a`, `b``c` from `t` where `a` in (1, 2)',
    'select count(*), sum(a), group_concat(distinct b order by c separator ", ") from t group by d with rollup',
    'select if(a > 1, left(b, 2), right(b, 3)), repeat("x", 3), replace(b, "x", "y"), mod(a, 2), char(65), ifnull(a, 0) from t',
    'select cast(a as char(10)), convert(a, decimal(10, 2)), convert(b using utf8mb4), cast(a as signed) from t',
    'select date_add(now(6), interval 1 day), timestampdiff(second, a, b), extract(day from a), date(a), year(a) from t',
    'select json_extract(doc, "$.a"), doc->"$.b", doc->>"$.c" from t where json_contains(doc, "1", "$.d")',
    'select j.* from t, json_table(t.doc, "$[*]" columns (n for ordinality, v decimal(10, 2) path "$.v", nested path "$.x[*]" columns (y int path "$"))) as j',
    'select row_number() over (partition by a order by b), lag(a) over w, rank() over w from t window w as (order by a rows between unbounded preceding and current row)',
    'select * from t use index (a, b) ignore index for order by (c) where a = 1',
    'select * from t force key (primary)',
    'select a from t1 straight_join t2 on t1.id = t2.id natural left join t3 using (x)',
    'select straight_join sql_no_cache high_priority sql_small_result a from t',
    'select * from t partition (p0, p1) as x where match (a, b) against ("word" in boolean mode)',
    'select a from t order by field(status, "new", "old"), b desc limit 10, 20',
    'select a from t limit ? offset ?',
    'select * from t where a = ? and b in (?, ?) and c between ? and ?',
    'with recursive c (n) as (select 1 union all select n + 1 from c where n < 5) select * from c',
    '(select 1) union all (select 2) order by 1',
    'select * from t1 where exists (select 1 from t2 where t2.id = t1.id)',
    'select 1 # a comment; delete from t',
    'select 1 -- a comment; delete from t',
    'select 5--1',
    'select /* c */ 1',
    'select x\'ff\', b\'01\', 0xff, N\'x\', _utf8mb4\'x\' collate utf8mb4_bin',
    'select current_timestamp, current_timestamp(3), utc_timestamp(), localtime, current_user(), user(), database(), schema()',
    'select @@version, @@global.max_connections',
    'table t order by a limit 5',
    'values row(1, 2), row(3, 4)',
    'select 1 from dual',
    'select 2fa, t.2fa, t.1, .5, 1.5, 1e5, 0xff, a$b from 2fa_codes t where id=1 and n<.5',
    'select trim(both "x" from a), substring(a from 2 for 3), position("a" in b) from t',
    'select st_distance_sphere(point(1, 2), p), st_astext(p) from t',
    'select regexp_like(a, "x"), a regexp "y", a rlike "z", a sounds like b, a <=> b, !a, a xor b, a div b from t',
    'select a from t where b = binary "x" and c = (select max(d) from e)',
    'select * from information_schema.tables where table_schema = database()',
    'show tables', 'show full columns from t like "a%"', 'show create table t', 'show index from t', 'show variables like "x"',
    'show databases', 'show table status', 'show global variables', 'show grants', 'show slave status', 'show replica status',
    'explain select * from t', 'explain format=json select * from t', 'explain format = tree select * from t', 'explain analyze select * from t',
    'desc t', 'describe t', 'describe `t`', 'explain t col', 'desc select 1', 'explain extended select 1', 'explain table t',
    'select * from t for system_time as of timestamp now()',
    'select uuid(), rand(), sleep(0), md5("x"), sha2("x", 256), inet_aton("1.2.3.4"), last_day(now()), greatest(1, 2), coalesce(null, 1)',
    'select t.lock_version, t.value, t.name, t.status, t.type from t as value',
    'select a as `update`, b as `for` from t',
    'select * from t intersect select * from u except select * from v',
    'select * from t join lateral (select * from u where u.id = t.id) as x',
    'select a from t group by a having count(*) > 1 order by null',
  ])('%s', (sql) => {
    const found = classifier.classify(sql)
    expect(found.class, found.why).toBe('read')
  })
})

describe('nothing of MySQL and MariaDB that writes, locks or belongs to a session is called a read:', () => {
  it.each([
    ['select * from t for update', 'write'],
    ['select * from t for update skip locked', 'write'],
    ['select * from t for share nowait', 'write'],
    ['select * from t for share of t', 'write'],
    ['select * from t lock in share mode', 'write'],
    ['select * from t lock/**/in share mode', 'write'],
    ['select * from (select * from t for update) x', 'write'],
    ['(select * from t for update) union (select 1)', 'write'],
    ['with c as (select * from t for update) select * from c', 'write'],
    ['with c as (select 1) update t set a = 1', 'write'],
    ['with c as (select 1) delete from t', 'write'],
    ['select * from t into outfile "/tmp/x"', 'write'],
    ['select * into dumpfile "/tmp/x" from t', 'write'],
    ['select a into @x from t', 'session'],
    ['select a from t into @x', 'session'],
    ['select @x := @x + 1', 'session'],
    ['select @`x y`', 'session'],
    ['select @"x"', 'session'],
    ['select @@sql_mode', 'session'],
    ['select @@session.time_zone', 'session'],
    ['select @@local.x', 'session'],
    ['select @@read_only', 'write'],
    ['select @@global.gtid_executed', 'write'],
    ['select f(1)', 'write'], ['select f (1)', 'write'], ['select `f`(1)', 'write'], ['select "f"(1)', 'write'], ['select db.f(1)', 'write'],
    ['select `db`.`f`(1)', 'write'], ['select db . f (1)', 'write'], ['select sql_no_cache f(1)', 'write'], ['select distinct f(1)', 'write'],
    ['select high_priority f(1)', 'write'], ['select straight_join f(1)', 'write'], ['select binary f(1)', 'write'],
    ['select a div f(1)', 'write'], ['select a mod f(1)', 'write'], ['select a rlike f(1)', 'write'], ['select a xor f(1)', 'write'],
    ['select a sounds like f(1)', 'write'], ['select a like b escape f(1)', 'write'], ['select now() + interval f(1) day', 'write'],
    ['select * from t order by f(a)', 'write'], ['select * from t group by f(a) having f(b)', 'write'],
    ['select case f(1) when f(2) then f(3) else f(4) end', 'write'], ['select sum(f(a)) over (partition by f(b))', 'write'],
    ['select * from t where match (a) against (f(1))', 'write'], ['select * from json_table(f(1), "$" columns (a int path "$")) x', 'write'],
    ['select * from t for system_time as of f(1)', 'write'], ['select * from t for system_time between f(1) and f(2)', 'write'],
    ['select benchmark(10, f(1))', 'write'], ['select if(1, f(1), 2)', 'write'], ['values row(f(1))', 'write'],
    ['select rank(1)', 'read'], // the built-in name wins over a stored function
    ['select empty(1)', 'write'], ['select system(1)', 'write'], ['select library(1)', 'write'], ['select qualify(1)', 'write'],
    ['select nextval(s)', 'write'], ['select next value for s', 'write'], ['select setval(s, 1)', 'write'], ['select s.nextval', 'write'],
    ['select db.s.nextval from dual', 'write'],
    ['select load_file("/etc/passwd")', 'write'], ['select is_used_lock("a")', 'write'],
    ['select get_lock("a", 1)', 'session'], ['select release_all_locks()', 'session'], ['select last_insert_id()', 'session'],
    ['select last_insert_id(5)', 'session'], ['select sql_calc_found_rows * from t', 'session'], ['select master_gtid_wait("1-1-1")', 'session'],
    ['select wait_for_executed_gtid_set("x")', 'session'], ['do get_lock("a", 1)', 'session'], ['do f(1)', 'write'], ['do sleep(1)', 'write'],
    ['insert into t values (last_insert_id())', 'session'], ['call p(@x)', 'session'], ['call p(1)', 'write'],
    ['/*!50000 delete from t */', 'write'], ['select 1 /*! into outfile "x" */', 'write'], ['select 1 /*!50000 for update */', 'write'],
    ['select 1 /*M! for update */', 'write'], ['/*M!100100 delete from t */', 'write'], ['select /*! @x := */ 1', 'session'],
    ["select 'a\\'; delete from t; -- '", 'write'], ["select 'a\\' , f(1) , '", 'write'], ['select "a\\" , f(1) , "', 'write'],
    ['select 1 --x\n, f(1)', 'write'], ['select 1 --;delete from t', 'write'],
    ['select 1; delete from t', 'write'], ['select 1;;delete from t', 'write'], ['select 1 # x\n; delete from t', 'write'],
    ['/* x */ delete from t', 'write'], ['-- x\ndelete from t', 'write'], ['# x\ndelete from t', 'write'], ['(delete from t)', 'write'],
    ['replace into t values (1)', 'write'], ['replace t set a = 1', 'write'], ['insert t values (1)', 'write'], ['update low_priority ignore t set a = 1', 'write'],
    ['delete quick from t', 'write'], ['delete a, b from a join b', 'write'], ['insert into t values (1) returning id', 'write'],
    ['load data local infile "x" into table t', 'write'], ['load xml infile "x" into table t', 'write'], ['truncate t', 'write'],
    ['explain update t set a = 1', 'write'], ['explain delete from t', 'write'], ['explain insert into t values (1)', 'write'],
    ['explain replace into t values (1)', 'write'], ['explain analyze delete from t', 'write'], ['explain format=json update t set a = 1', 'write'],
    ['explain select f(1)', 'write'], ['describe update t set a = 1', 'write'], ['desc delete from t', 'write'], ['explain for connection 5', 'write'],
    ['explain format=json into @x select 1', 'write'], ['analyze select 1', 'write'], ['analyze update t set a = 1', 'write'],
    ['explain analyze f(1)', 'write'], ['explain t; delete from t', 'write'],
    ['show master status', 'write'], ['show binary logs', 'write'], ['show binlog events', 'write'], ['show processlist', 'write'],
    ['show engine innodb status', 'write'], ['show variables where f(1)', 'write'], ['show tables where get_lock("a", 1)', 'session'],
    ['show warnings', 'session'], ['show count(*) errors', 'session'], ['show session status', 'session'],
    ['set @x = 1', 'session'], ['set names utf8mb4', 'session'], ['set autocommit = 0', 'session'], ['set session x = 1', 'session'],
    ['set global x = 1', 'write'], ['set persist x = 1', 'write'], ['set password = "x"', 'write'], ['set default role x to y', 'write'],
    ['set statement max_statement_time = 1 for select f(1)', 'write'], ['set transaction read only', 'transaction-control'],
    ['set session transaction read only', 'session'], ['set global transaction read only', 'write'],
    ['use app', 'session'], ['handler t read first', 'session'], ['lock tables t write', 'session'], ['unlock tables', 'session'],
    ['flush tables with read lock', 'session'], ['flush privileges', 'write'], ['lock instance for backup', 'session'],
    ['prepare s from "delete from t"', 'session'], ['execute s', 'session'], ['execute immediate "delete from t"', 'write'], ['drop prepare s', 'session'],
    ['create temporary table x (a int)', 'session'], ['create or replace temporary table x (a int)', 'session'], ['drop temporary table x', 'session'],
    ['create table x (a int)', 'write'], ['create table x select * from t', 'write'], ['alter table t add a int', 'write'], ['get diagnostics @a = row_count', 'session'],
    ['begin', 'transaction-control'], ['start transaction read only', 'transaction-control'], ['commit and chain', 'transaction-control'],
    ['rollback to savepoint a', 'transaction-control'], ['xa start "x"', 'transaction-control'], ['begin not atomic delete from t; end', 'write'],
    ['start slave', 'write'], ['start group_replication', 'write'], ['kill 5', 'write'], ['kill query 5', 'write'], ['reset master', 'write'],
    ['select 1 from t procedure analyse()', 'write'], ['select "unclosed', 'write'], ["select 'unclosed", 'write'], ['select /* unclosed', 'write'],
    ['select {d f(1)}', 'write'], ['optimize table t', 'write'], ['repair table t', 'write'], ['check table t', 'write'], ['install plugin x soname "y"', 'write'],
    ['select 2pay(1)', 'write'], ['select db.2pay(1)', 'write'], ['select `db`.2pay(1)', 'write'], ['select f$1(2)', 'write'], ['select $1f(2)', 'write'],
    ['select 0x1g(2)', 'write'], ['select 1e5x(3)', 'write'], ['select 1e5into outfile "x"', 'write'], ['select 1.5into outfile "x"', 'write'],
    ["select $$ ' $$, f(1), $$ ' $$", 'write'],
    ["select * from t # \r'\n for update # '", 'write'], ["select * from t -- \r'\n for update -- '", 'write'],
    ['return f(1)', 'write'], ['if f(1) then select 1; end if', 'write'], ['signal sqlstate "45000"', 'write'], ['shutdown', 'write'],
  ])('%s', (sql, expected) => {
    const found = classifier.classify(sql)
    expect(found.class, found.why).toBe(expected)
  })
})

describe('tables are named where MySQL writes them its own way:', () => {
  it.each([
    ['insert t values (1)', ['t']], ['insert ignore into t values (1)', ['t']], ['insert low_priority t values (1)', ['t']],
    ['update low_priority ignore t set a = 1', ['t']], ['update a, b set a.x = b.x', ['a', 'b']], ['update a join b on a.id = b.id set a.x = 1', ['a', 'b']],
    ['delete a from a join b on a.id = b.id', ['a', 'b']], ['delete from a using a join c', ['a', 'c']],
    ['select * from t$1', ['t$1']], ['update `t$1` set a = 1', ['t$1']], ['select * from 2fa', ['2fa']], ['select * from db.2fa', ['db.2fa']],
    ['select * from a straight_join b', ['a', 'b']], ['select * from `A`.`b`', ['a.b']], ['select * from t partition (p0)', ['t']],
  ])('%s', (sql, expected) => {
    expect([...classifier.classify(sql).tables ?? []].sort()).toEqual(expected)
  })
})

it('a text that only quotes is a read whatever the session\'s SQL mode is', () => {
  expect(['select "a"', "select 'a\\\\'", 'select "a\\\\"', "select 'it''s'", 'select "say ""x"""'].map(classOf)).toEqual(Array(5).fill('read'))
})
