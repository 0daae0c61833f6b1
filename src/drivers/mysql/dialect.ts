import type { BeginOptions, Dialect, IsolationLevel } from '../../core/dialect.js'
import { ConfigError } from '../../core/errors.js'
import { createDatabaseText } from './create-database.js'
import { describeError } from './errors.js'
import { mysqlIdempotency } from './idempotency.js'
import { mysqlLexicon } from './lexicon.js'
import { mysqlMaintenance } from './maintenance.js'
import { mysqlMigrations } from './migrations.js'
import { readPlan } from './plan.js'
import { mysqlPositions } from './positions.js'
import { mysqlProbes } from './probes.js'

/** Isolation levels as text: what a caller gives is looked up here, never pasted into SQL. */
const LEVELS: Readonly<Record<IsolationLevel, string>> = {
  'read uncommitted': 'read uncommitted', 'read committed': 'read committed',
  'repeatable read': 'repeatable read', 'serializable': 'serializable',
}

/** MySQL's facts. */
export const mysqlDialect: Dialect = {
  engine: 'mysql',
  features: {
    pipelining: false,
    streaming: true, copyIn: false, copyOut: false,
    cancel: true,
    preparedStatements: true,
    transactionalDdl: false,
    serializableOnReplica: true,
    insertId: true,
    returning: false,
    arrays: false,
    exactNumeric: true,
    temporalTypes: true,
    jsonType: true,
    constraintNames: true,
    concurrentConnections: true,
    rowLocks: true,
    updateConflicts: false,
    errorsAbortTransaction: false,
    notifications: false,
    embedded: false,
  },
  lexicon: mysqlLexicon,
  probes: mysqlProbes,
  positions: mysqlPositions,
  maintenance: mysqlMaintenance,
  migrations: mysqlMigrations,
  idempotency: mysqlIdempotency,
  defaultPort: 3306,
  databases: { maintenance: '', create: (name, options = {}) => createDatabaseText(name, options) },
  placeholder: () => '?',
  quoteIdentifier,
  begin,
  explain: (text, analyze) => analyze ? `explain analyze ${text}` : `explain format = json ${text}`,
  readPlan,
  describeError,
}

function quoteIdentifier(name: string): string {
  if (name === '') throw new ConfigError('an identifier: expected a name, got an empty string')
  if (name.includes('\0')) throw new ConfigError('an identifier: expected a name, got one with a NUL character (U+0000)')
  return `\`${name.replaceAll('`', '``')}\``
}

/**
 * MySQL has no one statement that opens a transaction at an isolation level: `SET TRANSACTION` speaks for the next one.
 * Joined by a semicolon here; the connection sends the parts of such a text one after the other.
 */
function begin(options: BeginOptions): string {
  const start = options.readOnly === undefined ? 'start transaction' : `start transaction read ${options.readOnly ? 'only' : 'write'}`
  return options.isolationLevel === undefined ? start : `set transaction isolation level ${level(options.isolationLevel)}; ${start}`
}

const BEGIN = /^(set transaction isolation level [a-z ]+); (start transaction(?: read (?:only|write))?)$/

/** The statements of a text made by {@link Dialect.begin}; undefined for every other text of several statements. */
export function partsOfBegin(text: string): readonly [string, string] | undefined {
  const [, isolation, start] = text.startsWith('set transaction') ? BEGIN.exec(text) ?? [] : []
  return isolation !== undefined && start !== undefined ? [isolation, start] : undefined
}

function level(name: IsolationLevel): string {
  if (Object.hasOwn(LEVELS, name)) return LEVELS[name]
  throw new ConfigError(`isolationLevel: expected ${Object.keys(LEVELS).join(', ')}, got '${name}'`, {
    option: 'isolationLevel',
  })
}
