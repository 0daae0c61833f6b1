/** Something that ends when a signal aborts. An object instead of a closure: waiting must stay cheap. */
export interface AbortListener {
  onAbort(): void
}

const listening = new WeakMap<AbortSignal, Set<AbortListener>>()

/**
 * Calls `listener.onAbort()` when `signal` aborts. However many listen on one signal, the signal itself has a single
 * listener: thousands of waiters share one signal without a leak warning, and leave it in constant time.
 */
export function listen(signal: AbortSignal, listener: AbortListener): void {
  let listeners = listening.get(signal)
  if (!listeners) {
    listeners = new Set()
    listening.set(signal, listeners)
    signal.addEventListener('abort', onAbort, { once: true })
  }
  listeners.add(listener)
}

/** Undoes {@link listen}; harmless when it was not called. */
export function unlisten(signal: AbortSignal, listener: AbortListener): void {
  const listeners = listening.get(signal)
  if (!listeners?.delete(listener) || listeners.size > 0) return
  listening.delete(signal)
  signal.removeEventListener('abort', onAbort)
}

function onAbort(this: AbortSignal): void {
  const listeners = listening.get(this)
  listening.delete(this)
  for (const listener of listeners ?? []) listener.onAbort()
}
