import { afterAll, expect, it } from 'vitest'
import { Database } from '../../../src/index.js'
import { startCluster } from '../../../src/testing/index.js'
import { eventually } from '../../support/eventually.js'
import { ownServers } from '../../support/own-servers.js'

const cluster = await startCluster({ engine: 'postgres', replicas: 1, provider: await ownServers() })
const opened: Database[] = []
afterAll(async () => {
  for (const db of opened) await db.close({ drainMs: 500 })
  await cluster.destroy()
}, 60_000)

async function open(): Promise<Database> {
  const [primary, ...replicas] = cluster.nodes.map(({ name, url }) => ({ name, url }))
  const db = await Database.open({
    primary, replicas, health: { intervalMs: 500, timeoutMs: 1_000 }, cache: { ttlMs: 3_600_000, invalidation: 'notify' },
  })
  opened.push(db)
  return db
}

it('after a failover no row cached before it is handed out, and the news of others come from the new primary', async () => {
  const [one, two] = [await open(), await open()]
  await one.execute('create table entry (id int primary key)')
  await cluster.waitForReplay()
  const count = async (db: Database): Promise<[unknown, boolean]> => {
    const { rows, cached } = await db.query<{ n: number }>('select count(*)::int as n from entry', [], { cache: true })
    return [rows[0]?.n, cached]
  }
  await eventually(() => one.cache.stats().connected === true && two.cache.stats().connected === true)
  await count(one)
  expect(await count(one)).toEqual([0, true])

  await cluster.primary.kill()
  const promoted = await cluster.promote(1)
  await two.execute('insert into entry values (1)')
  await eventually(() => one.health.status().nodes.some(({ name, role }) => name === promoted.name && role === 'primary'), 20_000)
  expect(await count(one)).toEqual([1, false])

  await eventually(() => one.cache.stats().connected === true && two.cache.stats().connected === true, 20_000)
  await count(one)
  expect(await count(one)).toEqual([1, true])
  await two.execute('insert into entry values (2)')
  await eventually(async () => (await count(one))[0] === 2)
}, 120_000)
