/**
 * Names of one connection's prepared statements: at most `max`, the least recently used goes first.
 *
 * Invariant: a name is never given twice, so that a Close which has not been sent yet cannot hit a newer statement.
 * Evicted names wait in `takeClosing()`: their Close messages ride with the next prepared statement.
 */
export class PreparedNames {
  readonly #max: number
  readonly #names = new Map<string, string>()
  #closing: string[] = []
  #given = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number { return this.#names.size }

  /** The name for this text, made when there is none; marks it as just used. */
  nameOf(text: string): string {
    const known = this.#names.get(text)
    if (known !== undefined) {
      this.#names.delete(text)
      this.#names.set(text, known)
      return known
    }
    if (this.#names.size >= this.#max) this.#evictOldest()
    const name = `sluice_${String(++this.#given)}`
    this.#names.set(text, name)
    return name
  }

  /** The statement behind this text is gone or stale: the next use prepares it anew. */
  forget(text: string): void {
    const name = this.#names.get(text)
    if (name === undefined) return
    this.#names.delete(text)
    this.#closing.push(name)
  }

  /** Names to close on the server; each is handed out once. */
  takeClosing(): readonly string[] {
    if (this.#closing.length === 0) return NONE
    const closing = this.#closing
    this.#closing = []
    return closing
  }

  /** After DISCARD ALL: the server has none of them any more. Returns the names that were known. */
  clear(): readonly string[] {
    const gone = [...this.#names.values(), ...this.#closing]
    this.#names.clear()
    this.#closing = []
    return gone
  }

  #evictOldest(): void {
    for (const text of this.#names.keys()) {
      this.forget(text)
      return
    }
  }
}

const NONE: readonly string[] = Object.freeze([])
