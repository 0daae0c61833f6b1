/** Settings of every node of a cluster; a user's own win. */
const DEFAULTS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // Nothing in a test cluster has to survive a power cut.
  fsync: 'off',
  shared_buffers: '64MB',
  max_connections: '100',
  max_wal_senders: '10',
  wal_level: 'replica',
  // Replicas that were stopped or frozen find what they missed; no slots that would have to move at a promotion.
  wal_keep_size: '1GB',
  // pg_rewind needs it.
  wal_log_hints: 'on',
  hot_standby: 'on',
  hot_standby_feedback: 'on',
  // A replica looks again soon after its primary was away (default 5 s).
  wal_retrieve_retry_interval: '100ms',
  wal_receiver_status_interval: '1s',
  password_encryption: 'scram-sha-256',
  // In the data folder, so that it goes with it; the default outlives a killed server in /dev/shm.
  dynamic_shared_memory_type: 'mmap',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %q%u@%d ',
  logging_collector: 'off',
}

const NODE_FILE = 'node.conf'

function quote(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

function lines(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings).map(([name, value]) => `${name} = ${quote(value)}\n`).join('')
}

/** Settings of every node: the cluster's, and over them the caller's. */
export function serverSettings(own: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...DEFAULTS, ...own }
}

/** `postgresql.conf`, the same on every node. */
export function clusterConfiguration(own: Readonly<Record<string, string>>): string {
  return `${lines(serverSettings(own))}include_if_exists = '${NODE_FILE}'\n`
}

/** What differs from node to node. */
export interface NodeSettings {
  readonly name: string
  readonly port: number
  /** Folder of its unix socket. */
  readonly folder: string
  /** Whom it streams from while it is a replica; a primary ignores it. */
  readonly primary: { readonly folder: string, readonly port: number } | undefined
}

/** File with what {@link NodeSettings} say, inside the data folder. */
export const nodeConfigurationFile = NODE_FILE

/** Content of {@link nodeConfigurationFile}. Replicas reach their primary by its socket: no test's pg_hba line is in the way. */
export function nodeConfiguration(node: NodeSettings): string {
  const settings: Record<string, string> = {
    port: String(node.port), unix_socket_directories: node.folder, cluster_name: node.name,
  }
  if (node.primary) {
    settings['primary_conninfo'] = `host='${node.primary.folder}' port=${node.primary.port} user=postgres application_name=${node.name}`
  }
  return lines(settings)
}

/** `pg_hba.conf`: by socket (in a folder only the server's user may enter) without, by TCP with a password. */
export function accessRules(own: readonly string[]): string {
  return [
    ...own,
    'local all all trust',
    'local replication all trust',
    'host all all 127.0.0.1/32 scram-sha-256',
    'host all all ::1/128 scram-sha-256',
    'host replication all 127.0.0.1/32 scram-sha-256',
    '',
  ].join('\n')
}
