import { asError } from './deadline.js'
import type { Observer, WarningEvent } from './observer.js'

type Hook = keyof Observer
type EventOf<H extends Hook> = Parameters<NonNullable<Observer[H]>>[0]

/**
 * Tells several observers. `listens(hook)` lets callers skip making an event nobody wants. An observer that throws, or whose
 * promise rejects, never disturbs the caller: its first failure is told to the other observers as a warning.
 */
export class Notifier {
  readonly #observers: readonly Observer[]
  readonly #complained = new Set<Observer>()

  constructor(observers: readonly Observer[]) {
    this.#observers = observers
  }

  listens(hook: Hook): boolean {
    return this.#observers.some((observer) => observer[hook] !== undefined)
  }

  notify<H extends Hook>(hook: H, event: EventOf<H>): void {
    for (const observer of this.#observers) this.#tell(observer, hook, event)
  }

  #tell<H extends Hook>(observer: Observer, hook: H, event: EventOf<H>): void {
    try {
      const answer: unknown = (observer[hook] as ((event: EventOf<H>) => unknown) | undefined)?.call(observer, event)
      // an async hook: nobody waits for it, but its rejection would end the process
      if (answer instanceof Promise) answer.catch((thrown: unknown) => { this.#complain(observer, hook, thrown) })
    } catch (thrown) {
      this.#complain(observer, hook, thrown)
    }
  }

  #complain(observer: Observer, hook: Hook, thrown: unknown): void {
    if (this.#complained.has(observer)) return
    this.#complained.add(observer)
    const error = asError(thrown)
    const warning: WarningEvent = { code: 'SLUICE_OBSERVER_THREW', node: undefined, message: `an observer's ${hook} hook threw: ${error.message}`, error }
    for (const other of this.#observers) if (other !== observer) this.#tell(other, 'warning', warning)
  }
}
