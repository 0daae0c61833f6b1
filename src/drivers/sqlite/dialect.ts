import type { BeginOptions, Dialect, IsolationLevel } from '../../core/dialect.js'
import { ConfigError } from '../../core/errors.js'
import { describeError } from './errors.js'
import { sqliteIdempotency } from './idempotency.js'
import { sqliteLexicon } from './lexicon.js'
import { sqliteMigrations } from './migrations.js'
import { readPlan } from './plan.js'
import { sqliteProbes } from './probes.js'

const LEVELS: ReadonlySet<IsolationLevel> = new Set<IsolationLevel>(['read uncommitted', 'read committed', 'repeatable read', 'serializable'])

/** The connection refuses writes from here to the end of the transaction: SQLite has no words for that. */
export const BEGIN_READ_ONLY = 'begin deferred /* read only */'

/** SQLite's facts, the same for every build. */
export const sqliteDialect: Dialect = {
  engine: 'sqlite',
  features: {
    pipelining: false,
    streaming: true, copyIn: false, copyOut: false,
    cancel: true,
    preparedStatements: true,
    transactionalDdl: true,
    serializableOnReplica: true,
    insertId: true,
    returning: true,
    arrays: false,
    exactNumeric: false,
    temporalTypes: false,
    jsonType: false,
    constraintNames: false,
    concurrentConnections: true,
    rowLocks: false,
    updateConflicts: false,
    errorsAbortTransaction: false,
    notifications: false,
    embedded: true,
  },
  lexicon: sqliteLexicon,
  probes: sqliteProbes,
  migrations: sqliteMigrations,
  idempotency: sqliteIdempotency,
  defaultPort: undefined,
  databases: undefined,
  placeholder: () => '?',
  quoteIdentifier,
  begin,
  explain: (text) => `explain query plan ${text}`,
  readPlan,
  describeError,
}

function quoteIdentifier(name: string): string {
  if (name === '') throw new ConfigError('an identifier: expected a name, got an empty string')
  if (name.includes('\0')) throw new ConfigError('an identifier: expected a name, got one with a NUL character (U+0000)')
  return `"${name.replaceAll('"', '""')}"`
}

/** Every level is met: transactions are serializable. Those that may write take the write lock at once, so none fails half-way. */
function begin({ isolationLevel, readOnly }: BeginOptions): string {
  if (isolationLevel !== undefined && !LEVELS.has(isolationLevel)) {
    throw new ConfigError(`isolationLevel: expected ${[...LEVELS].join(', ')}, got '${isolationLevel}'`, { option: 'isolationLevel' })
  }
  return readOnly === true ? BEGIN_READ_ONLY : 'begin immediate'
}
