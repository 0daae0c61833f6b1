import type { DatabaseStats } from '../../database/snapshot.js'
import type { Ledger } from './ledger.js'
import type { Story, StoryEvent } from './story.js'

/** One server as it is shown. */
export interface NodeView {
  readonly name: string
  readonly role: string
  readonly state: string
  readonly lagMs: number | undefined
  readonly open: number
  readonly inUse: number
  readonly waiting: number
  readonly perSecond: number
  readonly p50: number | undefined
  readonly p99: number | undefined
  readonly reads: number
  readonly writes: number
}

/** One moment of the demo. */
export interface View {
  readonly title: string
  readonly elapsedMs: number
  readonly durationMs: number
  readonly nodes: readonly NodeView[]
  readonly reads: number
  readonly writes: number
  readonly failedReads: number
  readonly failedWrites: number
  readonly repeatedReads: number
  readonly events: readonly StoryEvent[]
  /** What is happening, as a sentence. */
  readonly now: string
}

/** What a view is taken of. */
export interface Viewed {
  readonly title: string
  readonly durationMs: number
  readonly stats: () => DatabaseStats
  readonly ledger: Ledger
  readonly story: Story
}

/** The moment as it is now. */
export function takeView({ title, durationMs, stats, ledger, story }: Viewed): View {
  const nodes = stats().nodes.map(({ name, role, state, lagMs, openConnections, inUse, waiting }): NodeView => {
    const { reads, writes, meter } = ledger.node(name)
    return { name, role, state, lagMs, open: openConnections, inUse, waiting, ...meter.rates, reads, writes }
  })
  return {
    title, elapsedMs: story.elapsedMs, durationMs, nodes,
    reads: ledger.reads, writes: ledger.writes, repeatedReads: ledger.repeatedReads,
    failedReads: ledger.failures('read').count, failedWrites: ledger.failures('write').count,
    events: story.events, now: story.now,
  }
}
