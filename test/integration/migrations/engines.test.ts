import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { autoMigrate, Database, MigrationManager, type QueryEvent } from '../../../src/index.js'
import { startCluster, type Cluster } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf } from '../database/open.js'
import { Folder } from './files.js'
import { endMigrators, Migrator } from './migrator.js'

endMigrators()
const dir = mkdtempSync(join(tmpdir(), 'sluice-migrations-engines-'))
afterAll(() => { rmSync(dir, { recursive: true, force: true }) })

const clusters: Cluster[] = []
afterAll(() => Promise.all(clusters.map((cluster) => cluster.destroy())))
async function server(engine: 'mariadb' | 'mysql'): Promise<string> {
  const cluster = await startCluster({ engine })
  clusters.push(cluster)
  return cluster.url
}
const postgres = await freshDatabase()

const ENGINES: readonly (readonly [string, () => Promise<string>, boolean])[] = [
  ['postgres', async () => postgres.primaryUrl, true],
  ['pglite', async () => 'pglite://memory', true],
  ['sqlite', async () => `sqlite:${join(dir, 'app.db')}`, true],
  ['mariadb', () => server('mariadb'), false],
  ['mysql', () => server('mysql'), false],
]

const SHOP = {
  '1_users.up.sql': `create table users (id int not null primary key, name varchar(50) not null, balance int not null default 0 check (balance >= 0));
create unique index users_name on users (name);
insert into users (id, name) values (1, 'semi;colon');`,
  '1_users.down.sql': 'drop table users;',
  '2_orders.up.sql': `create table orders (id int not null primary key, user_id int not null references users (id), note varchar(20) default 'x');
create view orders_of as select u.name, o.id from users u join orders o on o.user_id = u.id;`,
  '2_orders.down.sql': 'drop view orders_of;\ndrop table orders;',
  '3_fill.ts': { up: async ({ tx }: { tx: { execute(sql: string): Promise<unknown> } }) => { await tx.execute('insert into orders (id, user_id) values (1, 1)') },
    down: async ({ tx }: { tx: { execute(sql: string): Promise<unknown> } }) => { await tx.execute('delete from orders') } },
  'R__names.sql': 'drop view if exists names;\ncreate view names as select name from users;',
}

describe.each(ENGINES)('migrations on %s', { timeout: 240_000 }, (_, urlOf, transactional) => {
  let db: Database
  const queries: QueryEvent[] = []
  const sources = (files: object): { service: string; files: Record<string, string> }[] => [{ service: 'default', files: files as Record<string, string> }]
  const manager = (schema: string, files: object): MigrationManager => new MigrationManager(db, { schema, sources: sources(files) })
  const many = (text: string): Promise<Record<string, unknown>[]> => db.many(text, [], { target: 'primary' })

  beforeAll(async () => { db = await Database.open({ primary: await urlOf(), observers: [{ query: (event) => { queries.push(event) } }] }) }, 240_000)
  afterAll(() => db.close())

  it('M16: up, down and up again leave the same catalog; with nothing to do a boot is one query', async () => {
    const migrations = manager('m16', SHOP)
    expect((await migrations.up()).applied.map(({ version, name }) => [version, name])).toEqual([[1, 'users'], [2, 'orders'], [3, 'fill'], [0, 'names']])
    const { texts } = { texts: db.assembly.driver.dialect.migrations! }
    const fingerprint = async (): Promise<unknown> => (await many(`select fingerprint from ${texts.table('m16', 'migration_snapshot')}`))[0]?.['fingerprint']
    const first = await fingerprint()
    expect(await migrations.version()).toEqual({ version: 3, dirty: false })
    expect((await migrations.drift())).toMatchObject({ added: [], removed: [], changed: [] })
    expect(await many('select name, id from orders_of')).toEqual([{ name: 'semi;colon', id: 1 }])
    queries.length = 0
    expect(await autoMigrate(db, { schema: 'm16', sources: sources(SHOP) })).toEqual({ applied: [] })
    expect(queries).toHaveLength(1)
    await db.execute('drop view names')
    expect((await migrations.drift()).removed).toContainEqual(expect.stringMatching(/^view .*names$/))
    expect((await migrations.migrate(0)).reverted.map(({ version }) => version)).toEqual([3, 2, 1])
    expect(await fingerprint()).not.toBe(first)
    await db.execute('create table stray (n int)')
    expect((await migrations.drift()).added).toContainEqual(expect.stringMatching(/^table .*stray$/))
    await db.execute('drop table stray')
    await migrations.force(0)
    const again = manager('m16', { ...SHOP, 'R__names.sql': `${SHOP['R__names.sql']}\n-- once more` })
    expect((await again.up()).applied).toHaveLength(4)
    expect(await fingerprint()).toBe(first)
    expect((await again.history()).map(({ action }) => action).filter((action) => action === 'down')).toHaveLength(3)
    await db.execute('drop view names')
    await again.migrate(0)
  })

  it('M8: of a file of three statements the second fails: it says which, and goes on from there', async () => {
    const folder = new Folder({ '1_three.up.sql': 'create table one (n int);\ncreate table two (n nonsense nonsense) nonsense;\ncreate table three (n int);' })
    const migrations = (): MigrationManager => new MigrationManager(db, { schema: 'm8', dir: folder.path })
    const failure = await errorOf(migrations().up())
    expect(failure).toMatchObject({ kind: 'failed', version: 1 })
    folder.write({ '1_three.up.sql': 'create table one (n int);\ncreate table two (n int);\ncreate table three (n int);' })
    if (!transactional) {
      expect(failure).toMatchObject({ statement: 2, message: expect.stringMatching(/\(\d{4}\)[^]*1_three\.up\.sql:2; statement 2\/3 failed, its statements up to 1 are done/) as string, sql: 'create table two (n nonsense nonsense) nonsense' })
      expect(await many('select idx, state from m8_migration_stmt order by idx')).toEqual([{ idx: 1, state: 'done' }, { idx: 2, state: 'failed' }])
      expect(await migrations().version()).toEqual({ version: 1, dirty: true })
      expect(await errorOf(migrations().up())).toMatchObject({ kind: 'dirty', statement: 2 })
      await migrations().resolve(1, { statement: 2, outcome: 'not-applied' })
    }
    expect((await migrations().up()).applied).toHaveLength(1)
    expect(await many('select count(*) as n from three')).toHaveLength(1)
  })

  it('code that fails is undone where DDL can be, and is in doubt elsewhere', async () => {
    const migrations = manager('code', { '1_code.ts': { up: async ({ tx }: { tx: { execute(sql: string): Promise<unknown> } }) => { await tx.execute('create table coded (n int)'); throw new Error('on purpose') } } })
    expect(await errorOf(migrations.up())).toMatchObject({ kind: 'failed', version: 1, message: expect.stringContaining('on purpose') as string })
    expect(await migrations.version()).toEqual(transactional ? { version: 0, dirty: false } : { version: 1, dirty: true })
    if (!transactional) await migrations.force(1)
  })

  it('lints and refuses a file without a statement; squashes where there is a dump of a schema', async () => {
    const migrations = manager('empty', { '1_later.up.sql': '-- to be written\n', '2_also.up.sql': 'select 2' })
    expect((await migrations.lint()).findings).toMatchObject([{ rule: 'empty-migration', level: 'error', version: 1 }])
    expect(await errorOf(migrations.up())).toMatchObject({ kind: 'missing', version: 1, message: '1_later: the file holds no statement; nothing was changed' })
    expect(await migrations.version()).toEqual({ version: 0, dirty: false })
    if (db.engine === 'postgres') return
    const files = { '1_a.up.sql': 'create table a (n int)', '2_b.up.sql': 'create table b (n int)' }
    await expect(manager('squashed', files).squash(2, { dryRun: true })).rejects.toThrow(/has no dump[^]*nothing was changed/)
  })

  it('two at once in one process: every version once', async () => {
    const [one, other] = [manager('twice', { '1_a.up.sql': 'create table twice (n int)' }), manager('twice', { '1_a.up.sql': 'create table twice (n int)' })]
    const results = await Promise.all([one.up(), other.up()])
    expect(results.flatMap(({ applied }) => applied)).toHaveLength(1)
  })
})

describe('several processes and one SQLite file', () => {
  it('M1: every version once', async () => {
    const files = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`${index + 1}_t.up.sql`, `create table s${index} (n int);\ninsert into s${index} values (1);`]))
    const job = { url: `sqlite:${join(dir, 'shared.db')}?busy_timeout=60000`, options: { sources: [{ service: 'default', files }] } }
    const ends = await Promise.all(Array.from({ length: 4 }, () => new Migrator(job).ended))
    expect(ends.map(({ exitCode }) => exitCode), JSON.stringify(ends.map(({ failure, err }) => [failure, err]))).toEqual([0, 0, 0, 0])
    expect(ends.flatMap(({ applied }) => applied).sort()).toEqual([1, 2, 3, 4, 5])
  })
})
