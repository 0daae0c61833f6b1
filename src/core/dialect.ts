import type { Statement } from './statement.js'
import type { ErrorFacts } from './error-facts.js'
import type { IdempotencyFacts } from './idempotency-facts.js'
import type { InspectionFacts } from './inspection.js'
import type { Lexicon } from './lexicon.js'
import type { MaintenanceFacts } from './maintenance.js'
import type { MigrationFacts } from './migration-facts.js'
import type { Probe } from './probe.js'

export type { Probe } from './probe.js'

/** Isolation levels, in the SQL standard's names. */
export type IsolationLevel = 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable'

/** How a transaction is opened. */
export interface BeginOptions {
  readonly isolationLevel?: IsolationLevel | undefined
  readonly readOnly?: boolean | undefined
  /** PostgreSQL: wait for a snapshot that cannot fail (serializable read-only only). */
  readonly deferrable?: boolean | undefined
}

/** What an engine can do. Shared code asks these, never the engine's name. */
export interface Features {
  /** Several statements may be in flight on one connection. */
  readonly pipelining: boolean
  /** `Connection.stream` exists. */
  readonly streaming: boolean
  /** A statement can be given bulk data to read: `COPY … FROM STDIN`, `LOAD DATA LOCAL`. */
  readonly copyIn: boolean
  /** A statement can hand out bulk data: `COPY … TO STDOUT`. */
  readonly copyOut: boolean
  /** `Connection.cancel` exists. */
  readonly cancel: boolean
  /** Server-side prepared statements. */
  readonly preparedStatements: boolean
  /** DDL inside a transaction is undone by ROLLBACK. */
  readonly transactionalDdl: boolean
  /** A replica accepts SERIALIZABLE transactions. */
  readonly serializableOnReplica: boolean
  /** INSERT reports the generated key (`insertId`). */
  readonly insertId: boolean
  /** INSERT, UPDATE and DELETE take a RETURNING clause. */
  readonly returning: boolean
  /** A list may be one parameter, with the list's own type; elsewhere it travels as JSON text, like an object. */
  readonly arrays: boolean
  /** `numeric`/`decimal` keeps every digit. */
  readonly exactNumeric: boolean
  /** Dates and points in time have types of their own; elsewhere they are text. */
  readonly temporalTypes: boolean
  /** JSON has a type of its own and arrives parsed; elsewhere it arrives as text. */
  readonly jsonType: boolean
  /** A broken constraint is told by its name. */
  readonly constraintNames: boolean
  /** Several connections may each be inside a transaction of their own. */
  readonly concurrentConnections: boolean
  /** Several transactions may write at once and wait for each other's rows, and so may deadlock. */
  readonly rowLocks: boolean
  /** Two transactions that change the same row at `repeatable read` conflict; elsewhere the later one overwrites. */
  readonly updateConflicts: boolean
  /** After an error a transaction takes nothing but ROLLBACK; elsewhere it goes on. */
  readonly errorsAbortTransaction: boolean
  /** `Connection.subscribe` exists: messages from other sessions. */
  readonly notifications: boolean
  /** The engine lives inside this process: there is no session to lose and no login to refuse. */
  readonly embedded: boolean
}

/** What a node says of itself. */
export interface NodeFacts {
  readonly role: 'primary' | 'replica'
  /** Replay position (replica) or flushed position (primary), comparable through {@link Probes.distance}. */
  readonly position: string | undefined
  /** Milliseconds since the last replayed commit; 0 when everything received has been replayed and more can be received. */
  readonly lagMs: number | undefined
  /** Orders primaries of one cluster: the highest is the true one. On a replica, the highest it has heard of. */
  readonly timeline: number | undefined
  /** Identity of the cluster: nodes of another one are refused. */
  readonly systemId: string | undefined
  /** Tells running servers apart, so that one server under two addresses is not taken for two. */
  readonly instance?: string | undefined
}

/** State of a transaction asked for after its COMMIT's answer was lost. */
export type TransactionFate = 'committed' | 'aborted' | 'in-progress' | 'unknown'

/** The questions shared code may ask a server. */
export interface Probes {
  /** Role, position, lag, timeline. */
  readonly node: Probe<NodeFacts>
  /** Bytes by which `behind` is behind `ahead`; 0 when it is not. */
  readonly distance: ((ahead: string, behind: string) => number) | undefined
  /** Identifier of the running transaction, assigned when it has none yet; undefined when the engine cannot tell fates. */
  readonly transactionId: Probe<string> | undefined
  /** Fate of a transaction by that identifier. */
  readonly transactionFate: ((id: string) => Probe<TransactionFate>) | undefined
}

/** Messages between the sessions of one server. */
export interface Notifications {
  /** From then on the session receives what is sent to the channel. */
  listen(channel: string): Statement
  notify(channel: string, payload: string): Statement
}

/**
 * How an engine says how much of the history a server has. Positions are texts that only the dialect reads: a place in one
 * log, or a set of transactions. Everything a commit or a read has seen lies at or before the position asked for after it.
 */
export interface Positions {
  /** Where this server stands; asked on the connection of a commit or of a read, after it. */
  readonly here: Probe<string | undefined>
  /** The same behind a commit that did not wait for its log to be written out, where an engine has such a thing. */
  readonly ahead?: Probe<string | undefined> | undefined
  /** The position in what a node says of itself. */
  of(facts: NodeFacts): string | undefined
  /** What is known of one server by two answers, or what includes both of two. */
  merge(one: string, other: string): string
  /** Whether a server that stands at `has` has everything up to `wanted`. */
  includes(has: string, wanted: string): boolean
  /**
   * What somebody who stood there asks of other servers: may be more, never less, and is short, as it travels in tokens. Left
   * out where that is the position itself.
   */
  demand?(position: string): string
  /** The position but for what this server wrote itself: on another server that is no sign of a promotion. */
  without?(position: string, instance: string): string
  /** Whether a text from outside is a position. */
  isPosition(text: string): boolean
}

/** A plan in the engine's own form, with what it suggests. */
export interface PlanFacts {
  /** The plan as the engine prints it for people. */
  readonly text: string
  /** The engine's machine-readable plan. */
  readonly plan: unknown
  /** Estimated cost, in the engine's own unit; undefined where it has none. */
  readonly cost: number | undefined
  /** Milliseconds the statement took, with `analyze`. */
  readonly executionMs: number | undefined
  /** Sentences a person can act on: a missing index, a sort on disk, a bad estimate. */
  readonly advice: readonly string[]
}

/** How a database is created; what is left out is the server's own. */
export interface CreateDatabaseOptions {
  /** The role it belongs to. */
  readonly owner?: string | undefined
  /** Character set, in the engine's word: `UTF8`, `utf8mb4`. */
  readonly encoding?: string | undefined
  /** Sort order, in the engine's word: `de_DE.UTF-8`, `utf8mb4_bin`. */
  readonly collation?: string | undefined
  /** Sessions at most. */
  readonly connectionLimit?: number | undefined
}

/** An engine's facts: data and pure functions, no npm client, always loaded. */
export interface Dialect {
  /** Engine name shown to people: `postgres`, `mariadb`, … */
  readonly engine: string
  readonly features: Features
  readonly lexicon: Lexicon
  readonly probes: Probes
  /** What its server tells operators about itself; undefined: it is not asked. */
  readonly inspection?: InspectionFacts | undefined
  /** undefined: the engine has none. */
  readonly notifications?: Notifications | undefined
  /** Positions in the history; without them reads of sessions go to the primary. */
  readonly positions?: Positions | undefined
  /** Default TCP port; undefined for embedded engines. */
  readonly defaultPort: number | undefined
  /**
   * How a database is created: from which other one, and with what statement; undefined where there is no such thing.
   * `create` throws a {@link ConfigError} for an option the engine does not have.
   */
  readonly databases: { readonly maintenance: string; create(quotedName: string, options?: CreateDatabaseOptions): string } | undefined
  /** Locks between processes and facts about sessions; left out where there is nothing to say. */
  readonly maintenance?: MaintenanceFacts | undefined
  /** What migrations need to know; without it the engine has none. */
  readonly migrations?: MigrationFacts | undefined
  /** SQL for idempotency keys; without it the engine has none. */
  readonly idempotency?: IdempotencyFacts | undefined
  /** `$1` or `?` for the n-th parameter, counted from 1. */
  placeholder(position: number): string
  /** Quotes an identifier; throws on NUL. */
  quoteIdentifier(name: string): string
  /** The statement that opens a transaction. */
  begin(options: BeginOptions): string
  /** The text that asks for a plan; `analyze` also runs the statement. */
  explain(text: string, analyze: boolean): string
  /** Reads the answer to {@link Dialect.explain}. */
  readPlan(rows: readonly Record<string, unknown>[]): PlanFacts
  /** Explains an error of the npm client or of the socket. Total: never throws. */
  describeError(cause: unknown): ErrorFacts
}
