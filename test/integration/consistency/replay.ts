import { afterAll } from 'vitest'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { startCluster, type Cluster, type ClusterOptions } from '../../../src/testing/index.js'

/** A cluster of the file's own: on the shared one, other files would stand still with a paused replica. */
export interface OwnCluster {
  readonly cluster: Cluster
  readonly primaryUrl: string
  readonly replicaUrls: readonly string[]
  /** Runs one statement as superuser on the primary. */
  admin(sql: string): Promise<Record<string, unknown>[]>
  waitForReplay(): Promise<void>
}

/** Starts a primary with two replicas; they are gone after the file's last test. */
export async function ownCluster(options: Partial<ClusterOptions> = {}): Promise<OwnCluster> {
  const cluster = await startCluster({ engine: 'postgres', replicas: 2, ...options })
  afterAll(() => cluster.destroy())
  const ask = options.engine === 'mysql' || options.engine === 'mariadb' ? askMysql : askPostgres
  return {
    cluster, primaryUrl: cluster.url, replicaUrls: cluster.replicaUrls, admin: (sql) => ask(cluster.superuserUrl, sql),
    waitForReplay: () => cluster.waitForReplay(),
  }
}

async function askPostgres(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

async function askMysql(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = await createConnection(url)
  try {
    const [rows] = await client.query(sql)
    return Array.isArray(rows) ? rows as Record<string, unknown>[] : []
  } finally {
    await client.end()
  }
}
