import { afterAll, beforeAll, expect, it } from 'vitest'
import { Database } from '../../../src/index.js'
import { startCluster, type Cluster } from '../../../src/testing/index.js'
import { eventually } from '../../support/eventually.js'
import { ownServers } from '../../support/own-servers.js'

let cluster: Cluster
let replica: Database

beforeAll(async () => {
  cluster = await startCluster({ engine: 'postgres', replicas: 1, provider: await ownServers() })
  replica = await Database.open(cluster.superuserReplicaUrls[0] ?? '')
})
afterAll(async () => {
  await replica.close()
  await cluster.destroy()
})

const configure = async (statement: string): Promise<void> => {
  await replica.execute(statement)
  await replica.execute('select pg_reload_conf()')
}

it('a replica cut off from its primary takes no reads once it is too old, and takes them again when it has caught up', async () => {
  await using db = await Database.open({
    primary: cluster.url, replicas: [...cluster.replicaUrls], routing: { maxReplicationLagMs: 300 }, health: { intervalMs: 100 },
  })
  await db.execute('create table entry (id int)')
  await cluster.waitForReplay()
  await eventually(async () => (await db.query('select 1')).route === 'read')
  await configure("alter system set primary_conninfo = 'host=127.0.0.1 port=1'")
  await eventually(async () => await replica.value('select count(*)::int from pg_stat_wal_receiver', { target: 'primary' }) === 0)
  await db.execute('insert into entry values (1)')
  await eventually(async () => (await db.query('select 1')).route === 'fallback')
  expect(db.health.replicationLag()[0]?.lagMs).toBeGreaterThan(300)
  await configure('alter system reset primary_conninfo')
  await eventually(async () => (await db.query('select 1')).route === 'read')
})

it('a replica that has all of a dead primary\'s log goes on taking reads', async () => {
  await using db = await Database.open({
    primary: cluster.url, replicas: [...cluster.replicaUrls], routing: { maxReplicationLagMs: 300 }, health: { intervalMs: 100 },
  })
  await cluster.waitForReplay()
  await eventually(() => db.health.replicationLag()[0]?.lagBytes === 0)
  await cluster.primary.kill()
  await eventually(() => db.stats().nodes[0]?.state === 'down')
  const until = performance.now() + 1_000
  while (performance.now() < until) {
    expect((await db.query('select 1')).route).toBe('read')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await cluster.primary.start()
})
