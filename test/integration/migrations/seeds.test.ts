import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { autoMigrate, Database, MigrationManager, type MigrationOptions, type QueryEvent } from '../../../src/index.js'
import { startCluster, type Cluster } from '../../../src/testing/index.js'
import { freshDatabase } from '../../support/database.js'
import { Folder } from './files.js'
import { endMigrators, Migrator } from './migrator.js'

endMigrators()

const dir = mkdtempSync(join(tmpdir(), 'sluice-seeds-'))
afterAll(() => { rmSync(dir, { recursive: true, force: true }) })
const clusters: Cluster[] = []
afterAll(() => Promise.all(clusters.map((cluster) => cluster.destroy())))

async function server(engine: 'mariadb' | 'mysql'): Promise<string> {
  const cluster = await startCluster({ engine })
  clusters.push(cluster)
  return cluster.url
}

interface Context { readonly tx: { execute(sql: string): Promise<unknown> } }

const ENGINES: readonly (readonly [string, () => Promise<string>])[] = [
  ['postgres', async () => (await freshDatabase()).primaryUrl],
  ['pglite', async () => 'pglite://memory'],
  ['sqlite', async () => `sqlite:${join(dir, 'app.db')}`],
  ['mariadb', () => server('mariadb')],
  ['mysql', () => server('mysql')],
]

describe.each(ENGINES)('seeds on %s', { timeout: 240_000 }, (_, urlOf) => {
  let db: Database
  const queries: QueryEvent[] = []
  beforeAll(async () => { db = await Database.open({ primary: await urlOf(), observers: [{ query: (event) => { queries.push(event) } }] }) }, 240_000)
  afterAll(() => db.close())

  /** A table and a history of the test's own. */
  function work(table: string, seeds: Folder): { options: MigrationOptions; manager(): MigrationManager; names(): Promise<string[]> } {
    const files = { '1_table.up.sql': `create table ${table} (id int primary key, name varchar(20) not null)`, '1_table.down.sql': `drop table ${table}` }
    const options: MigrationOptions = { schema: `s_${table}`, sources: [{ service: 'shop', files }], seeds: seeds.path }
    return {
      options, manager: () => new MigrationManager(db, options),
      names: async () => (await db.many<{ name: string }>(`select name from ${table} order by id`, [], { target: 'primary' })).map(({ name }) => name),
    }
  }
  const titles = ({ applied }: { readonly applied: readonly { readonly version: number; readonly name: string }[] }): string[] => applied.map(({ version, name }) => `${String(version)} ${name}`)

  it('are applied once, in order, those of the environment and those of all; no version and no start knows of them', async () => {
    const { options, manager, names } = work('plain', new Folder({
      '000002_two.sql': "insert into plain values (2, 'two');\ninsert into plain values (3, 'three; really');", '000001_one.sql': "insert into plain values (1, 'one')",
      '000003_demo.development.test.sql': "insert into plain values (10, 'demo')", '000004_real.production.sql': "insert into plain values (20, 'real')",
      'R__last.sql': "delete from plain where id = 99; insert into plain values (99, 'last')",
    }))
    await expect(manager().seed()).rejects.toMatchObject({ kind: 'outOfOrder', message: expect.stringMatching(/1 of those is pending, the first one shop:1_table; nothing was changed/) as string })
    await manager().up()
    expect(titles(await manager().seed({ environment: 'test' }))).toEqual(['1 one (seed)', '2 two (seed)', '3 demo (seed)', '0 last (seed)'])
    expect(await names()).toEqual(['one', 'two', 'three; really', 'demo', 'last'])
    expect(titles(await manager().seed({ environment: 'test' }))).toEqual([])
    expect(titles(await manager().seed())).toEqual([])
    expect(await manager().version()).toEqual({ version: 1, dirty: false })
    expect((await manager().status()).map(({ kind }) => kind)).toEqual(['V'])
    expect((await manager().seeds({ environment: 'production' })).map(({ name, state }) => [name, state])).toEqual([
      ['one (seed)', 'applied'], ['two (seed)', 'applied'], ['real (seed)', 'pending'], ['last (seed)', 'applied'],
    ])
    queries.length = 0
    expect(await autoMigrate(db, options)).toEqual({ applied: [] })
    expect(queries).toHaveLength(1)
    expect((await manager().history()).filter(({ name }) => name?.endsWith('(seed)') === true).map(({ action }) => action)).toEqual(['up', 'up', 'up', 'up'])
    // going down takes the table, and knows nothing of its rows
    expect((await manager().down()).reverted).toHaveLength(1)
  })

  it('that fail leave nothing, and the next run begins with them', async () => {
    const folder = new Folder({ '1_ok.sql': "insert into failing values (1, 'one')", '2_bad.sql': "insert into failing values (2, 'two');\ninsert into failing values (2, 'again');", '3_more.sql': "insert into failing values (3, 'three')" })
    const { manager, names } = work('failing', folder)
    await manager().up()
    await expect(manager().seed()).rejects.toMatchObject({ kind: 'failed', version: 2, message: expect.stringContaining('all of it was undone') as string })
    expect(await names()).toEqual(['one'])
    folder.write({ '2_bad.sql': "insert into failing values (2, 'two')" })
    expect(titles(await manager().seed())).toEqual(['2 bad (seed)', '3 more (seed)'])
    expect(await names()).toEqual(['one', 'two', 'three'])
  })

  it('that have changed are refused, but for the repeatable ones, which are run again', async () => {
    const folder = new Folder({ '1_a.sql': "insert into changing values (1, 'one')", 'R__b.sql': "delete from changing where id = 2; insert into changing values (2, 'b')" })
    const { manager, names } = work('changing', folder)
    await manager().up()
    await manager().seed()
    folder.write({ 'R__b.sql': "delete from changing where id = 2; insert into changing values (2, 'c')" })
    expect(titles(await manager().seed())).toEqual(['0 b (seed)'])
    expect(await names()).toEqual(['one', 'c'])
    folder.write({ '1_a.sql': "insert into changing values (1, 'other')" })
    await expect(manager().seed()).rejects.toMatchObject({ kind: 'drift', hint: expect.stringMatching(/put the file back .*R__<name>\.sql/) as string })
    expect(await names()).toEqual(['one', 'c'])
  })

  it('may be code, in a transaction', async () => {
    const { options } = work('coded', new Folder())
    const seeds = [{ service: 'shop', files: {
      '1_fill.ts': { up: async ({ tx }: Context) => { await tx.execute("insert into coded values (1, 'one'), (2, 'two')") } },
      '2_fail.development.ts': { up: async ({ tx }: Context) => { await tx.execute("insert into coded values (3, 'three')"); throw new Error('on purpose') } },
    } }]
    const manager = new MigrationManager(db, { ...options, seeds })
    await manager.up()
    expect(titles(await manager.seed())).toEqual(['1 fill (seed)'])
    await expect(manager.seed({ environment: 'development' })).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('on purpose') as string })
    expect(await db.many('select count(*) as n from coded', [], { target: 'primary' })).toHaveLength(1)
    expect(Number(await db.value('select count(*) from coded', [], { target: 'primary' }))).toBe(2)
  })
})

describe('a process that is killed in the middle of a seed', () => {
  it('leaves nothing of it: the next one waits for its session, and applies it once', async () => {
    const { primaryUrl } = await freshDatabase()
    const seeds = new Folder({ '1_a.sql': 'insert into killed values (1)', '2_b.sql': 'insert into killed values (2); select pg_sleep(2);', '3_c.sql': 'insert into killed values (3)' })
    const job = { url: primaryUrl, work: 'seed', options: { sources: [{ service: 'shop', files: { '1_t.up.sql': 'create table killed (n int)' } }], seeds: seeds.path } } as const
    await new Migrator({ ...job, work: 'up' }).ended
    const first = new Migrator(job)
    await first.says('applying', 2)
    await first.kill()
    expect((await new Migrator(job).ended).applied).toEqual([2, 3])
    await using db = await Database.open(primaryUrl)
    expect(await db.many('select n from killed order by n', [], { target: 'primary' })).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  })
})

describe('seeds that are wrong', () => {
  const load = (files: Record<string, string>): Promise<unknown> =>
    new MigrationManager(new Database('sqlite::memory:'), { sources: [{ service: 's', files: {} }], seeds: [{ service: 's', files }] }).seeds()

  it.each([
    [{ 'one.sql': 'select 1' }, 'is no seed'],
    [{ '1_a.up.sql': 'select 1', '1_b.sql': 'select 1' }, 'the number 1 is there twice'],
    [{ '0_a.sql': 'select 1' }, 'begin with 1'],
    [{ '1_a.sql': '-- sluice:no-transaction\nselect 1' }, 'no-transaction in a seed'],
    [{ '1_a.sql': 'select 1; commit; select 2' }, 'COMMIT inside'],
  ])('%o: %s', async (files, problem) => { await expect(load(files as Record<string, string>)).rejects.toThrow(problem) })

  it('an environment is a name, and a folder has to be given', async () => {
    const manager = new MigrationManager(new Database('sqlite::memory:'), { sources: [{ service: 's', files: {} }] })
    await expect(manager.seed()).rejects.toMatchObject({ option: 'migrations.seeds' })
    await expect(new MigrationManager(new Database('sqlite::memory:'), { sources: [{ service: 's', files: {} }], seeds: [{ service: 's', files: {} }] }).seed({ environment: '../x' })).rejects.toMatchObject({ option: 'environment' })
  })
})
