/** The longest timer the runtime has: 24.8 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** `'a', 'b', 'c'`. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ')
}

/** Whether a value is an object with named fields. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
