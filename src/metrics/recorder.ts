import type {
  AcquireEvent, BackupEvent, ConnectEvent, FailoverEvent, MigrationEvent, NodeEvent, Observer, QueryEvent, ReleaseEvent, TransactionEvent, WarningEvent,
} from '../core/observer.js'
import type { MetricName } from './catalog.js'
import { Tally, type Sample } from './tally.js'

const OPERATIONS = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'REPLACE', 'COPY', 'CALL', 'EXPLAIN', 'CREATE', 'ALTER', 'DROP'])
const ENDED_MIGRATIONS: ReadonlySet<string> = new Set(['applied', 'reverted', 'failed'])

/** Counts what observers are told. */
export class Recorder implements Observer {
  readonly #tallies = new Map<MetricName, Tally>()
  readonly #queries = this.#tally('sluice_query_duration_seconds')
  readonly #errors = this.#tally('sluice_query_errors_total')
  readonly #retries = this.#tally('sluice_query_retries_total')
  readonly #acquires = this.#tally('sluice_pool_acquire_duration_seconds')
  readonly #uses = this.#tally('sluice_pool_use_duration_seconds')
  /** Left out when single statements are not to be counted: then nothing is done for them. */
  readonly query?: (event: QueryEvent) => void

  /** @param collectQueryStats - count and time single statements, too */
  constructor(collectQueryStats: boolean) {
    if (collectQueryStats) this.query = (event) => { this.#query(event) }
  }

  acquire({ node, waitMs, error }: AcquireEvent): void { this.#acquires.observe(waitMs, node, outcomeOf(error)) }

  release({ node, heldMs }: ReleaseEvent): void { this.#uses.observe(heldMs, node) }

  connect({ node, action, durationMs, reason, error }: ConnectEvent): void {
    if (action === 'closed') this.#add('sluice_pool_connections_closed_total', node, reason ?? 'unknown')
    else this.#tally('sluice_pool_connect_duration_seconds').observe(durationMs, node, outcomeOf(error))
  }

  transaction({ node, outcome, retries, durationMs }: TransactionEvent): void {
    this.#add('sluice_transactions_total', node, outcome)
    this.#tally('sluice_transaction_duration_seconds').observe(durationMs, node, outcome)
    if (retries > 0) this.#tally('sluice_transaction_retries_total').add(retries, node)
  }

  node({ node, to }: NodeEvent): void { this.#add('sluice_node_transitions_total', node, to) }

  failover({ step }: FailoverEvent): void { this.#add('sluice_failovers_total', step) }

  migration({ phase, durationMs }: MigrationEvent): void {
    if (!ENDED_MIGRATIONS.has(phase)) return
    this.#add('sluice_migrations_total', phase)
    this.#tally('sluice_migration_duration_seconds').observe(durationMs, phase)
  }

  backup({ job, durationMs, bytes, error }: BackupEvent): void {
    this.#add('sluice_backup_jobs_total', job, outcomeOf(error))
    this.#tally('sluice_backup_duration_seconds').observe(durationMs, job)
    this.#tally('sluice_backup_bytes_total').add(bytes, job)
    if (!error) this.#tally('sluice_backup_last_success_timestamp_seconds').add(Date.now() / 1_000, job)
  }

  warning({ code, node }: WarningEvent): void {
    this.#add('sluice_warnings_total', code)
    if (code === 'SLUICE_WRONG_NODE') this.#add('sluice_wrong_node_total', node ?? '')
  }

  /** What was counted under this name. */
  samples(name: MetricName): readonly Sample[] { return this.#tallies.get(name)?.samples() ?? [] }

  #query({ node, role, command, text, route, durationMs, attempt, error }: QueryEvent): void {
    this.#queries.observe(durationMs, node, role, operationOf(command ?? text.trimStart().split(/\W/, 1)[0]?.toUpperCase()), route, outcomeOf(error))
    if (error) this.#errors.add(1, node, error.code)
    if (attempt > 1) this.#retries.add(1, node)
  }

  #add(name: MetricName, ...values: readonly string[]): void { this.#tally(name).add(1, ...values) }

  #tally(name: MetricName): Tally {
    let tally = this.#tallies.get(name)
    if (!tally) this.#tallies.set(name, tally = new Tally(name))
    return tally
  }
}

function outcomeOf(error: Error | undefined): string { return error ? 'error' : 'success' }

/** A bounded set: what a text begins with could be anything. */
function operationOf(command: string | undefined): string { return command !== undefined && OPERATIONS.has(command) ? command : 'other' }
