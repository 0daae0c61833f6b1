import { Ticker } from '../core/ticker.js'
import type { Node } from '../router/node.js'

/** What a watch needs. */
export interface SilenceParts {
  readonly nodes: () => readonly Node[]
  /** Asks a node; whether it answered. Never rejects. */
  readonly ask: (node: Node) => Promise<boolean>
}

const LOOK_MS = 100
/** Looks without any answer, while something waits for one, after which a node is asked. */
const PATIENCE = 2
/** A node that answered the question is busy, not silent: it is left alone for so many looks. */
const REST = 10

interface Watched {
  progress: number
  silent: number
  asking: boolean
}

/**
 * Notices nodes that accept work and answer nothing, long before a statement's own deadline or the next regular probe:
 * it looks whether anything was answered at all, and asks where nothing was. Costs a statement nothing.
 */
export class SilenceWatch {
  readonly #parts: SilenceParts
  readonly #ticker: Ticker
  readonly #watched = new WeakMap<Node, Watched>()

  constructor(parts: SilenceParts) {
    this.#parts = parts
    this.#ticker = new Ticker(() => { for (const node of this.#parts.nodes()) this.#look(node) }, () => LOOK_MS)
  }

  start(): void { this.#ticker.start() }

  stop(): Promise<void> { return this.#ticker.stop() }

  #look(node: Node): void {
    const watched = this.#of(node)
    const { progress, pending } = node
    if (pending === 0 || progress !== watched.progress) {
      watched.progress = progress
      watched.silent = Math.min(watched.silent, 0)
      return
    }
    watched.silent++
    if (watched.silent >= PATIENCE && !watched.asking) void this.#ask(node, watched)
  }

  async #ask(node: Node, watched: Watched): Promise<void> {
    watched.asking = true
    const answered = await this.#parts.ask(node)
    watched.asking = false
    watched.silent = answered ? -REST : 0
  }

  #of(node: Node): Watched {
    let watched = this.#watched.get(node)
    if (!watched) this.#watched.set(node, watched = { progress: node.progress, silent: 0, asking: false })
    return watched
  }
}
