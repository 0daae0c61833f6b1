import type { Observer } from '../core/observer.js'
import type { ResolvedOptions } from '../config/resolved.js'
import type { StateListener } from '../router/node.js'
import type { Shapes } from '../sql/shapes.js'

/** What the layers above add to the core. */
export interface CoreHooks {
  /** Told when a node's state changes. */
  readonly onNodeState: StateListener
  /** Work waits for a primary: look for one until it is there. */
  seek(): void
  /** Asks all nodes who they are; resolves when this one has answered or failed to. Never rejects. */
  ask(node: string | undefined): Promise<void>
  /** Observers beside the caller's own. */
  observers(options: ResolvedOptions, shapes: Shapes): readonly Observer[]
}
