import type { BeginOptions, Dialect, IsolationLevel } from '../../core/dialect.js'
import { ConfigError } from '../../core/errors.js'
import { statement } from '../../core/statement.js'
import { createDatabaseText } from './create-database.js'
import { describeError } from './errors.js'
import { postgresIdempotency } from './idempotency.js'
import { postgresInspection } from './inspection.js'
import { postgresLexicon } from './lexicon.js'
import { postgresMaintenance } from './maintenance.js'
import { postgresMigrations } from './migrations.js'
import { readPlan } from './plan.js'
import { postgresPositions } from './positions.js'
import { postgresProbes } from './probes.js'

/** Isolation levels as text: what a caller gives is looked up here, never pasted into SQL. */
const LEVELS: Readonly<Record<IsolationLevel, string>> = {
  'read uncommitted': 'read uncommitted', 'read committed': 'read committed',
  'repeatable read': 'repeatable read', 'serializable': 'serializable',
}

/** PostgreSQL's facts. */
export const postgresDialect: Dialect = {
  engine: 'postgres',
  features: {
    pipelining: true,
    streaming: true, copyIn: true, copyOut: true,
    cancel: true,
    preparedStatements: true,
    transactionalDdl: true,
    serializableOnReplica: false,
    insertId: false,
    returning: true,
    arrays: true,
    exactNumeric: true,
    temporalTypes: true,
    jsonType: true,
    constraintNames: true,
    concurrentConnections: true,
    rowLocks: true,
    updateConflicts: true,
    errorsAbortTransaction: true,
    notifications: true,
    embedded: false,
  },
  lexicon: postgresLexicon,
  probes: postgresProbes,
  maintenance: postgresMaintenance,
  migrations: postgresMigrations,
  idempotency: postgresIdempotency,
  inspection: postgresInspection,
  notifications: {
    listen: (channel) => statement(`listen ${quoteIdentifier(channel)}`),
    notify: (channel, payload) => statement('select pg_notify($1, $2)', [channel, payload]),
  },
  positions: postgresPositions,
  defaultPort: 5432,
  databases: { maintenance: 'postgres', create: (name, options = {}) => createDatabaseText(name, options, quoteIdentifier) },
  placeholder: (position) => `$${String(position)}`,
  quoteIdentifier,
  begin,
  explain: (text, analyze) => `explain (format json${analyze ? ', analyze, buffers' : ''}) ${text}`,
  readPlan,
  describeError,
}

function quoteIdentifier(name: string): string {
  if (name === '') throw new ConfigError('an identifier: expected a name, got an empty string')
  if (name.includes('\0')) throw new ConfigError('an identifier: expected a name, got one with a NUL character (U+0000)')
  return `"${name.replaceAll('"', '""')}"`
}

function begin(options: BeginOptions): string {
  let text = 'begin'
  if (options.isolationLevel !== undefined) text += ` isolation level ${level(options.isolationLevel)}`
  if (options.readOnly !== undefined) text += options.readOnly ? ' read only' : ' read write'
  if (options.deferrable !== undefined) text += options.deferrable ? ' deferrable' : ' not deferrable'
  return text
}

function level(name: IsolationLevel): string {
  if (Object.hasOwn(LEVELS, name)) return LEVELS[name]
  throw new ConfigError(`isolationLevel: expected ${Object.keys(LEVELS).join(', ')}, got '${name}'`, {
    option: 'isolationLevel',
  })
}
