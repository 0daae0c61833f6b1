import { beforeEach, describe, expect, it } from 'vitest'
import { sql, type QueryResult } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { errorOf, opener } from '../database/open.js'

const server = await freshDatabase()
const open = opener(server)
const READ = 'select name from users where id = $1'

beforeEach(async () => {
  await server.admin('drop table if exists users; drop table if exists other; create table users (id int primary key, name text); create table other (id int)')
  await server.admin('grant all on users, other to public')
  await server.admin("insert into users values (1, 'Ann'), (2, 'Bob')")
  await server.waitForReplay()
})

const names = ({ rows }: QueryResult): unknown[] => rows.map(({ name }) => name)

describe('the query cache of a database', () => {
  it('answers the second call without a server, and says so', async () => {
    const db = await open()
    const first = await db.query(READ, [1], { cache: true })
    const second = await db.query(READ, [1], { cache: true })
    expect(first).toMatchObject({ cached: false, rows: [{ name: 'Ann' }], command: 'SELECT', rowCount: 1 })
    expect(second).toMatchObject({ cached: true, route: 'cache', node: first.node, rows: [{ name: 'Ann' }], command: 'SELECT', rowCount: 1 })
    expect(second.fields).toEqual(first.fields)
    expect(await db.value(sql`select name from users where id = ${1}`, { cache: true })).toBe('Ann')
    expect(db.cache.stats()).toMatchObject({ hits: 2, misses: 1 })
  })

  it('is asked for by call, by face, and for nobody else', async () => {
    const db = await open()
    await db.query(READ, [1])
    expect((await db.query(READ, [1])).cached).toBe(false)
    const face = db.with({ cache: { ttlMs: 60_000 } })
    await face.query(READ, [1])
    expect((await face.query(READ, [1])).cached).toBe(true)
    expect((await face.query(READ, [1], { cache: false })).cached).toBe(false)
  })

  it('keeps values of different types apart', async () => {
    const db = await open({ replicas: [] })
    const typeOf = async (value: unknown, cast: string): Promise<unknown> =>
      (await db.one<{ v: unknown }>(`select $1::${cast} as v`, [value], { cache: { key: undefined } })).v
    expect(await typeOf('1', 'text')).toBe('1')
    expect(await typeOf(1, 'text')).toBe('1')
    expect(await typeOf(null, 'text')).toBe(null)
    expect(await typeOf(true, 'text')).toBe('true')
    expect(db.cache.stats()).toMatchObject({ misses: 4, hits: 0 })
  })

  it('is off with cache: false', async () => {
    const db = await open({ cache: false })
    await db.query(READ, [1], { cache: true })
    expect((await db.query(READ, [1], { cache: true })).cached).toBe(false)
    await db.cache.clear()
  })

  it('never answers what is no proven read', async () => {
    const db = await open()
    const update = "update users set name = name || '!' where id = 1 returning name"
    expect(names(await db.query(update, [], { cache: true }))).toEqual(['Ann!'])
    expect(names(await db.query(update, [], { cache: true }))).toEqual(['Ann!!'])
    expect(db.cache.stats()).toMatchObject({ bypassed: 2, entries: 0 })
  })

  it('refuses a wish it does not understand', async () => {
    const db = await open()
    expect(await errorOf(db.query(READ, [1], { cache: { ttl: 5 } as never }))).toMatchObject({ code: 'SLUICE_CONFIG', option: 'cache' })
  })
})

describe('a write through the database', () => {
  it.each([
    ['a statement', (db: Awaited<ReturnType<typeof open>>) => db.execute("update users set name = 'Zoe' where id = 1")],
    ['a transaction', (db: Awaited<ReturnType<typeof open>>) => db.transaction((tx) => tx.execute("update users set name = 'Zoe' where id = 1"))],
    ['a batch', (db: Awaited<ReturnType<typeof open>>) => db.batch(["update users set name = 'Zoe' where id = 1"])],
    ['a lent connection', (db: Awaited<ReturnType<typeof open>>) => db.connection((own) => own.execute("update users set name = 'Zoe' where id = 1"))],
    ['a function that may write anything', (db: Awaited<ReturnType<typeof open>>) => db.query("do $$ begin update users set name = 'Zoe' where id = 1; end $$")],
  ])('invalidates its tables by itself: %s', async (_, write) => {
    const db = await open()
    await db.query(READ, [1], { cache: true })
    await write(db)
    const after = await db.query(READ, [1], { cache: true })
    expect(names(after)).toEqual(['Zoe'])
    expect(names(await db.query(READ, [1], { cache: true }))).toEqual(['Zoe'])
  })

  it('leaves entries of other tables alone', async () => {
    const db = await open()
    await db.query(READ, [1], { cache: true })
    await db.execute('insert into other values (1)')
    expect((await db.query(READ, [1], { cache: true })).cached).toBe(true)
  })

  it('invalidates only after its commit, and never when it is rolled back', async () => {
    const db = await open()
    await db.query(READ, [1], { cache: true })
    const tx = await db.begin()
    await tx.execute("update users set name = 'Zoe' where id = 1")
    expect(await db.query(READ, [1], { cache: true })).toMatchObject({ cached: true, rows: [{ name: 'Ann' }] })
    await tx.rollback()
    expect(await db.query(READ, [1], { cache: true })).toMatchObject({ cached: true, rows: [{ name: 'Ann' }] })
    expect(db.cache.stats().invalidations).toBe(0)
  })

  it('is seen by the next cached read even while the replicas are behind, and what they say is not kept', async () => {
    const db = await open({ consistency: { causalReads: 'off' } })
    for (const url of server.adminReplicaUrls) await pauseReplay(url, true)
    try {
      await db.query(READ, [1], { cache: true })
      await db.execute("update users set name = 'Zoe' where id = 1")
      expect(names(await db.query(READ, [1]))).toEqual(['Ann'])
      const filled = await db.query(READ, [1], { cache: true })
      expect([names(filled), filled.node]).toEqual([['Zoe'], db.stats().nodes[0]?.name])
      expect(await db.query(READ, [1], { cache: true })).toMatchObject({ cached: true, rows: [{ name: 'Zoe' }] })
      const onReplica = { cache: true, target: 'replica' } as const
      expect(names(await db.query(READ, [1], onReplica))).toEqual(['Ann'])
      expect(await db.query(READ, [1], onReplica)).toMatchObject({ cached: false })
    } finally {
      for (const url of server.adminReplicaUrls) await pauseReplay(url, false)
    }
  })
})

describe('a transaction', () => {
  it('goes without the cache', async () => {
    const db = await open()
    await db.query(READ, [1], { cache: true })
    await db.transaction(async (tx) => {
      expect((await tx.query(READ, [1], { cache: true })).cached).toBe(false)
      expect((await db.query(READ, [1], { cache: true })).cached).toBe(false)
    })
  })

  it('takes committed rows when it asks for them, until it has changed something, and never fills the cache', async () => {
    const db = await open()
    const asking = { cache: { inTransaction: true } }
    await db.query(READ, [1], { cache: true })
    await db.transaction(async (tx) => {
      expect((await tx.query(READ, [1], asking)).cached).toBe(true)
      await tx.execute("update users set name = 'Zoe'")
      expect(await tx.query(READ, [1], asking)).toMatchObject({ cached: false, rows: [{ name: 'Zoe' }] })
      await tx.query(READ, [2], asking)
    })
    expect((await db.query(READ, [2], { cache: true })).cached).toBe(false)
  })
})

describe('between processes, by LISTEN and NOTIFY', () => {
  const notifying = { cache: { invalidation: 'notify', ttlMs: 600_000 } } as const

  it('what one writes, the other reads', async () => {
    const [one, two] = [await open(notifying), await open(notifying)]
    await eventually(() => one.cache.stats().connected === true && two.cache.stats().connected === true)
    await two.query(READ, [1], { cache: true })
    expect((await two.query(READ, [1], { cache: true })).cached).toBe(true)
    await one.transaction((tx) => tx.execute("update users set name = 'Zoe' where id = 1"))
    await eventually(async () => names(await two.query(READ, [1], { cache: true }))[0] === 'Zoe')
    await one.cache.invalidate({ tags: ['nothing'] })
  })

  it('while the connection that listens is gone nothing is served, and nothing old once it is back', async () => {
    const db = await open(notifying)
    await eventually(() => db.cache.stats().connected === true)
    await db.query(READ, [1], { cache: true })
    await server.admin("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' and datname = current_database()")
    await eventually(() => db.cache.stats().connected === false)
    await server.admin("update users set name = 'Zoe' where id = 1")
    expect((await db.query(READ, [1], { cache: true, target: 'primary' })).cached).toBe(false)
    await eventually(() => db.cache.stats().connected === true)
    expect(names(await db.query(READ, [1], { cache: true }))).toEqual(['Zoe'])
  })
})

async function pauseReplay(url: string, pause: boolean): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, application_name: 'sluice-test-admin' })
  await client.connect()
  await client.query(`select pg_wal_replay_${pause ? 'pause' : 'resume'}()`)
  await client.end()
}
