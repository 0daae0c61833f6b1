import type { Limits } from '../core/deadline.js'
import type { Positions, Probe } from '../core/dialect.js'
import type { QueryOptions } from '../core/queryable.js'
import type { DriverResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { ConsistencySettings } from '../config/resolved.js'
import type { Freshness } from '../router/freshness.js'
import type { Node } from '../router/node.js'
import type { Decision, Plan, Router } from '../router/router.js'
import type { Classification } from '../sql/classifier.js'
import { moment, NO_POSITIONS, Progress, type Wanted } from './progress.js'
import { RecentWrites, writeSetOf, type WriteSet } from './recent-writes.js'
import { currentSession, inSession, type SessionOptions } from './session.js'
import { decodeToken, encodeToken, type TokenContent } from './token.js'

/** What consistency needs of its database. */
export interface CausalParts {
  /** Stands for the database in the sessions around the running code. */
  readonly database: object
  readonly router: Router
  readonly settings: ConsistencySettings
  /** undefined: nobody can say how far a server of this engine is; reads of sessions and with tokens go to the primary. */
  readonly positions: Positions | undefined
  readonly freshness: Freshness | undefined
}

/** A question to be asked behind a statement, and what to do with the answer; `undefined` = there was none. */
export interface Question {
  readonly statement: Statement
  /** @param undone - what it was asked behind turned out to be a rollback */
  answered(answer: DriverResult | undefined, undone?: boolean): void
  /** Whether the statement's own answer says it all, so that nothing is left to be asked. */
  told?(result: DriverResult): boolean
}

const WHY = 'no replica is known to have what the read must include'
/** How often marks that every replica has are cleared away. */
const PRUNE_MS = 250
/** How long replicas are asked whether they have what a read found missing that does not wait for them, or has no primary to turn to. */
const BACKGROUND_MS = 1_000

/**
 * Read your writes and monotonic reads: knows what a read has to include, finds a node that has it, and learns from every
 * commit (and, inside a session, from every read) how far the history has come.
 */
export class Causal {
  readonly #parts: CausalParts
  readonly #newest: Progress | undefined
  readonly #recent: RecentWrites | undefined
  #prunedAt = 0

  constructor(parts: CausalParts) {
    this.#parts = parts
    const { positions, settings } = parts
    this.#newest = positions && new Progress(positions)
    this.#recent = positions && settings.causalReads === 'session' ? new RecentWrites(positions) : undefined
  }

  /** Runs `work` so that its reads see its writes, and never an older state than it has seen. */
  async session<T>(work: () => Promise<T> | T, { token }: SessionOptions): Promise<T> {
    const { positions, database } = this.#parts
    const tokens = token === undefined ? [] : typeof token === 'string' ? [token] : token
    const contents = tokens.map((each) => decodeToken(each, 'token', positions))
    const progress = new Progress(positions ?? NO_POSITIONS)
    const outer = currentSession(database)
    if (outer) include(progress, outer)
    for (const content of contents) if (positions) include(progress, this.#own(content, positions))
    try {
      return await inSession(database, progress, work)
    } finally {
      if (outer) include(outer, progress)
    }
  }

  /** How far the surrounding session has come, or else this process. */
  token(): string {
    const { position, doubtful = false } = this.#session() ?? this.#newest ?? { position: undefined }
    return encodeToken({ systemId: this.#systemId(), position, doubtful })
  }

  /** What a read has to include; undefined, at next to no cost, when that is nothing. */
  wanted(classification: Pick<Classification, 'tables'>, options: QueryOptions): Wanted | undefined {
    const { positions, settings, database } = this.#parts
    if (!positions) return this.#session() || options.causalToken !== undefined ? UNKNOWABLE : undefined
    const token = options.causalToken === undefined ? undefined : this.#own(decodeToken(options.causalToken, 'causalToken', positions), positions)
    if (settings.causalReads === 'off') return token && merged([token], positions, true)
    const session = currentSession(database)
    const own = token ? [token] : []
    if (settings.causalReads === 'global' && this.#newest) own.push(this.#newest)
    if (session || settings.causalReads === 'global') return merged(session ? [session, ...own] : own, positions, true)
    const recent = this.#recent
    if (recent && !recent.empty) {
      this.#prune(recent)
      const touched = recent.touching(classification.tables)
      if (touched.length > 0) return merged([...touched, ...own], positions, token !== undefined)
    }
    return token && merged(own, positions, true)
  }

  /** Where a statement would go now, without waiting, choosing, counting or throwing. */
  plan(text: string, classification: Classification, options: QueryOptions): Plan {
    const plan = this.#parts.router.plan(text, classification, options)
    const wanted = plan.role === 'replica' && plan.candidates.length > 0 ? this.wanted(classification, options) : undefined
    if (!wanted) return plan
    const candidates = this.#fresh(plan.candidates, wanted)
    if (candidates.length > 0) return { ...plan, candidates }
    const { writable } = this.#parts.router.roles
    const why = this.#waitMs(wanted) > 0 ? `${WHY}; one is waited for first` : WHY
    return { role: 'primary', route: 'causal', why, candidates: writable ? [writable] : [] }
  }

  /** Decides for a read that has to include `wanted`; waits for a replica where that is worth it. */
  async decide(plan: () => Plan, wanted: Wanted, options: QueryOptions, limits: Limits): Promise<Decision> {
    const { router, freshness } = this.#parts
    const first = plan()
    if (first.role !== 'replica' || first.candidates.length === 0) return router.decide(first, true, options)
    const known = this.#choose(first, wanted, options)
    if (known) return known
    const { position } = wanted
    if (!wanted.doubtful && position !== undefined && freshness) {
      const waitMs = this.#waitMs(wanted)
      if (!wanted.waits && waitMs === 0) void freshness.wait(first.candidates, position, BACKGROUND_MS, NO_LIMITS)
      else if (waitMs > 0 && await freshness.wait(first.candidates, position, waitMs, limits)) {
        const caughtUp = this.#choose(plan(), wanted, options)
        if (caughtUp) return caughtUp
      }
    }
    return router.pickPrimary('causal', WHY)
  }

  /** {@link Causal.decide} for work that will read; `read`: the primary may stand in for a replica that was asked for. */
  async decideRead(plan: () => Plan, options: QueryOptions, limits: Limits, read: boolean): Promise<Decision> {
    const wanted = this.wanted(ANY_TABLE, options)
    return wanted ? this.decide(plan, wanted, options, limits) : this.#parts.router.decide(plan(), read, options)
  }

  /** What to ask behind a statement on this node, if anything. */
  question(classification: Classification, node: Node): Question | undefined {
    const session = this.#session()
    return classification.class === 'read' ? this.behindRead(node, session) : this.behindWrite(writeSetOf(classification), node, session)
  }

  /** What to ask behind a read of a session (or work that may have read), or behind any read that can end a doubt. */
  behindRead(node: Node, session: Progress | undefined): Question | undefined {
    const { positions, freshness } = this.#parts
    const onPrimary = node.role === 'primary'
    if (!positions || !(session ?? (onPrimary && this.#doubtful))) return undefined
    const asked = moment()
    return question(positions.here, (position) => {
      if (position === undefined) session?.doubt()
      else if (onPrimary) this.#reach(position, asked, session)
      else {
        session?.reach(position)
        freshness?.learn(node, position)
      }
    })
  }

  /** What to ask behind a commit of these writes; `unflushed`: it does not wait until the log is written out. */
  behindWrite(set: WriteSet, node: Node, session: Progress | undefined, unflushed = false): Question | undefined {
    const { positions, settings } = this.#parts
    if (!positions || node.role !== 'primary' || settings.causalReads === 'off') return undefined
    if (node.facts && positions.of(node.facts) === undefined) {
      this.#untold(session)
      return undefined
    }
    const asked = moment()
    const probe = unflushed ? positions.ahead ?? positions.here : positions.here
    const asking = question(probe, (position, undone) => {
      if (position !== undefined) this.#reach(position, asked, session)
      else if (undone) session?.doubt()
      else this.doubt(set, session)
      if (position === undefined || undone) return
      this.#stands(set, position)
    })
    const told = ({ position, command }: DriverResult): boolean => {
      // the commit's own place says nothing of what was in doubt before it
      if (position === undefined || command === 'ROLLBACK' || session?.doubtful === true || this.#doubtful) return false
      session?.reach(position)
      this.#stands(set, position)
      return true
    }
    return { ...asking, told }
  }

  #stands(set: WriteSet, position: string): void {
    this.#newest?.reach(position)
    this.#recent?.mark(set, position)
  }

  /** A server that keeps no positions is not asked behind every write: only the primary has the writes for certain. */
  #untold(session: Progress | undefined): void {
    session?.doubt()
    this.#newest?.doubt()
  }

  /** These writes may have been done; nobody knows at which position. */
  doubt(set: WriteSet, session: Progress | undefined = this.#session()): void {
    if (this.#parts.settings.causalReads === 'off') return
    session?.doubt()
    this.#newest?.doubt()
    this.#recent?.mark(set, undefined)
  }

  /** The session around the running code; undefined also where none is kept. */
  currentSession(): Progress | undefined { return this.#session() }

  #session(): Progress | undefined {
    return this.#parts.settings.causalReads === 'off' ? undefined : currentSession(this.#parts.database)
  }

  get #doubtful(): boolean { return this.#newest?.doubtful === true || this.#recent?.doubtful === true }

  /** The primary said where it stands. */
  #reach(position: string, asked: number, session: Progress | undefined): void {
    session?.reach(position, asked)
    if (this.#newest?.doubtful) this.#newest.reach(position, asked)
    this.#recent?.resolve(position, asked)
  }

  /** Without a primary to turn to, a replica that catches up is the only answer there can be, so every read waits for one. */
  #waitMs({ waits }: Wanted): number {
    const { router, settings: { causalReadsTimeoutMs } } = this.#parts
    if (router.roles.writable === undefined) return Math.max(causalReadsTimeoutMs, BACKGROUND_MS)
    return waits ? causalReadsTimeoutMs : 0
  }

  #choose(plan: Plan, wanted: Wanted, options: QueryOptions): Decision | undefined {
    const candidates = plan.role === 'replica' ? this.#fresh(plan.candidates, wanted) : []
    return candidates.length > 0 ? this.#parts.router.decide({ ...plan, candidates }, true, options) : undefined
  }

  #fresh(nodes: readonly Node[], { position, doubtful }: Wanted): readonly Node[] {
    const { freshness } = this.#parts
    if (doubtful || !freshness) return []
    return position === undefined ? nodes : nodes.filter((node) => freshness.has(node, position))
  }

  /** A token as this cluster understands it: of another one only the primary can be said to be no older. */
  #own(content: TokenContent, positions: Positions): Progress {
    const progress = new Progress(positions)
    const systemId = this.#systemId()
    const foreign = content.systemId !== undefined && systemId !== undefined && content.systemId !== systemId
    if (content.doubtful || foreign) progress.doubt()
    if (content.position !== undefined && !foreign) progress.reach(content.position)
    return progress
  }

  #systemId(): string | undefined {
    return this.#parts.router.roles.primary?.facts?.systemId
  }

  #prune(recent: RecentWrites): void {
    const now = performance.now()
    if (now - this.#prunedAt < PRUNE_MS) return
    this.#prunedAt = now
    const { router, freshness } = this.#parts
    const replicas = router.nodes.filter((node) => node.role === 'replica')
    recent.prune((position) => replicas.every((node) => freshness?.has(node, position)))
  }
}

/** Work whose tables are not known yet. */
const ANY_TABLE: Pick<Classification, 'tables'> = { tables: undefined }

/** Where nobody can say how far a replica is, what must be included is on the primary for certain. */
const UNKNOWABLE: Wanted = { position: undefined, doubtful: true, waits: false }

const NO_LIMITS: Limits = { expiresAt: Infinity, signal: undefined }

function question(probe: Probe<string | undefined>, learnt: (position: string | undefined, undone: boolean) => void): Question {
  return { statement: probe.statement, answered: (answer, undone = false) => { learnt(answer && probe.read(answer.rows), undone) } }
}

function include(into: Progress, from: Progress): void {
  if (from.position !== undefined) into.reach(from.position)
  if (from.doubtful) into.doubt()
}

function merged(parts: readonly Progress[], positions: Positions, waits: boolean): Wanted | undefined {
  let position: string | undefined
  let doubtful = false
  for (const each of parts) {
    doubtful ||= each.doubtful
    if (each.position !== undefined) position = position === undefined ? each.position : positions.merge(position, each.position)
  }
  return position === undefined && !doubtful ? undefined : { position, doubtful, waits }
}
