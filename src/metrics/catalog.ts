/** How a metric is read. */
export type MetricType = 'counter' | 'gauge' | 'histogram'

/** One metric, as Prometheus is told of it. */
export interface MetricDefinition {
  readonly type: MetricType
  readonly help: string
  /** Labels beside `database`. */
  readonly labels: readonly string[]
  /** Histograms: upper bounds in seconds. */
  readonly buckets?: readonly number[]
}

const QUICK = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const LONG = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400]

const counter = (help: string, ...labels: string[]): MetricDefinition => ({ type: 'counter', help, labels })
const gauge = (help: string, ...labels: string[]): MetricDefinition => ({ type: 'gauge', help, labels })
const histogram = (help: string, buckets: readonly number[], ...labels: string[]): MetricDefinition => ({ type: 'histogram', help, labels, buckets })

/**
 * Every metric there is: names and labels are a public contract (docs/guides/observability.md lists them, and a test
 * compares). Base units, and no label whose values the application decides: no SQL, no fingerprint, no user's label.
 */
export const METRICS = {
  sluice_info: gauge('Always 1; the labels say which version runs on which engine', 'version', 'engine'),

  sluice_pool_connections: gauge('Open connections by state: in_use, idle, checking; and those being opened: connecting', 'node', 'role', 'state'),
  sluice_pool_connections_max: gauge('Connections the pool may hold open', 'node', 'role'),
  sluice_pool_pending_requests: gauge('Callers waiting for a connection', 'node', 'role'),
  sluice_pool_acquire_duration_seconds: histogram('Waits for a connection', QUICK, 'node', 'outcome'),
  sluice_pool_use_duration_seconds: histogram('How long connections were held by one borrower', QUICK, 'node'),
  sluice_pool_connect_duration_seconds: histogram('Opening of connections', QUICK, 'node', 'outcome'),
  sluice_pool_acquire_timeouts_total: counter('Waits for a connection that ended because their time was over', 'node'),
  sluice_pool_connections_closed_total: counter('Connections closed', 'node', 'reason'),

  sluice_query_duration_seconds: histogram(
    'Statements, every attempt counted, waiting for a connection included', QUICK, 'node', 'role', 'operation', 'route', 'outcome',
  ),
  sluice_query_errors_total: counter('Attempts that failed', 'node', 'code'),
  sluice_slow_queries_total: counter('Statements at least slowQueryMs long'),
  sluice_query_retries_total: counter('Attempts after the first of a statement', 'node'),
  sluice_wrong_node_total: counter('Statements a replica refused, repeated on the primary', 'node'),
  sluice_warnings_total: counter('Warnings to operators', 'code'),

  sluice_transactions_total: counter('Transactions that ended', 'node', 'outcome'),
  sluice_transaction_duration_seconds: histogram('Transactions from their beginning to their end, re-runs included', QUICK, 'node', 'outcome'),
  sluice_transaction_retries_total: counter('Re-runs of whole transactions after a deadlock or serialization failure', 'node'),

  sluice_cache_requests_total: counter('Calls that asked for the query cache', 'result'),
  sluice_cache_entries: gauge('Entries of the query cache'),
  sluice_cache_bytes: gauge('Estimated size of the query cache'),
  sluice_cache_evictions_total: counter('Entries that left because there was no room'),
  sluice_cache_invalidations_total: counter('Invalidations, of this process and of others'),

  sluice_node_up: gauge('1: work is given to the node', 'node', 'role'),
  sluice_node_transitions_total: counter('Changes of a node\'s state; to="down" is an ejection', 'node', 'to'),
  sluice_primary_available: gauge('1: there is a primary that takes writes'),
  sluice_failovers_total: counter('Steps of failovers: lost, found, fenced, released, split', 'step'),
  sluice_replica_lag_seconds: gauge('How far a replica is behind; absent while unknown', 'node'),
  sluice_replica_lag_bytes: gauge('How far a replica is behind; absent while unknown', 'node'),

  sluice_migrations_total: counter('Migrations by what became of them: applied, reverted, failed', 'outcome'),
  sluice_migration_duration_seconds: histogram('Single migrations', LONG, 'outcome'),
  sluice_backup_jobs_total: counter('Jobs of the backups that ended', 'operation', 'outcome'),
  sluice_backup_duration_seconds: histogram('Jobs of the backups', LONG, 'operation'),
  sluice_backup_bytes_total: counter('Bytes stored by backups, or read by restore and verify', 'operation'),
  sluice_backup_last_success_timestamp_seconds: gauge('When a job last succeeded in this process; absent before', 'operation'),
} as const satisfies Readonly<Record<string, MetricDefinition>>

export type MetricName = keyof typeof METRICS
