import { timerMs, UNLIMITED, type Limits } from '../core/deadline.js'
import { listen, unlisten } from '../core/abort.js'

/** After so many conflicts a transaction runs alone among those of its name. */
const CONFLICTS_BEFORE_EXCLUSIVE = 2
/**
 * Nobody waits longer than this for the gate: it is a courtesy against conflicts, not a lock for correctness. Longer than
 * a server takes to find a deadlock (a second by default): those entangled in one must be able to leave first.
 */
const PATIENCE_MS = 2_000

interface Entrance {
  shared: number
  exclusive: boolean
  readonly waiting: { readonly exclusive: boolean; admit(): void }[]
}

/**
 * Lets transactions of one name run side by side until one of them keeps losing serialization conflicts; that one then
 * runs alone (among those of its name in this process), so that it cannot lose again to its siblings. First come, first
 * served; a wait ends after `patienceMs` or at the caller's limits at the latest, whatever happens.
 */
export class ConflictGate {
  readonly #entrances = new Map<string, Entrance>()
  readonly #patienceMs: number

  constructor(patienceMs = PATIENCE_MS) { this.#patienceMs = patienceMs }

  /** Waits for admission, not beyond `limits`; the returned function gives it back and must be called once. */
  async enter(name: string, conflicts: number, limits: Limits = UNLIMITED): Promise<() => void> {
    const exclusive = conflicts >= CONFLICTS_BEFORE_EXCLUSIVE
    let entrance = this.#entrances.get(name)
    if (!entrance) this.#entrances.set(name, entrance = { shared: 0, exclusive: false, waiting: [] })
    const alone = open(entrance, exclusive) ? admit(entrance, exclusive) : await this.#wait(entrance, exclusive, limits)
    return () => { this.#leave(name, entrance, alone) }
  }

  /** Whether it was admitted alone; counted at the moment of admission, so that nobody slips in between. */
  #wait(entrance: Entrance, exclusive: boolean, { expiresAt, signal }: Limits): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (alone: boolean): void => {
        clearTimeout(timer)
        if (signal) unlisten(signal, impatient)
        resolve(admit(entrance, alone))
      }
      const waiter = { exclusive, admit: () => { end(exclusive) } }
      const impatient = {
        onAbort: (): void => {
          entrance.waiting.splice(entrance.waiting.indexOf(waiter), 1)
          end(false)
          this.#admitNext(entrance)
        },
      }
      const patienceMs = signal?.aborted ? 0 : Math.min(this.#patienceMs, expiresAt - performance.now())
      const timer = setTimeout(impatient.onAbort, timerMs(patienceMs))
      if (signal) listen(signal, impatient)
      entrance.waiting.push(waiter)
    })
  }

  #leave(name: string, entrance: Entrance, alone: boolean): void {
    if (alone) entrance.exclusive = false
    else entrance.shared--
    this.#admitNext(entrance)
    if (entrance.shared === 0 && !entrance.exclusive && entrance.waiting.length === 0) this.#entrances.delete(name)
  }

  #admitNext(entrance: Entrance): void {
    const next = entrance.waiting[0]
    if (!next || entrance.exclusive || (next.exclusive && entrance.shared > 0)) return
    const admitted = next.exclusive ? [next] : leadingShared(entrance.waiting)
    entrance.waiting.splice(0, admitted.length)
    for (const waiter of admitted) waiter.admit()
  }
}

function open(entrance: Entrance, exclusive: boolean): boolean {
  return entrance.waiting.length === 0 && !entrance.exclusive && (!exclusive || entrance.shared === 0)
}

function admit(entrance: Entrance, exclusive: boolean): boolean {
  if (exclusive) entrance.exclusive = true
  else entrance.shared++
  return exclusive
}

function leadingShared<T extends { readonly exclusive: boolean }>(waiting: readonly T[]): T[] {
  const end = waiting.findIndex((waiter) => waiter.exclusive)
  return end < 0 ? [...waiting] : waiting.slice(0, end)
}
