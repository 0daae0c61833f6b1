import { afterAll, beforeEach, expect, it } from 'vitest'
import { redisStore, type Database } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { startRedis } from '../../support/redis-server.js'
import { opener, Told } from '../database/open.js'

const server = await freshDatabase()
const open = opener(server)
const redis = await startRedis()
afterAll(() => redis.destroy())
const READ = 'select name, born, big from users where id = $1'
const told = new Told()

async function process(): Promise<Database> {
  return open({ replicas: [], cache: { store: redisStore(redis.url), ttlMs: 600_000 }, observers: [told] })
}

beforeEach(async () => {
  await server.admin('drop table if exists users; create table users (id int primary key, name text, born timestamptz, big int8)')
  await server.admin('grant all on users to public')
  await server.admin("insert into users values (1, 'Ann', '2001-02-03 04:05:06Z', 9007199254740993)")
})

const read = async (db: Database): Promise<[unknown, boolean]> => {
  const { rows, cached } = await db.query<{ name: string }>(READ, [1], { cache: true })
  return [rows[0]?.name, cached]
}

/** Two processes, once both have found the store: until then they read from the database. */
async function connected(): Promise<[Database, Database]> {
  const both: [Database, Database] = [await process(), await process()]
  for (const db of both) await eventually(async () => (await read(db))[1])
  await both[0].cache.clear()
  return both
}

it('processes share rows, with their types, and drop what one of them writes', async () => {
  const [one, two] = await connected()
  const first = await one.query(READ, [1], { cache: true })
  const second = await two.query(READ, [1], { cache: true })
  expect(second).toMatchObject({ cached: true, route: 'cache', node: first.node })
  expect(second.rows).toEqual(first.rows)
  expect((second.rows[0] as { born: unknown }).born).toBeInstanceOf(Date)
  await one.transaction((tx) => tx.execute("update users set name = 'Zoe'"))
  expect(await read(two)).toEqual(['Zoe', false])
  expect(await read(one)).toEqual(['Zoe', true])
  await two.cache.invalidate({ tables: ['users'] })
  expect(await read(one)).toEqual(['Zoe', false])
})

it('a read begun before another process writes never brings the old rows back', async () => {
  const [one, two] = await connected()
  const slow = one.query('select name from users, pg_sleep(0.4) where id = 1', [], { cache: { key: 'slow' } })
  await eventually(async () => (await server.admin("select 1 from pg_stat_activity where query like '%pg_sleep(0.4)%' and state = 'active' and pid <> pg_backend_pid()")).length > 0)
  await two.execute("update users set name = 'Zoe'")
  expect((await slow).rows).toEqual([{ name: 'Ann' }])
  expect((await one.query('select name from users where id = 1', [], { cache: { key: 'slow' } })).rows).toEqual([{ name: 'Zoe' }])
})

it('without Redis rows come from the database, writers do not wait for it, and its return brings nothing old', async () => {
  const [db] = await connected()
  await read(db)
  expect(await read(db)).toEqual(['Ann', true])
  await redis.stop()
  const startedAt = performance.now()
  expect(await read(db)).toEqual(['Ann', false])
  await db.execute("update users set name = 'Zoe'")
  expect(await read(db)).toEqual(['Zoe', false])
  expect(performance.now() - startedAt).toBeLessThan(5_000)
  expect(told.warnings.some(({ code }) => code === 'SLUICE_CACHE_STORE')).toBe(true)
  await redis.start()
  await eventually(async () => (await read(db))[1])
  expect(await read(db)).toEqual(['Zoe', true])
})

it('closes while Redis is away', async () => {
  await redis.stop()
  const db = await process()
  expect(await read(db)).toEqual(['Ann', false])
  await db.close({ drainMs: 500 })
  await redis.start()
})
