import type { Positions } from '../core/dialect.js'
import type { Candidate, Memory } from './candidate.js'
import { isAhead, succession } from './succession.js'

/** Who is primary, and who must not be used. */
export interface Verdict<C extends Candidate> {
  /** The one node that takes writes now; undefined when none says so. */
  readonly primary: C | undefined
  /** Nodes that must not be used at all, with the reason. */
  readonly fenced: ReadonlyMap<C, string>
  /** Writable nodes that cannot be told apart: nobody knows which one is right. */
  readonly split: readonly C[]
  readonly systemId: string | undefined
  readonly timeline: number
}

/**
 * Finds the primary among what nodes say of themselves: of the writable nodes of one cluster the one on the highest
 * timeline, or, where the engine has none, the one whose history includes those of the others. Pure, and total.
 *
 * Every promotion begins a new timeline, so a writable node on a lower one is a former primary that does not know it
 * yet: it is fenced. Two on the same timeline are a split brain that no client can decide.
 */
export function elect<C extends Candidate>(nodes: readonly C[], memory: Memory<C>, positions?: Positions): Verdict<C> {
  const answering = nodes.filter(({ facts, state }) => facts !== undefined && state !== 'down')
  const systemId = identity(answering, memory)
  const fenced = new Map<C, string>()
  const own: C[] = []
  for (const node of answering) {
    const other = node.facts?.systemId
    if (systemId === undefined || other === undefined || other === systemId) own.push(node)
    else fenced.set(node, `it belongs to another cluster (system identifier ${other} instead of ${systemId})`)
  }
  // a former primary that is down may come back: what it said last does not raise the bar, what others heard does
  const heard = systemId === memory.systemId || memory.systemId === undefined ? memory.timeline : 0
  const timeline = Math.max(heard, ...own.map(timelineOf))
  const writable = distinct(own.filter(({ facts, state }) => facts?.role === 'primary' && state !== 'suspect'), memory.primary)
  const latest = writable.filter((node) => timelineOf(node) === timeline)
  for (const node of writable) {
    if (!latest.includes(node)) fenced.set(node, `it takes writes on timeline ${String(timelineOf(node))} while its cluster is on ${String(timeline)}: a former primary`)
  }
  const newest = positions && timeline === 0 ? succession(latest, memory, positions, fenced) : latest
  const found = { fenced, systemId, timeline }
  const { primary } = memory
  const isLater = (node: C): boolean => primary !== undefined && (timelineOf(node) > timelineOf(primary) || isAhead(node, primary, positions))
  if (isPending(primary) && !newest.some((node) => primary.facts !== undefined && isLater(node))) {
    return { ...found, primary, split: [] }
  }
  const split = newest.length > 1 ? newest : []
  return { ...found, primary: split.length > 0 ? undefined : newest[0], split }
}

/** Being asked, for the first time or again: what it will say comes first, unless somebody knows better already. */
function isPending(node: Candidate | undefined): node is Candidate {
  return node?.state === 'unknown' || node?.state === 'suspect'
}

function timelineOf({ facts }: Candidate): number {
  return facts?.timeline ?? 0
}

/**
 * The identity everybody is held to. It is the primary's own; once known it stays, until the primary's address answers
 * with another one and nobody is left who has the old one (a restored or upgraded cluster).
 */
function identity<C extends Candidate>(answering: readonly C[], { primary, systemId }: Memory<C>): string | undefined {
  const known = answering.filter(({ facts }) => facts?.systemId !== undefined)
  if (systemId !== undefined && (known.length === 0 || known.some(({ facts }) => facts?.systemId === systemId))) return systemId
  const authority = known.find((node) => node === primary) ?? (systemId === undefined ? known.find(({ facts }) => facts?.role === 'primary') ?? known[0] : undefined)
  return authority?.facts?.systemId ?? systemId
}

/** Each running server once: under several addresses it is still one. The known primary's name is preferred. */
function distinct<C extends Candidate>(writable: readonly C[], primary: C | undefined): C[] {
  const ordered = [...writable].sort((a, b) => rank(a, primary) - rank(b, primary))
  const seen = new Set<string>()
  return ordered.filter(({ facts }) => {
    const instance = facts?.instance
    if (instance === undefined) return true
    if (seen.has(instance)) return false
    seen.add(instance)
    return true
  })
}

function rank<C extends Candidate>(node: C, primary: C | undefined): number {
  if (node === primary) return 0
  return node.role === 'primary' ? 1 : 2
}
