export { Database } from './facade/database.js'
export { DatabaseManager } from './manager/database-manager.js'
export type { DatabaseHealth, ManagedDatabaseOptions, ManagerOptions, ManagerStats, SetupResult } from './manager/database-manager.js'
export type { ManagerConfig } from './manager/configured.js'
export { ManagedConnection } from './manager/managed-connection.js'
export { QueryCache } from './cache/query-cache.js'
export { redisStore } from './cache/redis-store.js'
export type { RedisClient, RedisStoreOptions } from './cache/redis-store.js'
export type { StatementOrder, StatementQuery, StatementStats } from './metrics/statements.js'
export type { MetricsRegistry } from './metrics/exposition.js'
export type { CacheStats } from './cache/stats.js'
export type { Invalidation } from './cache/dependencies.js'
export type { CacheStore, StoreAnswer } from './core/cache-store.js'
export { DatabaseCore } from './database/core.js'
export { BoundDatabase } from './database/bound.js'
export type { BoundOptions, ConnectionOptions, RouteExplanation } from './database/bound.js'
export type { ExplainOptions, Explanation } from './database/explain.js'
export { Face } from './database/face.js'
export { PinnedConnection } from './database/pinned-connection.js'
export type { SessionOptions } from './database/session.js'
export { driverFor, registerDriver } from './database/registry.js'
export type { DatabaseStats, NodeStats } from './database/snapshot.js'
export type { LatencySummary } from './database/statistics.js'
export { Transaction } from './database/transaction.js'
export type { TransactionOptions, TransactionOutcome } from './database/transaction.js'
export { BackupManager } from './backup/backup-manager.js'
export type { BackupManagerOptions, BackupResult } from './backup/backup-manager.js'
export type { BackupHealth, HealthOptions } from './backup/freshness.js'
export { BackupSchedule } from './backup/schedule.js'
export type { ScheduledRun, ScheduleOptions } from './backup/schedule.js'
export type { BackupInfo, Damaged, VerifyLevel, VerifyRecord } from './backup/catalog.js'
export type { CleanupOptions, CleanupResult } from './backup/cleanup.js'
export type { CreateOptions } from './backup/create.js'
export { BackupError } from './backup/errors.js'
export type { BackupErrorKind } from './backup/errors.js'
export type { Authenticity } from './backup/manifest.js'
export type { RestorePlan } from './backup/plan.js'
export type { BackupPhase, BackupProgress, OnProgress } from './backup/progress.js'
export type { PromoteResult } from './backup/promote.js'
export type { RestoreOptions } from './backup/restore-options.js'
export type { RestoreResult } from './backup/restore.js'
export type { RetentionDecision } from './backup/retention.js'
export type { SelectionOptions } from './backup/snapshot.js'
export type { BackupStore, StoredObject, WriteOptions } from './backup/store.js'
export type { VerifyOptions, VerifyResult } from './backup/verify.js'
export { HealthChecker } from './health/health-checker.js'
export type { HealthStatus, NodeHealth, ReplicationLag } from './health/health-checker.js'
export type { NodeState } from './router/node.js'
export { MigrationManager } from './migrations/manager.js'
export type { RehearsedLock, RehearsedMigration } from './migrations/rehearse.js'
export type { DownResult, MigrationPlan, PlanOptions, ServiceOptions, UpResult } from './migrations/results.js'
export type { LintFinding, LintOptions, LintResult } from './migrations/lint/result.js'
export type { ForeignTool, ImportOptions, ImportResult } from './migrations/adopt.js'
export type { CatalogDrift } from './migrations/drift.js'
export type { PlannedScript } from './migrations/preview.js'
export type { ChangedFile, RepairOptions, RepairResult } from './migrations/repair.js'
export type { Resolution } from './migrations/resolve.js'
export { autoMigrate } from './migrations/auto-migrate.js'
export type { AppliedMigration } from './migrations/apply.js'
export type { MigrationStatus, StatusEntry } from './migrations/assess.js'
export type { MigrationModule, MigrationTransaction } from './migrations/code.js'
export { MigrationError } from './migrations/errors.js'
export type { MigrationErrorOptions, MigrationFailure } from './migrations/errors.js'
export type { LogEntry } from './migrations/history-row.js'
export type { MigrationOptions } from './migrations/options.js'
export type { RunOptions } from './migrations/run.js'
export type { FolderSource, MemorySource, MigrationSourceOptions } from './migrations/source.js'
export type { SeedOptions } from './migrations/seeds/seed.js'
export type { SquashOptions, SquashResult } from './migrations/squash/squash.js'
export type { SquashedFiles } from './migrations/squash/files.js'
export type { MigrationVersion } from './migrations/version.js'
export { sql, Sql } from './sql/tag.js'
export type { SqlTag } from './sql/tag.js'
export { loadConfig } from './config/file.js'
export type { LoadConfigOptions, LoadedConfig } from './config/file.js'
export type {
  BackupEncryptionOptions, BackupOptions, DatabaseOptions, Loose, NodeOptions, RoutingOptions, TlsOptions,
} from './config/options.js'
export type {
  Alert, AlertSettings, BackupEncryption, BackupKeep, BackupSettings, CacheSettings, ConsistencySettings, MetricsSettings, MigrationSettings,
  MigrationSource,
} from './config/resolved.js'
export type { Logger } from './core/logger.js'
export type {
  AcquireEvent, BackupEvent, CacheEvent, ConnectEvent, FailoverEvent, MigrationEvent, NodeEvent, Observer, QueryEvent, ReleaseEvent, Role,
  TransactionEvent, WarningEvent,
} from './core/observer.js'
export type {
  BatchEntry, CallCacheOptions, ChangeOptions, InsertRow, Queryable, QueryOptions, RetryPolicy, RowOptions, RowSchema, SchemaResult, StreamOptions,
} from './core/queryable.js'
export type { DriverResult, ExecuteResult, Field, QueryResult, Route } from './core/result.js'
export type {
  BalanceCandidate, BalanceFunction, BalanceStrategy, EjectionSettings, HealthSettings, IdempotencySettings, PoolSettings,
  RetrySettings, RoutingSettings, TypeSettings,
} from './core/settings.js'
export type { QueryTrace, TransactionTrace } from './core/channels.js'
export type { DataSource, SqlFragment, SqlInput, SqlRenderer, Statement } from './core/statement.js'
export type {
  BatchResult, Connection, ConnectionTarget, ConnectSettings, Driver, HostPort, Notification, PasswordSource, ServerFacts, SslMode,
  TargetSessionAttrs, TlsSettings,
} from './core/driver.js'
export type {
  BeginOptions, CreateDatabaseOptions, Dialect, Features, IsolationLevel, NodeFacts, Notifications, PlanFacts, Positions, Probe, Probes, TransactionFate,
} from './core/dialect.js'
export type { InspectionFacts, ServerCapacity, ServerSession, ServerSetup } from './core/inspection.js'
export type {
  DatabaseFacts, DatabaseSteps, DumpCall, DumpedTable, DumpFormat, DumpSelection, DumpTools, LoginTarget, ProgramLogin, RestoreCall, SchemaScript,
  SnapshotQuestions, TableName, ToolName,
} from './core/dump.js'
export type { ErrorFacts, ErrorKind } from './core/error-facts.js'
export type { IdempotencyFacts } from './core/idempotency-facts.js'
export type { LockFacts, LockKey, LockMode, MaintenanceFacts, SessionFacts, SessionIdentity } from './core/maintenance.js'
export type {
  CatalogObject, HistoryTable, MigrationFacts, StatementTimeouts, TableFacts, TakenLock,
} from './core/migration-facts.js'
export type { LintLevel, LintRule, LintScene, LintStatement } from './core/lint-facts.js'
export type { FunctionClass, Keywords, Lexicon, Quoting, StatementClass, StatementRule, StatementVariant } from './core/lexicon.js'
export type { PoolStats } from './pool/stats.js'
export {
  ConfigError, ConnectionError, ConstraintError, DeadlockError, IdempotencyKeyError, LockTimeoutError, NoPrimaryError, NoReplicaError, PoolClosedError,
  PoolDeadlockError, PoolQueueFullError, PoolTimeoutError, QueryCancelledError, QueryError, QueryTimeoutError, ReadOnlyNodeError, SerializationError,
  SluiceError, SplitBrainError, StatementNotAllowedError, StreamedReplyError, TransactionClosedError, TransactionOutcomeUnknownError,
  TransactionRolledBackError, UnknownEngineError,
} from './core/errors.js'
export { NoRowsError, SchemaError, TooManyRowsError } from './core/row-errors.js'
export type {
  ConfigErrorOptions, ConnectionErrorOptions, ConnectionFailure, ConstraintErrorOptions, ConstraintKind, SluiceErrorOptions,
} from './core/errors.js'
export type { SchemaErrorOptions } from './core/row-errors.js'
