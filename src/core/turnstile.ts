/** Someone who waits in line, and how to stop it. */
export interface Wait {
  readonly entered: Promise<void>
  /** Leaves the line: `entered` rejects with this error. Harmless once it has settled. */
  giveUp(error: Error): void
}

interface Waiter {
  readonly who: object
  readonly resolve: () => void
}

/**
 * One at a time, in order of arrival. Whoever is inside may enter again; `leave` lets the next one in.
 *
 * For engines whose connections share one session, where a transaction of one must not be seen by another.
 */
export class Turnstile {
  #inside: object | undefined
  readonly #line: Waiter[] = []

  /** Whether this one is inside. */
  holds(who: object): boolean { return this.#inside === who }

  get free(): boolean { return this.#inside === undefined }

  /** Those who wait. */
  get waiting(): number { return this.#line.length }

  /** undefined: inside at once. */
  enter(who: object): Wait | undefined {
    if (this.#inside === who) return undefined
    if (this.#inside === undefined) {
      this.#inside = who
      return undefined
    }
    let waiter: Waiter | undefined
    let refuse: (error: Error) => void = () => undefined
    const entered = new Promise<void>((resolve, reject) => {
      waiter = { who, resolve }
      this.#line.push(waiter)
      refuse = reject
    })
    return { entered, giveUp: (error) => { if (waiter && this.#remove(waiter)) refuse(error) } }
  }

  /** Ends this one's turn; nothing happens when it is not inside. */
  leave(who: object): void {
    if (this.#inside !== who) return
    const next = this.#line.shift()
    this.#inside = next?.who
    next?.resolve()
  }

  #remove(waiter: Waiter): boolean {
    const index = this.#line.indexOf(waiter)
    if (index >= 0) this.#line.splice(index, 1)
    return index >= 0
  }
}
