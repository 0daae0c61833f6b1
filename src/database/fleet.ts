import type { Node } from '../router/node.js'

/** The nodes of a database, in the order of the configuration. A change makes a new list: who iterates is not disturbed. */
export class Fleet {
  #all: readonly Node[]

  constructor(nodes: readonly Node[]) { this.#all = nodes }

  get all(): readonly Node[] { return this.#all }

  named(name: string): Node | undefined { return this.#all.find((node) => node.name === name) }
}
