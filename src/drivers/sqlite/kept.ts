import type { ConnectionTarget } from '../../core/driver.js'

/** In-memory databases somebody holds on to, and what to do when they let go. */
const KEPT = new WeakMap<ConnectionTarget, { released: (() => void) | undefined }>()

/** Keeps the in-memory database of this target until the returned function is called. */
export function keepMemory(target: ConnectionTarget): () => void {
  const kept = { released: undefined }
  KEPT.set(target, kept)
  return () => {
    const { released } = KEPT.get(target) ?? kept
    KEPT.delete(target)
    released?.()
  }
}

/** Whether it must stay although nobody is connected; `released` is called once it need not any more. */
export function isKept(target: ConnectionTarget, released: () => void): boolean {
  const kept = KEPT.get(target)
  if (kept) kept.released = released
  return kept !== undefined
}
