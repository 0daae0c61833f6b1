import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import type { Cluster, ClusterNode, ClusterOptions } from '../../src/testing/index.js'
import { eventually } from '../support/eventually.js'
import { ownServers } from '../support/own-servers.js'

/** What is different between engines. */
export interface ChaosEngine {
  readonly title: string
  options(): Promise<ClusterOptions>
  /** One statement as superuser, straight on a server. */
  admin(node: ClusterNode, sql: string): Promise<Record<string, unknown>[]>
  /**
   * From then on a commit is acknowledged when one replica has it: no acknowledged write can be lost by promoting the one that
   * has most. Called again when servers have come back.
   */
  replicateSynchronously(cluster: Cluster): Promise<void>
  /** Lets a role open so many connections. */
  limitConnections(role: string, limit: number | undefined): string
  /** How many sessions the service has on a server, as `n`. */
  readonly sessions: string
  /** The proxy can tell which message answers a COMMIT. */
  readonly cutsCommitAnswers: boolean
}

const PATIENCE_MS = 60_000

export const postgres: ChaosEngine = {
  title: 'PostgreSQL',
  options: async () => ({ engine: 'postgres', replicas: 2, provider: await ownServers() }),
  admin: async (node, sql) => {
    const client = new pg.Client({ connectionString: node.superuserUrl, connectionTimeoutMillis: 10_000, statement_timeout: 20_000 })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  },
  replicateSynchronously: async (cluster) => {
    for (const node of cluster.nodes) {
      const [row] = await postgres.admin(node, "select current_setting('synchronous_standby_names') as names")
      if (row?.['names'] !== '') continue
      await postgres.admin(node, "alter system set synchronous_standby_names = 'ANY 1 (*)'")
      await postgres.admin(node, 'select pg_reload_conf()')
    }
    await eventually(async () => (await postgres.admin(cluster.primary, "select from pg_stat_replication where sync_state = 'quorum'")).length === 2, PATIENCE_MS)
  },
  limitConnections: (role, limit) => `alter role "${role}" connection limit ${String(limit ?? -1)}`,
  sessions: "select count(*)::int as n from pg_stat_activity where datname = current_database() and backend_type = 'client backend'",
  cutsCommitAnswers: true,
}

export const mariadb: ChaosEngine = {
  title: 'MariaDB',
  options: () => Promise.resolve({
    engine: 'mariadb', replicas: 2,
    // waits for a replica as good as forever: a commit that went on without one could be lost
    settings: { 'rpl-semi-sync-slave-enabled': 'ON', 'rpl-semi-sync-master-wait-point': 'AFTER_SYNC', 'rpl-semi-sync-master-timeout': '600000' },
  }),
  admin: async (node, sql) => {
    const client = await createConnection({ uri: node.superuserUrl, connectTimeout: 10_000 })
    client.on('error', () => undefined)
    try {
      const [rows] = await client.query({ sql, timeout: 20_000 })
      return Array.isArray(rows) ? rows as Record<string, unknown>[] : []
    } finally {
      client.destroy()
    }
  },
  replicateSynchronously: async (cluster) => {
    // a replica that has it on waits with what it replays for replicas of its own
    await mariadb.admin(cluster.primary, 'set global rpl_semi_sync_master_enabled = 1')
    const waiting = "show status where variable_name = 'Rpl_semi_sync_master_clients' and value >= 2"
    await eventually(async () => (await mariadb.admin(cluster.primary, waiting)).length === 1, PATIENCE_MS)
  },
  limitConnections: (role, limit) => `alter user '${role}'@'%' with max_user_connections ${String(limit ?? 0)}`,
  sessions: "select count(*) as n from information_schema.processlist where user = 'app'",
  cutsCommitAnswers: false,
}
