import type { Positions } from '../core/dialect.js'
import type { Candidate, Memory } from './candidate.js'

/**
 * Who of several writable nodes is the primary where the engine has no timelines: whose history includes that of the others.
 * Those that are behind are former primaries, and are fenced. Several that are left cannot be told apart.
 *
 * A former primary that was lost and comes back without following its successor stays fenced, whatever it has: what it has
 * beyond its successor was lost when that one took over.
 */
export function succession<C extends Candidate>(writable: readonly C[], memory: Memory<C>, positions: Positions, fenced: Map<C, string>): readonly C[] {
  const { primary } = memory
  const heirs = writable.filter((node) => {
    if (!isReplaced(node, writable, memory, positions)) return true
    fenced.set(node, `it takes writes although ${primary?.name ?? 'another one'} has taken its place: a former primary`)
    return false
  })
  const left = heirs.filter((node) => {
    const ahead = heirs.find((other) => isAhead(other, node, positions))
    if (ahead) fenced.set(node, `it takes writes while ${ahead.name} has all it has, and more: a former primary`)
    return !ahead
  })
  // one history: a switchover in which the old one has not been asked again yet, or a replica that nobody made read-only
  const one = left.every((node) => left.every((other) => node === other || lacksNothing(node, other, positions) || lacksNothing(other, node, positions)))
  return one && primary && left.includes(primary) ? [primary] : left
}

/** Whether `one` has everything that `other` has, and more that `other` did not write itself. */
export function isAhead(one: Candidate, other: Candidate, positions: Positions | undefined): boolean {
  return positions !== undefined && one !== other && has(one, other, positions) && !lacksNothing(other, one, positions)
}

function isReplaced<C extends Candidate>(node: C, writable: readonly C[], { primary, deposed }: Memory<C>, positions: Positions): boolean {
  if (deposed?.has(node) !== true || primary === undefined || primary === node) return false
  return writable.includes(primary) || !has(node, primary, positions)
}

/** Whether a node has what another one has, but for what it wrote itself since it was asked. */
function lacksNothing({ facts }: Candidate, other: Candidate, positions: Positions): boolean {
  const [own, theirs] = [facts && positions.of(facts), other.facts && positions.of(other.facts)]
  if (own === undefined || theirs === undefined) return false
  return positions.includes(own, facts?.instance === undefined ? theirs : positions.without?.(theirs, facts.instance) ?? theirs)
}

function has({ facts }: Candidate, other: Candidate, positions: Positions): boolean {
  const [own, theirs] = [facts && positions.of(facts), other.facts && positions.of(other.facts)]
  return own !== undefined && theirs !== undefined && positions.includes(own, theirs)
}
