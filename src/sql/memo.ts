/**
 * A bounded memory in two generations: cheaper than a strict LRU, because a hit among the young moves nothing.
 *
 * Invariant: holds at most `maxEntries` values. When the young generation is half of that, it becomes the old one and
 * the old one is forgotten; what is asked for again in the meantime has moved to the young.
 */
export class Memo<Value> {
  readonly #half: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(maxEntries: number) {
    this.#half = Math.floor(maxEntries / 2)
  }

  get size(): number { return this.#young.size + this.#old.size }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) {
      this.#old.delete(key)
      this.set(key, old)
    }
    return old
  }

  /** Remembers a value under a key not held yet. */
  set(key: string, value: Value): void {
    if (this.#half === 0) return
    if (this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }
}
