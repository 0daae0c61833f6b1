import { afterAll } from 'vitest'
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
  const admin = async (sql: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: cluster.superuserUrl })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }
  return { cluster, primaryUrl: cluster.url, replicaUrls: cluster.replicaUrls, admin, waitForReplay: () => cluster.waitForReplay() }
}
