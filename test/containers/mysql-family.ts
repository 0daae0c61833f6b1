import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Database } from '../../src/index.js'
import { startCluster, type Cluster, type ClusterNode } from '../../src/testing/index.js'

const PATIENCE_MS = 60_000

/** One statement with the npm client, in a session of its own; a server that does not answer is given up. */
async function ask(url: string, sql: string): Promise<unknown> {
  const connection = await createConnection({ uri: url, connectTimeout: 2_000 })
  connection.on('error', () => {})
  try {
    const [rows] = await connection.query({ sql, timeout: 2_000 })
    return Array.isArray(rows) ? (rows as { answer?: unknown }[])[0]?.answer : undefined
  } finally {
    connection.destroy()
  }
}

const count = (node: ClusterNode): Promise<unknown> => ask(node.url, 'select count(*) as answer from t')

/** Waits until a node counts so many rows. */
async function holds(node: ClusterNode, rows: number): Promise<void> {
  await expect.poll(() => count(node).catch(() => undefined), { timeout: PATIENCE_MS, interval: 100 }).toBe(rows)
}

/** The handles of a test cluster, on servers in containers. */
export function clusterInContainers(engine: 'mariadb' | 'mysql'): void {
  describe(`${engine} in containers`, () => {
    let cluster: Cluster
    const told: string[] = []
    const insert = (n: number): Promise<unknown> => ask(cluster.url, `insert into t values (${String(n)})`)

    beforeAll(async () => {
      cluster = await startCluster({ engine, replicas: 1, provider: 'docker', onProgress: (message) => { told.push(message) } })
    }, 600_000)
    afterAll(async () => { await cluster.destroy() }, 120_000)

    test('is a primary and a replica that refuses writes, and a Database splits its statements over them', async () => {
      expect(cluster.provider).toBe('docker')
      expect(cluster.version).toMatch(/^\d+\.\d+\.\d+$/)
      const db = await Database.open({ primary: cluster.url, replicas: [...cluster.replicaUrls] })
      try {
        await db.execute('create table t (n int primary key)')
        await cluster.waitForReplay()
        // the database itself has to see first that the replica has caught up
        const reader = async (): Promise<string> => (await db.query('select n from t', [], { target: 'replica' })).node
        await expect.poll(reader, { timeout: PATIENCE_MS, interval: 100 }).toBe(new URL(cluster.replicaUrls[0]!).host)
        await expect(ask(cluster.replicaUrls[0]!, 'insert into t values (99)')).rejects.toMatchObject({ errno: 1290 })
      } finally {
        await db.close()
      }
    })

    test('pauses, resumes and delays replay', async () => {
      const [replica] = cluster.replicas
      await replica!.pauseReplay()
      await insert(1)
      await expect(cluster.waitForReplay(300)).rejects.toThrow(/its replay is paused/)
      expect(await count(replica!)).toBe(0)
      await replica!.resumeReplay()
      await holds(replica!, 1)
      await replica!.delayReplay(3_600_000)
      await insert(2)
      await expect(cluster.waitForReplay(1_500)).rejects.toThrow(/has not replayed/)
      expect(await count(replica!)).toBe(1)
      await replica!.delayReplay(0)
      await holds(replica!, 2)
    })

    test('stops and starts, is killed and starts, freezes and thaws, at one address and read-only all the while', async () => {
      const [replica] = cluster.replicas
      await replica!.stop()
      await expect(count(replica!)).rejects.toThrow()
      await replica!.start()
      await holds(replica!, 2)
      await replica!.kill()
      await expect(count(replica!)).rejects.toThrow()
      await insert(3)
      await replica!.start()
      await holds(replica!, 3)
      await expect(ask(replica!.url, 'insert into t values (99)')).rejects.toMatchObject({ errno: 1290 })
      await replica!.freeze()
      await expect(count(replica!)).rejects.toThrow()
      await replica!.thaw()
      await holds(replica!, 3)
    })

    test('grows by a replica, which gets the whole history', async () => {
      const added = await cluster.addReplica()
      await holds(added, 3)
      await insert(4)
      await holds(added, 4)
    })

    test('promotes a replica after a kill, and takes the former primary back', async () => {
      const former = cluster.primary
      await cluster.waitForReplay()
      await former.kill()
      await cluster.promote()
      expect(cluster.primary).not.toBe(former)
      await insert(5)
      await cluster.rejoin(former)
      expect(former.role).toBe('replica')
      for (const node of cluster.nodes) await holds(node, 5)
      expect(told.filter((message) => message.includes('they are lost'))).toEqual([])
    })

    test('promotes beside a primary that still serves, and reports and drops what only that one has when it comes back', async () => {
      const former = cluster.primary
      await cluster.waitForReplay()
      await cluster.promote()
      await ask(former.url, 'insert into t values (666)')
      await insert(6)
      await cluster.rejoin(former)
      for (const node of cluster.nodes) {
        await holds(node, 6)
        expect(await ask(node.url, 'select count(*) as answer from t where n = 666')).toBe(0)
      }
      expect(told.filter((message) => message.includes('they are lost'))).toHaveLength(1)
      await expect(ask(former.url, 'insert into t values (99)')).rejects.toMatchObject({ errno: 1290 })
    })
  })
}
