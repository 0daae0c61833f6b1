import type { NodeFacts } from '../core/dialect.js'
import type { Role } from '../core/observer.js'
import type { NodeState } from './node.js'

/** What is known of a node when the primary is looked for. */
export interface Candidate {
  readonly name: string
  readonly role: Role
  readonly state: NodeState
  readonly facts: NodeFacts | undefined
}

/** What was learnt before and must not be forgotten: an old primary stays old. */
export interface Memory<C extends Candidate> {
  /** The node that is taken for the primary. */
  readonly primary: C | undefined
  /** Identity of the cluster; undefined until it is known. */
  readonly systemId: string | undefined
  /** The highest timeline any node of the cluster has spoken of. */
  readonly timeline: number
  /** Former primaries that have not been seen as replicas since; only looked at where there are no timelines. */
  readonly deposed?: ReadonlySet<C> | undefined
}
