import type { NodeFacts, Positions } from '../core/dialect.js'
import { ConnectionError, NoPrimaryError, SplitBrainError } from '../core/errors.js'
import type { FailoverEvent } from '../core/observer.js'
import type { Memory } from './candidate.js'
import { elect, type Verdict } from './election.js'
import type { Node } from './node.js'

/** Told of what changes. */
export interface RolesHost {
  /** A step of a failover. */
  onStep(event: FailoverEvent): void
  /** Something changed that work may be waiting for. */
  onChange(): void
  /** A node begins to say that it has another role than it is taken for. */
  onMisplaced(node: Node): void
}

/** How roles are kept. */
export interface RolesOptions {
  /** Work waits while the primary is in doubt; otherwise it is tried there. */
  readonly patient: boolean
  /** A database for reads only needs no primary: the one configured stays what it is, whatever it says. */
  readonly readOnly: boolean
  /** Compares the histories of nodes that take writes, where the engine has no timelines. */
  readonly positions?: Positions | undefined
}

const QUIET: RolesHost = { onStep: () => undefined, onChange: () => undefined, onMisplaced: () => undefined }

/**
 * Who is primary, as this process sees it: the configuration's word until the nodes themselves have spoken.
 *
 * Invariant: work for the primary is only ever given to a node that says it takes writes, on the highest timeline that
 * was ever heard of in its cluster.
 */
export class Roles {
  readonly #nodes: () => readonly Node[]
  readonly #host: RolesHost
  readonly #options: RolesOptions
  #primary: Node | undefined
  /** The last one that could be used; before that, the configured one. */
  #last: Node | undefined
  #systemId: string | undefined
  #timeline = 0
  #split: readonly Node[] = []
  /** Since when there is none to use. */
  #doubtSince: number | undefined
  #lost = false
  /** A primary has said that it is one. */
  #seen = false
  /** Former primaries that were lost and have not said since that they are replicas. */
  readonly #deposed = new Set<Node>()

  constructor(nodes: () => readonly Node[], host: RolesHost = QUIET, options: RolesOptions = { patient: false, readOnly: false }) {
    this.#nodes = nodes
    this.#host = host
    this.#options = options
    this.#primary = this.#last = nodes().find((node) => node.role === 'primary')
  }

  /** The node taken for the primary, whether it can be used now or not. */
  get primary(): Node | undefined { return this.#primary }

  /** The primary, when work may be given to it now. */
  get writable(): Node | undefined {
    const node = this.#primary
    if (!node || this.#split.length > 0) return undefined
    const { state } = node
    if (state === 'up' || state === 'unknown' || state === 'recovering') return node
    // it answered, and refused for good: whoever asks is told so, instead of waiting for what will not come
    if (node.lastError instanceof ConnectionError && node.lastError.permanent) return node
    return state === 'suspect' && !this.#options.patient ? node : undefined
  }

  /** Several nodes take writes and cannot be told apart. */
  get isSplit(): boolean { return this.#split.length > 0 }

  /** What a node said of itself: judged at once. */
  learned(node: Node, facts: NodeFacts, lagBytes: number | undefined): void {
    const before = node.facts
    const { misplaced } = node
    node.probed(facts, lagBytes)
    if (facts.role === 'replica') this.#deposed.delete(node)
    this.judge()
    const moved = before !== undefined && (before.timeline !== facts.timeline || before.instance !== facts.instance)
    // behind its address is another server, or the same one after a promotion: its connections belong to the past
    if (moved && node === this.#primary && before.role === facts.role) void node.reset()
    if (node.misplaced && !misplaced && node.fenced === undefined && !this.#options.readOnly) this.#host.onMisplaced(node)
  }

  /** Looks at the nodes again; called whenever one of them has changed. */
  judge(): void {
    const memory: Memory<Node> = { primary: this.#primary, systemId: this.#systemId, timeline: this.#timeline, deposed: this.#deposed }
    const verdict = elect(this.#nodes(), memory, this.#options.positions)
    this.#systemId = verdict.systemId
    this.#timeline = verdict.timeline
    this.#fence(verdict)
    this.#declareSplit(verdict.split)
    this.#appoint(verdict)
    this.#followRoles()
    this.#tell()
  }

  /** Forgets what was heard of timelines and identities, after an operator has put things right by hand. */
  forget(): void {
    this.#systemId = undefined
    this.#timeline = 0
    this.#deposed.clear()
    this.judge()
  }

  /** Why there is no primary to use: what is known of each node. */
  missing(waitedMs: number): NoPrimaryError {
    const about = this.#nodes().map((node) => `${node.name} ${condition(node)}`).join('; ')
    if (this.#split.length > 0) {
      const names = this.#split.map(({ name }) => name)
      return new SplitBrainError(`${names.join(' and ')} both take writes on the same timeline: nobody can tell which one is right (${about})`, names, {
        hint: 'stop the wrong one; writes go on by themselves as soon as only one takes them',
      })
    }
    const waited = waitedMs > 0 ? ` after ${String(Math.round(waitedMs))} ms` : ''
    const cause = (this.#primary ?? this.#last)?.lastError
    return new NoPrimaryError(`no primary${waited}: ${about}`, { cause, hint: 'is a server being promoted? failoverTimeoutMs says how long work waits for that' })
  }

  #fence({ fenced }: Verdict<Node>): void {
    for (const node of this.#nodes()) {
      const reason = fenced.get(node)
      // what is down says nothing new: it stays fenced until it does
      if (reason === undefined && (node.fenced === undefined || node.state === 'down' || node.state === 'suspect')) continue
      if ((reason === undefined) === (node.fenced === undefined)) continue
      node.fence(reason)
      if (reason === undefined) this.#step('released', node, 'it is part of its cluster again')
      else {
        this.#step('fenced', node, reason)
        node.giveUp(`${node.name} must not be used: ${reason}`)
      }
    }
  }

  #declareSplit(split: readonly Node[]): void {
    const began = split.length > 0 && this.#split.length === 0
    this.#split = split
    const [first] = split
    if (began && first) this.#step('split', first, `${split.map(({ name }) => name).join(' and ')} both take writes on the same timeline`)
  }

  /** A node that takes writes replaces the primary at once; one that only went silent stays it until then. */
  #appoint({ primary, fenced }: Verdict<Node>): void {
    const current = this.#primary
    this.#seen ||= primary?.facts !== undefined
    if (primary === current) return
    if (primary) {
      if (current) this.#depose(current)
      primary.assume('primary')
      this.#primary = primary
      return
    }
    if (!current || this.#split.length > 0 || this.#options.readOnly || !this.#hasHope) return
    const demoted = current.facts?.role === 'replica' && current.state !== 'down' && current.state !== 'suspect'
    if (!demoted && !fenced.has(current)) return
    this.#primary = undefined
    this.#depose(current)
  }

  /** There was a primary, or there are others that may become one. A lone standby is what the configuration says it is. */
  get #hasHope(): boolean { return this.#seen || this.#nodes().length > 1 }

  /**
   * A primary that says it is one no more has ended its writes itself; its connections close as they come back. From one
   * that is silent, or does not know yet, no answer may be taken any more: a late "done" would be of a write nobody else has.
   */
  #depose(node: Node): void {
    const orderly = node.facts?.role === 'replica' && node.state !== 'down' && node.state !== 'suspect'
    node.assume('replica')
    if (orderly) return
    this.#deposed.add(node)
    node.giveUp(`${node.name} is not the primary any more`)
  }

  #followRoles(): void {
    for (const node of this.#nodes()) if (node !== this.#primary && node.role === 'primary' && this.#primary) node.assume('replica')
  }

  #tell(): void {
    const usable = this.writable
    const now = performance.now()
    if (usable) this.#found(usable, now)
    else this.#missed(now)
    this.#host.onChange()
  }

  #found(usable: Node, now: number): void {
    const previous = usable === this.#last ? undefined : this.#last?.name
    const gapMs = this.#doubtSince === undefined ? 0 : now - this.#doubtSince
    const news = this.#lost || usable !== this.#last
    this.#doubtSince = undefined
    this.#lost = false
    this.#last = usable
    if (!news) return
    const reason = previous === undefined ? `${usable.name} takes writes again` : `${usable.name} takes writes, in place of ${previous}`
    this.#host.onStep({ step: 'found', node: usable.name, previous, epoch: usable.facts?.timeline, gapMs, reason })
  }

  /** A primary that is only being asked again is not lost yet: nobody is alarmed, although work waits. */
  #missed(now: number): void {
    this.#doubtSince ??= now
    if (this.#lost || this.#primary?.state === 'suspect') return
    this.#lost = true
    const node = this.#primary ?? this.#last
    if (node) this.#step('lost', node, `${node.name} ${condition(node)}`)
  }

  #step(step: FailoverEvent['step'], node: Node, reason: string): void {
    this.#host.onStep({ step, node: node.name, previous: undefined, epoch: node.facts?.timeline, gapMs: 0, reason })
  }
}

function condition(node: Node): string {
  if (node.fenced !== undefined) return `is fenced: ${node.fenced}`
  const { state, facts, lastError } = node
  if (state === 'down' || state === 'suspect') return `is ${state}${lastError ? ` (${lastError.message})` : ''}`
  if (!facts) return 'has not been asked yet'
  return facts.role === 'replica' ? 'says it is a replica' : 'takes writes'
}
