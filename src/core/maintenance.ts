import type { Probe } from './probe.js'

/** Names one lock within one database: work that takes the same key excludes each other. */
export interface LockKey {
  /** Namespace, a 32-bit integer: what belongs to this library. */
  readonly space: number
  /** The work, a 32-bit integer. */
  readonly id: number
}

/** How a lock is taken. */
export interface LockMode {
  /** Several holders may share it; engines without shared locks take an exclusive one. */
  readonly shared: boolean
  /** It ends with the transaction instead of with the session: the only kind a transaction pooler keeps apart. */
  readonly inTransaction: boolean
}

/** Another session, as far as it can be seen. */
export interface SessionFacts {
  /** The server's name for it. */
  readonly id: number
  readonly application: string | undefined
  readonly address: string | undefined
  readonly state: string | undefined
  /** What it runs, or ran last, shortened. Undefined without the right to see it. */
  readonly query: string | undefined
  /** Milliseconds since its transaction (else its statement, else its session) began. */
  readonly ageMs: number | undefined
}

/** An engine's advisory locks, as data. */
export interface LockFacts {
  /** Takes the lock if that is possible at once. Never waits: a waiting session would hold a snapshot. */
  tryAcquire(key: LockKey, mode: LockMode): Probe<boolean>
  /** Gives a session's lock back; false = it was not held any more. */
  release(key: LockKey, mode: LockMode): Probe<boolean>
  /** Whether that session holds the lock at this moment; asked on any session of the same database. */
  holds(key: LockKey, sessionId: number): Probe<boolean>
  /**
   * The same, asked by the session itself and about a lock it has taken twice; undefined where `holds` costs no more. It gives
   * one of the two back, which tells whether there were any, and takes it again: the lock is never free in between.
   */
  readonly reaffirm: ((key: LockKey, mode: LockMode) => Probe<boolean>) | undefined
  /** Who holds it. */
  holders(key: LockKey): Probe<readonly SessionFacts[]>
  /**
   * Statements that open the transaction a lock is kept in behind a transaction pooler. Nothing else may be sent in it,
   * and nothing with parameters: an open portal would pin a snapshot.
   */
  readonly waitingTransaction: readonly string[]
}

/** What engines call the same thing differently, for work of maintenance: migrations, backups. */
export interface MaintenanceFacts {
  /** Locks between processes; undefined where the engine has none (it lives in one process). */
  readonly lock: LockFacts | undefined
  /** Who this session is on the server, asked where it is used: a pooler gives another one to every transaction. */
  readonly session: Probe<SessionIdentity>
  /** Whether a session recorded earlier still exists. */
  alive(session: SessionIdentity): Probe<boolean>
  /** Whether the session of this id is inside a transaction or a statement. */
  inTransaction(sessionId: number): Probe<boolean>
  /**
   * Sessions that the session of this id waits for. Asked one after another until one names somebody; one that fails is not
   * asked again: the server has no such table, or the user may not look into it.
   */
  blockers(sessionId: number): readonly Probe<readonly SessionFacts[]>[]
}

/** One session of a server: ids are used again, ids with their start are not. */
export interface SessionIdentity {
  readonly id: number
  /** When the session began, as the server writes it; `''` where it does not say. */
  readonly startedAt: string
}
