import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database, MigrationManager, type MigrationEvent } from '../../../src/index.js'
import { startCluster, type Cluster, type ClusterEngine } from '../../../src/testing/index.js'
import { eventually } from '../../support/eventually.js'
import { errorOf } from '../database/open.js'
import { endMigrators, Migrator } from './migrator.js'

endMigrators()

/** What a splitter gets wrong, as [statement as the server's own client takes it, name of a table or routine that is there afterwards]. */
const TRAPS = `
create table trap_quote (t varchar(50) default 'a;b', u varchar(50) default "c;d");
insert into trap_quote values ('it''s; fine', "say \\"; fine"), ('back\\\\', 'slash\\'; x');
create table \`trap;name\` (n int); -- a comment; with a semicolon
create table trap_hash (n int); # another; one
/* a block; comment */ create table trap_block (n int);
create table trap_minus as select 5--1 as n;
/*!40101 create table trap_executable (n int) */;
create table /*!40101 if not exists */ trap_inside (n int);
create table trap_empty (n int);;
set @text = 'begin; end';
create trigger trap_single before insert on trap_hash for each row set new.n = new.n + 1;
DELIMITER //
create procedure trap_procedure(in a int)
begin
  declare x int default 0;
  while x < a do
    insert into trap_hash values (x);
    set x = x + 1;
  end while;
  if x > 100 then select 1; end if;
end//
create function trap_function(a int) returns int deterministic
begin
  case a when 1 then return 2; else return 3; end case;
end//
DELIMITER ;
create procedure trap_bare() begin select 1; select 2; end;
create trigger trap_block_trigger after insert on trap_block for each row begin insert into trap_minus values (1); insert into trap_minus values (2); end;
insert into trap_block values (1);
delimiter $$
create view trap_view as select 1 as one$$
delimiter ;
call trap_procedure(3);
create table trap_last (n int)`

describe.each<ClusterEngine>(['mariadb', 'mysql'])('migrations on %s', { timeout: 240_000 }, (engine) => {
  let cluster: Cluster
  let db: Database
  const events: MigrationEvent[] = []

  beforeAll(async () => {
    cluster = await startCluster({ engine })
    // else ordinary users make no triggers while there is a binary log
    const admin = await Database.open(cluster.superuserUrl)
    await admin.connection((connection) => connection.query('set global log_bin_trust_function_creators = 1'))
    await admin.close()
    db = await Database.open({ primary: cluster.url, observers: [{ migration: (event) => { events.push(event) } }] })
  }, 240_000)
  afterAll(async () => {
    await db.close()
    await cluster.destroy()
  })

  const sources = (files: Record<string, string>): { service: string; files: Record<string, string> }[] => [{ service: 'default', files }]
  const manager = (schema: string, files: Record<string, string>, options: object = {}): MigrationManager =>
    new MigrationManager(db, { schema, sources: sources(files), ...options })
  const many = (text: string): Promise<Record<string, unknown>[]> => db.many(text, [], { target: 'primary' })

  it('M18: what splitters get wrong runs as the server\'s own client would run it', async () => {
    const block = engine === 'mariadb' ? ';\nbegin not atomic declare n int default 7; insert into trap_last values (n); end' : ''
    expect((await manager('m18', { '1_traps.up.sql': `${TRAPS}${block}` }).up()).applied).toHaveLength(1)
    expect(await many('select * from trap_quote')).toEqual([{ t: 'it\'s; fine', u: 'say "; fine' }, { t: 'back\\', u: 'slash\'; x' }])
    expect((await many('select n from trap_hash order by n')).map(({ n }) => n)).toEqual([1, 2, 3])
    expect(await many('select count(*) as n from trap_minus')).toEqual([{ n: '3' }])
    const made = (await many(`select table_name as name from information_schema.tables where table_schema = database() and table_name like 'trap%'
      union all select routine_name from information_schema.routines where routine_schema = database()`)).map(({ name }) => name)
    expect(made.toSorted()).toEqual(['trap;name', 'trap_bare', 'trap_block', 'trap_empty', 'trap_executable', 'trap_function', 'trap_hash', 'trap_inside',
      'trap_last', 'trap_minus', 'trap_procedure', 'trap_quote', 'trap_view'])
    if (engine === 'mariadb') expect(await many('select n from trap_last')).toEqual([{ n: 7 }])
  })

  it.each([['with a probe the next run goes on after it', true], ['without one the next run refuses', false]])('M7: killed in the middle of an ALTER TABLE that the server completes: %s', async (_, probed) => {
    const name = probed ? 'm7yes' : 'm7no'
    await db.execute(`create table ${name} (n int, pad char(250))`)
    await db.execute(`insert into ${name} values (1, 'x'), (2, 'x')`)
    for (let doubled = 0; doubled < 17; doubled++) await db.execute(`insert into ${name} select n, pad from ${name}`)
    const probe = `-- sluice:probe select count(*) from information_schema.columns where table_schema = database() and table_name = '${name}' and column_name = 'c'\n`
    const files = { '1_alter.up.sql': `${probed ? probe : ''}alter table ${name} add column c int, algorithm = copy;\nalter table ${name} add column d int;` }
    const migrator = new Migrator({ url: cluster.url, options: { schema: name, sources: sources(files) } })
    const working = async (): Promise<boolean> => (await many(`select 1 from information_schema.processlist where info like 'alter table ${name} add column c%'`)).length > 0
    await eventually(working, 60_000)
    await migrator.kill()
    const second = new Migrator({ url: cluster.url, options: { schema: name, sources: sources(files) } })
    const end = await second.ended
    expect(await many(`select 1 from information_schema.columns where table_name = '${name}' and column_name = 'c'`)).toHaveLength(1)
    if (probed) expect(end).toMatchObject({ exitCode: 0, applied: [1] })
    else {
      expect(end).toMatchObject({ exitCode: 3, failure: { kind: 'dirty', statement: 1, message: expect.stringContaining('statement 1/2, whose outcome is not known') as string } })
      await manager(name, files).resolve(1, { statement: 1, outcome: 'applied' })
      expect((await manager(name, files).up()).applied).toHaveLength(1)
    }
    expect(await many(`select 1 from information_schema.columns where table_name = '${name}' and column_name = 'd'`)).toHaveLength(1)
  })

  it('M28: pending files are looked through, with the size of the tables they are about', async () => {
    const files = { '1_a.up.sql': 'create table linted (id bigint primary key, n int)', '2_b.up.sql': 'alter table linted modify n bigint;\nalter table linted drop column n' }
    await manager('m28', files).up(1)
    const { findings } = await manager('m28', files).lint()
    expect(findings).toMatchObject([{ rule: 'changing-column-type', level: 'warning', rows: 0, version: 2, line: 1 }, { rule: 'ban-drop-column', level: 'error', line: 2 }])
  })

  it('a rehearsal is refused: nothing would undo it', async () => {
    await expect(manager('rehearsed', { '1_a.up.sql': 'create table rehearsed (id int)' }).plan({ rehearse: true })).rejects.toThrow(/cannot rehearse: its DDL commits by itself/)
    expect(await many("show tables like 'rehearsed'")).toEqual([])
  })

  it('M1: eight processes on an empty database: every version once', async () => {
    const job = { url: cluster.url, options: { schema: 'm1', sources: sources({ '1_a.up.sql': 'create table m1a (n int);\ninsert into m1a values (1);', '2_b.up.sql': 'create table m1b (n int);' }) } }
    const ends = await Promise.all(Array.from({ length: 8 }, () => new Migrator(job).ended))
    expect(ends.map(({ exitCode }) => exitCode), JSON.stringify(ends.map(({ failure, err }) => [failure, err]))).toEqual(Array.from({ length: 8 }, () => 0))
    expect(ends.flatMap(({ applied }) => applied)).toEqual([1, 2])
    expect(await many('select n from m1a')).toEqual([{ n: 1 }])
  })

  it('M13: a busy table is waited for in short attempts, and the migration succeeds when the reader has gone', async () => {
    await db.execute('create table busy (n int)')
    const reader = await db.begin()
    await reader.query('select * from busy')
    events.length = 0
    const migrating = manager('m13', { '1_a.up.sql': 'alter table busy add column m int' }).up()
    await eventually(() => events.some(({ phase }) => phase === 'blocked'), 60_000)
    await db.query('select * from busy', [], { target: 'primary', timeoutMs: 60_000 })
    await reader.rollback()
    expect((await migrating).applied).toHaveLength(1)
  })

  it('M13: who is in its way is named to those who may see it, and to others it is said that it cannot be seen', async () => {
    await db.execute('create table named (n int)')
    const reader = await db.begin()
    const { rows: [{ id } = { id: 0 }] } = await reader.query<{ id: unknown }>('select connection_id() as id from (select count(*) from named) t')
    const files = { '1_a.up.sql': 'alter table named add column m int' }
    await using superuser = await Database.open({ primary: cluster.superuserUrl, observers: [{ migration: (event) => { events.push(event) } }] })
    events.length = 0
    const privileged = new MigrationManager(superuser, { schema: 'seen', sources: sources(files), lockRetryMs: 3_000 }).up()
    expect(await errorOf(privileged)).toMatchObject({ kind: 'failed', message: expect.stringMatching(new RegExp(`blocked by session ${String(id)} \\('app app'`)) as string })
    expect(events.filter(({ phase }) => phase === 'blocked').at(-1)?.blockers).toMatchObject([{ id: Number(id) }])
    const ordinary = manager('unseen', files, { lockRetryMs: 1_500 }).up()
    expect(await errorOf(ordinary)).toMatchObject({ kind: 'failed', message: expect.stringContaining('who blocks could not be seen') as string })
    await reader.rollback()
    await superuser.execute('drop table named')
  })

  it('M19: the lock is held for longer than lockTimeoutMs: the error says by whom', async () => {
    const holder = await Database.open(cluster.url)
    const { lock } = holder.assembly.driver.dialect.maintenance!
    const { maintenanceKey } = await import('../../../src/database/maintenance-lock.js')
    await holder.connection(async (connection) => {
      const { rows } = await connection.query(lock!.tryAcquire(maintenanceKey('m19'), { shared: false, inTransaction: false }).statement.text)
      expect(rows.map((row) => Number(row['yes']))).toEqual([1])
      expect(await errorOf(manager('m19', { '1_a.up.sql': 'create table m19 (n int)' }, { lockTimeoutMs: 500 }).up())).toMatchObject({ kind: 'locked', message: expect.stringMatching(/session \d+ \('app app'/) as string })
    })
    await holder.close()
    expect((await manager('m19', { '1_a.up.sql': 'create table m19 (n int)' }).up()).applied).toHaveLength(1)
  })

  it('statement-timeout ends what takes too long', async () => {
    const files = { '1_a.up.sql': '-- sluice:statement-timeout=100ms\nselect count(*) from information_schema.columns a, information_schema.columns b, information_schema.columns c where sleep(1) = 0' }
    expect(await errorOf(manager('limit', files).up())).toMatchObject({ kind: 'failed', statement: 1 })
  })
})
