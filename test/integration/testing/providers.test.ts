import pg from 'pg'
import { afterEach, expect, inject, test, vi } from 'vitest'
import { startCluster, type Cluster } from '../../../src/testing/index.js'
import { ownServers, segmentOf, sharedMemorySegments } from '../../support/own-servers.js'

const provider = await ownServers()

async function ask(url: string, sql: string, ssl?: pg.ConnectionConfig['ssl']): Promise<unknown> {
  const client = new pg.Client({ connectionString: url, ...ssl === undefined ? {} : { ssl } })
  await client.connect()
  try {
    return (await client.query<{ answer: unknown }>(sql)).rows[0]?.answer
  } finally {
    await client.end()
  }
}

afterEach(() => { vi.unstubAllEnvs() })

/** Starts the embedded server, whichever version the run is about: the package has only one. */
function startEmbedded(): Promise<Cluster> {
  vi.stubEnv('SLUICE_TEST_POSTGRES_VERSION', '')
  return startCluster({ engine: 'postgres', replicas: 1, provider: 'embedded' })
}

test('embedded: a primary and a replica of a real PostgreSQL from npm, killed, promoted and rejoined', async () => {
  await using cluster = await startEmbedded()
  expect(cluster.provider).toBe('embedded')
  expect(Number.parseInt(cluster.version)).toBeGreaterThanOrEqual(16)
  await ask(cluster.url, 'create table t as select 1 as answer')
  await cluster.waitForReplay()
  expect(await ask(cluster.replicaUrls[0]!, 'select answer from t')).toBe(1)
  const former = cluster.primary
  await former.kill()
  await cluster.promote()
  await ask(cluster.url, 'update t set answer = 2')
  await cluster.rejoin(former)
  await cluster.waitForReplay()
  expect(await ask(former.url, 'select answer from t')).toBe(2)
})

test('a killed server leaves no shared memory, neither when it rejoins by a copy nor when the cluster goes', async () => {
  const cluster = await startEmbedded()
  const former = cluster.primary
  const segment = async (url: string): Promise<string> => segmentOf(String(await ask(url, "select current_setting('data_directory') as answer")))
  const segments = [await segment(former.superuserUrl)]
  await former.kill()
  await cluster.promote()
  await cluster.rejoin(former)
  segments.push(await segment(former.superuserUrl))
  await former.kill()
  await cluster.destroy()
  for (const id of segments) expect(sharedMemorySegments()).not.toContain(id)
})

test('env: servers that run already give databases and replay handles, and are not stopped', async () => {
  const [primaryUrl = '', ...replicaUrls] = inject('sharedCluster')!.superuserUrls
  vi.stubEnv('SLUICE_TEST_PROVIDER', '')
  vi.stubEnv('SLUICE_TEST_POSTGRES_URL', primaryUrl)
  vi.stubEnv('SLUICE_TEST_POSTGRES_REPLICA_URLS', replicaUrls.join(', '))
  const cluster = await startCluster({ engine: 'postgres', replicas: 2 })
  expect(cluster.provider).toBe('env')
  expect(cluster.url).toBe(primaryUrl)
  const database = await cluster.createDatabase()
  expect(await ask(database.replicaUrls[1]!, 'select current_database() as answer')).toBe(database.name)
  for (const handle of ['stop', 'start', 'kill', 'freeze', 'thaw'] as const) {
    await expect(cluster.primary[handle]()).rejects.toThrow(`${handle} is not supported by the provider 'env'`)
  }
  await expect(cluster.promote(1)).rejects.toThrow("promote is not supported by the provider 'env'")
  await expect(cluster.addReplica()).rejects.toThrow("addReplica is not supported by the provider 'env'")
  await expect(cluster.rejoin(1)).rejects.toThrow("rejoin is not supported by the provider 'env'")
  await cluster.destroy()
  await expect(ask(database.url, 'select 1')).rejects.toMatchObject({ code: '3D000' })
  expect(await ask(primaryUrl, 'select 1 as answer')).toBe(1)
})

test('settings, pg_hba lines, the database name and a certificate of its own', async () => {
  await using cluster = await startCluster({
    engine: 'postgres', provider, database: 'shop-1', tls: true, replicas: 1,
    settings: { max_connections: '20', application_name: "it's" }, hba: ['hostnossl all app 127.0.0.1/32 reject'],
  })
  const ssl = { ca: cluster.ca! }
  expect(await ask(cluster.url, "select current_setting('max_connections') || current_setting('application_name') as answer", ssl)).toBe("20it's")
  expect(await ask(cluster.replicaUrls[0]!, 'select current_database() as answer', ssl)).toBe('shop-1')
  await expect(ask(cluster.url, 'select 1')).rejects.toMatchObject({ code: '28000' })
})

test('a setting the server does not know is told with the server\'s own words, and nothing is left', async () => {
  await expect(startCluster({ engine: 'postgres', provider, settings: { no_such_setting: '1' } }))
    .rejects.toThrow(/node1 did not start \(exit code 1\): .*unrecognized configuration parameter "no_such_setting"/s)
})

test('destroy may be called again, also at the same time', async () => {
  const cluster = await startCluster({ engine: 'postgres', provider })
  await Promise.all([cluster.destroy(), cluster.destroy()])
  await cluster.destroy()
  await expect(ask(cluster.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
