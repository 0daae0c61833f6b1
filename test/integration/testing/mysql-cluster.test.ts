import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCluster, type Cluster, type ClusterEngine, type ClusterNode } from '../../../src/testing/index.js'

/** One statement with the npm client, in a session of its own. */
async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await createConnection(url)
  try {
    return (await connection.query(sql))[0] as Record<string, unknown>[]
  } finally {
    await connection.end()
  }
}

async function numbers(node: ClusterNode): Promise<unknown[]> {
  return (await ask(node.url, 'select id from numbers order by id')).map((row) => row['id'])
}

describe.each<ClusterEngine>(['mariadb', 'mysql'])('a cluster of %s', { timeout: 180_000 }, (engine) => {
  let cluster: Cluster
  const told: string[] = []

  beforeAll(async () => {
    cluster = await startCluster({ engine, replicas: 2, onProgress: (message) => { told.push(message) } })
    await ask(cluster.url, 'create table numbers (id int primary key)')
    await ask(cluster.url, 'insert into numbers values (1)')
    await cluster.waitForReplay()
  }, 240_000)

  afterAll(async () => { await cluster.destroy() })

  it('has replicas that have everything and refuse writes, also of the superuser where the engine can', async () => {
    for (const replica of cluster.replicas) {
      expect(await numbers(replica)).toEqual([1])
      await expect(ask(replica.url, 'insert into numbers values (2)')).rejects.toMatchObject({ errno: 1290 })
    }
  })

  it('lets in nobody without a password over TCP', async () => {
    for (const user of ['root', '']) {
      const url = new URL(cluster.superuserUrl)
      ;[url.username, url.password] = [user, '']
      await expect(ask(url.href, 'select 1')).rejects.toMatchObject({ errno: 1045 })
    }
  })

  it('holds replay back and lets it go on', async () => {
    const [replica] = cluster.replicas
    await replica!.pauseReplay()
    await ask(cluster.url, 'insert into numbers values (2)')
    await expect(cluster.waitForReplay(300)).rejects.toThrow(/its replay is paused/)
    expect(await numbers(replica!)).toEqual([1])
    await replica!.resumeReplay()
    await cluster.waitForReplay()
    expect(await numbers(replica!)).toEqual([1, 2])
  })

  it('makes databases that are everywhere, and drops them', async () => {
    const database = await cluster.createDatabase()
    await ask(database.url, 'create table t (a int)')
    await cluster.waitForReplay()
    for (const url of database.replicaUrls) expect(await ask(url, 'select * from t')).toEqual([])
    await database.drop()
    await expect(ask(database.url, 'select 1')).rejects.toMatchObject({ code: /ER_BAD_DB_ERROR|ER_DBACCESS_DENIED_ERROR/ })
  })

  it('promotes after a kill, and takes the killed one back without losing anything', async () => {
    const killed = cluster.primary
    await killed.kill()
    expect(killed.state).toBe('stopped')
    const promoted = await cluster.promote()
    await ask(promoted.url, 'insert into numbers values (3)')
    await cluster.rejoin(killed)
    await cluster.waitForReplay()
    for (const node of cluster.nodes) expect(await numbers(node)).toEqual([1, 2, 3])
  })

  it('tells what a split brain has made and takes the server back without it', async () => {
    const old = cluster.primary
    await old.freeze()
    await cluster.promote()
    await old.thaw()
    await ask(old.url, 'insert into numbers values (99)')
    await ask(cluster.url, 'insert into numbers values (4)')
    told.length = 0
    await cluster.rejoin(old)
    await cluster.waitForReplay()
    expect(told.join('\n')).toMatch(/has transactions that .* has not, they are lost: \S+/)
    for (const node of cluster.nodes) expect(await numbers(node)).toEqual([1, 2, 3, 4])
  })

  it('grows', async () => {
    const added = await cluster.addReplica()
    await cluster.waitForReplay()
    expect(await numbers(added)).toEqual([1, 2, 3, 4])
  })
})
