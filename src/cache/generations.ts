import type { Dependencies } from './dependencies.js'

/** A moment at which something was changed. */
export interface Change {
  /** Reading of the logical clock: every change has a higher one than all before. */
  readonly stamp: number
  /** `performance.now()` when this process heard of it; `-Infinity` for never. */
  readonly at: number
}

/** Names remembered; beyond that everything counts as changed, which is safe. */
const MAX_NAMES = 10_000

/**
 * When what was last changed, as far as this process knows. Rows whose reading began at stamp `s` may be used as long as
 * nothing they depend on has changed after `s`: so a slow read that began before a write never brings the old rows back.
 */
export class Generations {
  readonly #changes = new Map<string, Change>()
  #everything: Change = { stamp: 0, at: -Infinity }
  #stamp = 0

  /** The logical clock's reading. */
  get stamp(): number { return this.#stamp }

  /** These have changed; undefined: everything has. */
  change(names: Dependencies | undefined, at: number): void {
    const change: Change = { stamp: ++this.#stamp, at }
    if (names && this.#changes.size + names.length <= MAX_NAMES) {
      for (const name of names) this.#changes.set(name, change)
      return
    }
    this.#everything = change
    this.#changes.clear()
  }

  /** The last change of any of these. */
  last(names: Dependencies): Change {
    let last = this.#everything
    for (const name of names) {
      const change = this.#changes.get(name)
      if (change && change.stamp > last.stamp) last = change
    }
    return last
  }
}
