import { NoReplicaError } from '../core/errors.js'
import type { Role } from '../core/observer.js'
import type { QueryOptions } from '../core/queryable.js'
import type { Route } from '../core/result.js'
import type { RoutingSettings } from '../core/settings.js'
import type { Classification } from '../sql/classifier.js'
import { balance, type Balance } from './balance.js'
import { FallbackBudget } from './budget.js'
import type { Node } from './node.js'
import { Roles } from './roles.js'

/** Where a statement may go, and why: the pure part of a decision. */
export interface Plan {
  readonly role: Role
  readonly route: Route
  /** A sentence for people. */
  readonly why: string
  /** Nodes that qualify now; empty when none does. */
  readonly candidates: readonly Node[]
}

/** Where a statement goes, and why. */
export interface Decision {
  readonly node: Node
  /** What the node is wanted as. */
  readonly role: Role
  readonly route: Route
  readonly why: string
}

/** Texts a replica refused, remembered so that they go to the primary from then on. */
const MAX_DEMOTED = 1_000

/**
 * Picks the node for a statement: synchronously, from what is known now. It never waits; whoever calls it does the
 * waiting and tells the nodes what happened.
 */
export class Router {
  readonly roles: Roles
  readonly #nodes: () => readonly Node[]
  readonly #settings: RoutingSettings
  readonly #choose: Balance<Node>
  readonly #budget: FallbackBudget
  readonly #demoted = new Set<string>()

  constructor(nodes: () => readonly Node[], settings: RoutingSettings, roles = new Roles(nodes)) {
    this.#nodes = nodes
    this.roles = roles
    this.#settings = settings
    this.#choose = balance<Node>(settings.strategy)
    this.#budget = new FallbackBudget(settings.fallbackToPrimary.maxShare)
  }

  get nodes(): readonly Node[] { return this.#nodes() }

  /** What {@link Router.pick} would do, without choosing, counting or throwing. */
  plan(text: string, classification: Classification, options: QueryOptions): Plan {
    const wanted = options.target ?? classification.hint
    if (wanted !== undefined) {
      const forced = options.target !== undefined
      return this.#planFor(wanted, forced ? 'forced' : 'hint', forced ? `the caller asked for the ${wanted}` : `a comment asks for the ${wanted}`, options)
    }
    if (classification.class !== 'read') return this.#planFor('primary', 'write', classification.why, options)
    if (this.#demoted.has(text)) return this.#planFor('primary', 'write', 'a replica refused this text before', options)
    return this.planRead(options, classification.why)
  }

  /** Plan for work known to be read-only. */
  planRead(options: QueryOptions, why: string): Plan {
    if (options.target === 'replica') return this.#planFor('replica', 'forced', why, options)
    if (this.#settings.reads === 'primary') return this.#planFor('primary', 'read', "routing.reads is 'primary'", options)
    return this.#replicas().length > 0 ? this.#planFor('replica', 'read', why, options) : this.#planFor('primary', 'read', 'there are no replicas', options)
  }

  /**
   * @throws {@link NoPrimaryError} no primary is known
   * @throws {@link NoReplicaError} a replica is needed, none qualifies, and the primary may not stand in
   */
  pick(text: string, classification: Classification, options: QueryOptions): Decision {
    return this.decide(this.plan(text, classification, options), classification.class === 'read', options)
  }

  /** Chooses a node for a plan; `read` says whether the primary may stand in for a missing replica. */
  decide(plan: Plan, read: boolean, options: QueryOptions): Decision {
    const { role, route, why, candidates } = plan
    if (role === 'primary') {
      const node = candidates[0]
      if (node) return { node, role, route, why }
      throw this.roles.missing(0)
    }
    if (candidates.length > 0) {
      this.#budget.countRead()
      return { node: this.#choose(admitted(candidates)), role, route, why }
    }
    return this.#fallBack(read, options)
  }

  /** The primary. @throws {@link NoPrimaryError} */
  pickPrimary(route: Route, why: string): Decision {
    return this.decide(this.#planFor('primary', route, why, {}), false, {})
  }

  /** Remembers that a replica refused this text: from now on it goes to the primary. */
  demote(text: string): void {
    if (this.#demoted.size >= MAX_DEMOTED) this.#demoted.clear()
    this.#demoted.add(text)
  }

  #fallBack(read: boolean, options: QueryOptions): Decision {
    const complaints = this.#complaints(options)
    if (read && this.#budget.take()) {
      const primary = this.roles.writable
      if (primary) return { node: primary, role: 'primary', route: 'fallback', why: `no replica qualifies: ${complaints}` }
      throw this.roles.missing(0)
    }
    throw new NoReplicaError(`no replica qualifies: ${complaints}`, {
      hint: read
        ? "the primary's share of reads is used up or forbidden: see routing.fallbackToPrimary"
        : 'the statement is no proven read, so the primary does not stand in for the replica that was asked for',
    })
  }

  #planFor(role: Role, route: Route, why: string, options: QueryOptions): Plan {
    const candidates = role === 'replica' ? this.#candidates(options) : this.#primaries()
    return { role, route, why, candidates }
  }

  #primaries(): readonly Node[] {
    const { writable } = this.roles
    return writable ? [writable] : NOBODY
  }

  #replicas(): readonly Node[] { return this.#nodes().filter((node) => node.role === 'replica') }

  /** Replicas that qualify; suspects only when nobody better is there, and ejected ones where there is no primary either. */
  #candidates(options: QueryOptions): readonly Node[] {
    const fit = this.#nodes().filter((node) => complaint(node, options) === undefined)
    const trusted = fit.filter((node) => node.state !== 'suspect' && node.ejected === undefined)
    if (trusted.length > 0) return trusted
    const shunned = fit.filter((node) => node.ejected === undefined)
    // a slow replica is better than none, where no primary can stand in
    return shunned.length > 0 || this.roles.writable !== undefined ? shunned : fit
  }

  #complaints(options: QueryOptions): string {
    const replicas = this.#replicas()
    if (replicas.length === 0) return 'none is configured'
    return replicas.map((node) => `${node.name} ${complaint(node, options) ?? (node.ejected === undefined ? 'qualifies' : `is ejected: ${node.ejected}`)}`).join(', ')
  }
}

const NOBODY: readonly Node[] = []

/** Those whose turn it is: of recovering ones only a share. Everybody, where nobody else is there. */
function admitted(candidates: readonly Node[]): readonly Node[] {
  if (!candidates.some(({ state }) => state === 'recovering')) return candidates
  const now = performance.now()
  const chosen = candidates.filter((node) => node.admits(now))
  return chosen.length > 0 ? chosen : candidates
}

/** Why a node may not take this read; undefined when it may. */
function complaint(node: Node, options: QueryOptions): string | undefined {
  if (node.role !== 'replica') return 'is not a replica'
  if (node.state === 'down') return 'is down'
  if (node.fenced !== undefined) return `is fenced: ${node.fenced}`
  if (node.lagging) return `lags (${describeLag(node)})`
  const limit = options.maxReplicationLagMs
  if (limit === undefined) return undefined
  if (node.lagMs === undefined) return 'has an unknown lag'
  return node.lagMs > limit ? `lags (${describeLag(node)}, limit of this call ${String(limit)} ms)` : undefined
}

function describeLag(node: Node): string {
  const bytes = node.lagBytes === undefined ? '' : `, ${String(node.lagBytes)} bytes`
  return `${String(Math.round(node.lagMs ?? 0))} ms${bytes}`
}
