import type { z as Zod } from 'zod'

/** zod, once it has been loaded. */
export type ZodModule = typeof Zod

/** The longest timer the runtime has: 24.8 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** The kinds of fields options are made of. */
export type Fields = ReturnType<typeof buildFields>

/**
 * Builders for one option each. Every check of a field carries the same text, what the option expects, whichever way
 * a value fails it; {@link quoted} and the messages rely on that.
 */
export function buildFields(z: ZodModule) {
  const within = (expected: string, min: number, max: number) =>
    z.number(expected).int(expected).min(min, expected).max(max, expected).optional()
  const custom = <T>(expected: string, test: (value: unknown) => boolean) => z.custom<T>(test, expected).optional()
  return {
    custom,
    whole: (min: number, max = Number.MAX_SAFE_INTEGER) =>
      within(`a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${String(min)}` : `from ${String(min)} to ${String(max)}`}`, min, max),
    ms: (min = 0) => within(`a whole number of milliseconds from ${String(min)} to ${String(MAX_TIMER_MS)}`, min, MAX_TIMER_MS),
    share: custom<number>('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1),
    above0: custom<number>('a number above 0', (value) => typeof value === 'number' && value > 0 && Number.isFinite(value)),
    flag: z.boolean('true or false').optional(),
    text: z.string('a text').min(1, 'a text').optional(),
    texts: z.array(z.string('a text').min(1, 'a text'), 'a list of texts').optional(),
    oneOf: <const Words extends readonly string[]>(words: Words) => z.enum(words, `one of ${quoted(words)}`).optional(),
    fn: custom<() => unknown>('a function', (value) => typeof value === 'function'),
    record: custom<Record<string, unknown>>('an object', isRecord),
    textRecord: z.record(z.string(), z.string('a text'), 'an object of texts').optional(),
    object: <Shape extends Zod.ZodRawShape>(shape: Shape) => z.strictObject(shape, 'an object'),
  }
}

/** `'a', 'b', 'c'`. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ')
}

/** Whether a value is an object with named fields. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
