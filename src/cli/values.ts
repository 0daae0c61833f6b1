import type { Invocation } from './command.js'
import { UsageError } from './exit.js'

/**
 * An option that is a whole number.
 *
 * @throws {@link UsageError} it is none, or out of range
 */
export function wholeOption({ options }: Invocation, name: string, limits: { readonly min: number; readonly max: number; readonly otherwise: number }): number {
  const value = options[name]
  if (value === undefined) return limits.otherwise
  if (typeof value === 'number' && Number.isInteger(value) && value >= limits.min && value <= limits.max) return value
  throw new UsageError(`--${name}: expected a whole number from ${String(limits.min)} to ${String(limits.max)}, got ${JSON.stringify(value)}`)
}

/**
 * An option that is a text.
 *
 * @throws {@link UsageError} it was given twice
 */
export function textOption<Otherwise extends string | undefined>({ options }: Invocation, name: string, otherwise: Otherwise): string | Otherwise {
  const value = options[name]
  if (value === undefined) return otherwise
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new UsageError(`--${name}: expected one text, got ${JSON.stringify(value)}`)
}

/** An option without a value: given or not. */
export function flagOption({ options }: Invocation, name: string): boolean {
  return options[name] === true
}

/**
 * An option that may be given several times.
 *
 * @throws {@link UsageError} it has no value
 */
export function textOptions({ options }: Invocation, name: string): readonly string[] | undefined {
  const value = options[name]
  if (value === undefined) return undefined
  return (Array.isArray(value) ? value as readonly unknown[] : [value]).map((one) => {
    if (typeof one === 'string' || typeof one === 'number') return String(one)
    throw new UsageError(`--${name}: expected a text, got ${JSON.stringify(one)}`)
  })
}
