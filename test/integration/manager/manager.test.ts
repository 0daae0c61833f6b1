import { readFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { DatabaseManager, type Logger, type ManagerConfig } from '../../../src/index.js'
import { statement } from '../../../src/core/statement.js'
import { postgres } from '../../../src/drivers/postgres/index.js'
import { startCluster } from '../../../src/testing/index.js'
import { BareServer } from '../../support/postgres-server.js'

const server = await BareServer.start({ hba: ['host all guarded 127.0.0.1/32 scram-sha-256', 'host all user 127.0.0.1/32 scram-sha-256'] })
const folder = mkdtempSync(join(tmpdir(), 'sluice-manager-'))
const address = `127.0.0.1:${String(server.port)}`
const at = (database: string, user = 'postgres'): string => `postgres://${user}@${address}/${database}`
const FILE = new URL('../../fixtures/configs/manager.json', import.meta.url)

const admin = await postgres.connect(server.connectSettings())
for (const text of [
  'create role "user" login password \'pass\'', 'create database db owner "user"', 'create role guarded login password \'right\'', 'create database tenant owner guarded',
]) await admin.query(statement(text))

afterAll(async () => {
  await admin.close()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function rowOf(text: string): Promise<Record<string, unknown> | undefined> {
  return (await admin.query(statement(text))).rows[0]
}

/** The content of the file, whose address is that of a server which is here. */
function fileContent(): ManagerConfig {
  return JSON.parse(readFileSync(FILE, 'utf8').replaceAll('@localhost/', `@${address}/`)) as ManagerConfig
}

describe('a DatabaseManager', () => {
  it('opens what a manager file of another tool describes, as it stands', async () => {
    await using manager = new DatabaseManager(fileContent())
    expect(manager.list()).toEqual(['primary', 'readonly'])
    expect(await manager.setup()).toEqual({ successful: ['primary', 'readonly'], failed: {} })
    await manager.db('primary').execute('create table note (text text)')
    await manager.db('primary').execute("insert into note values ('kept')")
    expect(await manager.db('readonly').value('select text from note')).toBe('kept')
    await expect(manager.db('readonly').execute('delete from note')).rejects.toMatchObject({ code: 'SLUICE_READ_ONLY_NODE' })
    const { successfulSetups, failedSetups, databases } = manager.stats()
    expect([successfulSetups, failedSetups, databases['primary']?.nodes[0]?.max, databases['readonly']?.nodes[0]?.max]).toEqual([2, 0, 5, 3])
  })

  it('opens what can be opened, keeps the errors of the rest by name, and tries those again', async () => {
    const logged: { facts: object; message: string | undefined }[] = []
    const silent = (): void => undefined
    const logger: Logger = { debug: silent, info: silent, warn: silent, error: (facts, message) => { logged.push({ facts, message }) } }
    await using manager = new DatabaseManager({
      databases: {
        good: at('db'), file: `sqlite:${join(folder, 'app.db')}`, missing: { primary: at('not_yet') },
        dead: { primary: 'postgres://127.0.0.1:1/x', pool: { acquireTimeoutMs: 200 } }, wrong: { primary: at('db'), pool: { max: 0 } }, strange: 'oracle://db1/x',
      },
    }, { logger })
    const { successful, failed } = await manager.setup()
    expect(successful).toEqual(['good', 'file'])
    expect(Object.entries(failed).map(([name, error]) => [name, (error as Error & { code?: string }).code]).sort()).toEqual([
      ['dead', 'SLUICE_CONNECTION_REFUSED'], ['missing', 'SLUICE_UNKNOWN_DATABASE'], ['strange', 'SLUICE_UNKNOWN_ENGINE'], ['wrong', 'SLUICE_CONFIG'],
    ])
    expect(logged.map(({ message }) => message)).toEqual(expect.arrayContaining(["database 'dead' could not be set up", "database 'missing' could not be set up"]))
    expect(() => manager.db('dead')).toThrow(failed['dead'])
    expect(await manager.db('file').value('select 1')).toBe(1)
    expect([manager.stats().successfulSetups, manager.stats().failedSetups]).toEqual([2, 4])

    expect(await manager.createDatabase('missing')).toBe(true)
    expect(await manager.createDatabase('missing')).toBe(false)
    expect((await manager.setup()).successful).toEqual(['good', 'file', 'missing'])
    expect(Object.keys(manager.errors())).toEqual(expect.not.arrayContaining(['missing']))
  })

  it('tells the health of one by its name, and of all', async () => {
    await using manager = new DatabaseManager({ databases: { good: at('db'), dead: { primary: 'postgres://127.0.0.1:1/x', pool: { acquireTimeoutMs: 200 } } } })
    expect(await manager.healthCheck('good')).toEqual({ healthy: false, nodes: [], error: undefined })
    await manager.setup()
    expect(await manager.healthCheck('good')).toMatchObject({ healthy: true, nodes: [{ name: address }] })
    expect(await manager.healthCheck()).toMatchObject({ good: { healthy: true }, dead: { healthy: false, nodes: [], error: manager.errors()['dead'] } })
    await expect(manager.healthCheck('other')).rejects.toThrow("unknown database 'other': expected one of 'good', 'dead'")
  })

  it('opens the same servers for another database and another user, and never sends one user\'s password for another', async () => {
    const manager = new DatabaseManager(fileContent())
    const tenant = manager.connection('primary').withDatabase('tenant')
    const open = await tenant.withUser('guarded', 'right').open()
    expect(await open.one('select current_database() as database, current_user::text as name')).toEqual({ database: 'tenant', name: 'guarded' })
    expect(await tenant.withUser('guarded', 'right').open()).toBe(open)
    await open.close()
    const again = await tenant.withUser('guarded', () => 'right').open()
    expect(again).not.toBe(open)
    await expect(tenant.withUser('guarded').open()).rejects.toMatchObject({ code: 'SLUICE_AUTHENTICATION' })
    await expect(tenant.withUser('guarded').open()).rejects.toMatchObject({ code: 'SLUICE_AUTHENTICATION' })
    await manager.closeAll()
    expect(again.closed).toBe(true)
    await expect(tenant.open()).rejects.toMatchObject({ code: 'SLUICE_POOL_CLOSED' })
    await expect(manager.setup()).rejects.toMatchObject({ code: 'SLUICE_POOL_CLOSED' })
  })

  it('creates databases with owner, encoding, collation and a limit of connections', async () => {
    await using manager = new DatabaseManager({ databases: { main: at('db') } })
    expect(await manager.createDatabase('main', { database: 'made "here"', owner: 'guarded', encoding: 'LATIN1', collation: 'C', connectionLimit: 3 })).toBe(true)
    expect(await rowOf(`select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding, datcollate as collation, datconnlimit as limit
      from pg_database where datname = 'made "here"'`)).toEqual({ owner: 'guarded', encoding: 'LATIN1', collation: 'C', limit: 3 })
    await expect(manager.createDatabase('main', { database: 'x', encoding: "UTF8' owner postgres" })).rejects.toThrow(/encoding: expected a name such as UTF8/)
    await expect(manager.createDatabase('main', { database: 'x', connectionLimit: 0.5 })).rejects.toThrow(/connectionLimit: expected a whole number/)
    await expect(manager.createDatabase('main', { database: 'x', owner: 'nobody at all' })).rejects.toThrow(/role .* does not exist/)
  })

  it('creates a missing database when its options say so', async () => {
    await using manager = new DatabaseManager({ dbs: { fresh: { url: at('made_at_setup'), create_db: true } } })
    expect(await manager.setup()).toEqual({ successful: ['fresh'], failed: {} })
    expect(await manager.db('fresh').value('select current_database()')).toBe('made_at_setup')
  })

  it('closes everything, also when it is asked while it is being set up, and stays closed', async () => {
    const manager = new DatabaseManager({ databases: { one: at('db'), two: 'sqlite::memory:' } })
    const settingUp = manager.setup()
    await manager.closeAll({ drainMs: 0 })
    await settingUp
    expect(() => manager.db('one')).toThrow(/the databases are closed/)
    expect(await rowOf("select count(*)::int as open from pg_stat_activity where datname = 'db'")).toEqual({ open: 0 })
    await manager.closeAll()
  })

  it('opens one again that was closed by itself', async () => {
    await using manager = new DatabaseManager({ databases: { one: 'sqlite::memory:' } })
    await manager.setup()
    await manager.db('one').close()
    expect(await manager.healthCheck('one')).toMatchObject({ healthy: false })
    await manager.setup()
    expect(await manager.db('one').value('select 1')).toBe(1)
  })

  it.each<[string, unknown, RegExp]>([
    ['one database', { primary: 'sqlite::memory:' }, /databases: expected an object of databases by name, got none/],
    ['nothing', undefined, /databases: expected an object of databases by name, got undefined/],
    ['a wrong entry of a file', { dbs: { main: { url: 'sqlite::memory:', pool_sice: 3 } } }, /config: dbs\.main\.pool_sice: expected a known option/],
  ])('refuses %s', (_, config, message) => {
    expect(() => new DatabaseManager(config as ManagerConfig)).toThrow(message)
  })

  it('says that a database was not set up, or has its servers elsewhere', () => {
    const manager = new DatabaseManager({ databases: { one: 'sqlite::memory:', two: { pool: { max: 3 } } } })
    expect(() => manager.db('one')).toThrow("database 'one' is not open")
    expect(() => manager.connection('two').withDatabase('x').options).toThrow(/taken from the environment/)
  })
})

describe('a DatabaseManager of MariaDB', () => {
  it('creates databases with character set and collation, and knows no owners', { timeout: 240_000 }, async () => {
    const cluster = await startCluster({ engine: 'mariadb' })
    try {
      await using manager = new DatabaseManager({ databases: { root: cluster.superuserUrl } })
      expect(await manager.createDatabase('root', { database: 'made', encoding: 'utf8mb4', collation: 'utf8mb4_bin' })).toBe(true)
      const made = await manager.connection('root').withDatabase('made').open()
      expect(await made.one(`select default_character_set_name as encoding, default_collation_name as collation
        from information_schema.schemata where schema_name = database()`))
        .toEqual({ encoding: 'utf8mb4', collation: 'utf8mb4_bin' })
      await expect(manager.createDatabase('root', { database: 'x', owner: 'app' })).rejects.toThrow(/owner: databases of this engine have none/)
      await expect(manager.createDatabase('root', { database: 'x', collation: 'a b' })).rejects.toThrow(/collation: expected a name such as utf8mb4_bin/)
    } finally {
      await cluster.destroy()
    }
  })
})
