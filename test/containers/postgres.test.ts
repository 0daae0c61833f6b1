import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Database } from '../../src/index.js'
import { startCluster, type Cluster, type ClusterNode } from '../../src/testing/index.js'

const PATIENCE_MS = 60_000

let cluster: Cluster

beforeAll(async () => { cluster = await startCluster({ engine: 'postgres', replicas: 1, provider: 'docker' }) }, 600_000)
afterAll(async () => { await cluster.destroy() }, 120_000)

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<{ answer: unknown }>(sql)).rows[0]?.answer
  } finally {
    void client.end().catch(() => {})
  }
}

const count = (node: ClusterNode): Promise<unknown> => ask(node.url, 'select count(*)::int as answer from t')
const insert = (): Promise<unknown> => ask(cluster.url, 'insert into t values (1)')

/** Waits until a node counts so many rows. */
async function holds(node: ClusterNode, rows: number): Promise<void> {
  await expect.poll(() => count(node).catch(() => undefined), { timeout: PATIENCE_MS, interval: 100 }).toBe(rows)
}

describe('servers in containers', () => {
  test('are a primary and a replica, and a Database splits its statements over them', async () => {
    expect(cluster.provider).toBe('docker')
    const db = await Database.open({ primary: cluster.url, replicas: [...cluster.replicaUrls] })
    try {
      await db.execute('create table t (n int)')
      await cluster.waitForReplay()
      // the database itself has to see first that the replica has caught up
      const reader = async (): Promise<string> => (await db.query('select n from t', [], { target: 'replica' })).node
      await expect.poll(reader, { timeout: PATIENCE_MS, interval: 100 }).toBe(new URL(cluster.replicaUrls[0]!).host)
    } finally {
      await db.close()
    }
  })

  test('pause and resume their replay', async () => {
    const [replica] = cluster.replicas
    await replica!.pauseReplay()
    await insert()
    expect(await count(replica!)).toBe(0)
    await replica!.resumeReplay()
    await holds(replica!, 1)
  })

  test('stop and start, are killed and start, freeze and thaw, at one address', async () => {
    const [replica] = cluster.replicas
    await replica!.stop()
    await expect(count(replica!)).rejects.toThrow()
    await replica!.start()
    await holds(replica!, 1)
    await replica!.kill()
    await expect(count(replica!)).rejects.toThrow()
    await replica!.start()
    await holds(replica!, 1)
    await replica!.freeze()
    await expect(count(replica!)).rejects.toThrow()
    await replica!.thaw()
    await holds(replica!, 1)
  })

  test('grow by a replica', async () => {
    const added = await cluster.addReplica()
    await insert()
    await holds(added, 2)
  })

  test('promote a replica after a kill, and take the former primary back', async () => {
    const former = cluster.primary
    await former.kill()
    await cluster.promote()
    expect(cluster.primary).not.toBe(former)
    await insert()
    await cluster.rejoin(former)
    expect(former.role).toBe('replica')
    await holds(former, 3)
  })
})
