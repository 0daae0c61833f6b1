import { ConfigError } from '../core/errors.js'
import { isSecretName, redactUrl } from './redact.js'

/** One thing wrong with the configuration. */
export interface Problem {
  /** Path of the option (`pool.max`), or the name of the variable. */
  readonly path: string
  readonly expected: string
  /** What came, described; never a secret. */
  readonly got: string
  /** How to mend it. */
  readonly hint: string | undefined
}

/** Where an option was written when that was not the code: `pool.max` -> `DB_MAX_OPEN_CONNS`. */
export type Origins = ReadonlyMap<string, string>

/**
 * One {@link ConfigError} for everything found wrong; `source` is the file's name. The way to mend a single problem is
 * the error's `hint`; several problems carry theirs in the message, each beside its own.
 */
export function configError(problems: readonly Problem[], origins?: Origins, source?: string, cause?: unknown): ConfigError {
  const [first] = problems
  const single = problems.length === 1
  const lines = problems.map((problem) => problemText(problem, origins) + (single || problem.hint === undefined ? '' : `; ${problem.hint}`))
  const text = single ? lines.join('') : `${String(lines.length)} options are wrong:\n  ${lines.join('\n  ')}`
  return new ConfigError(source === undefined ? text : `${source}: ${text}`, {
    option: first?.path, hint: single && first?.hint !== undefined ? first.hint : 'see docs/configuration.md', cause,
  })
}

function problemText({ path, expected, got }: Problem, origins: Origins | undefined): string {
  const origin = origins?.get(path) ?? path
  return `${origin === path ? path : `${origin} (${path})`}: expected ${expected}, got ${got}`
}

/** A {@link ConfigError} about one option. */
export function oneProblem(path: string, expected: string, got: string, hint?: string): ConfigError {
  return configError([{ path, expected, got, hint }])
}

/**
 * What came, for a message. Texts are shown only when `show` says the option takes a word or a number, cut and
 * redacted; everything else is described by type and size.
 */
export function describeGot(value: unknown, show: boolean): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'number') return show ? String(value) : 'a number'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return show ? `the bigint ${String(value)}n` : 'a bigint'
  if (typeof value === 'string') return describeText(value, show)
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${String(value.length)}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function describeText(text: string, show: boolean): string {
  if (text === '') return 'an empty text'
  // A word or number may be shown; anything with other characters could be a pasted URL or password.
  return show && /^[\w.+-]{1,24}$/.test(text) ? `the text '${redactUrl(text)}'` : 'a text'
}

/**
 * A name that nothing knows, for a message. Where a quote is missing in a file, a password can end up as a name: only
 * what looks like one is shown.
 */
export function shownName(name: string): string {
  return /^[A-Za-z_-]{1,40}$/.test(name) ? name : '(a name with other characters than letters)'
}

/** Whether any part of an option's path names a secret. */
export function isSecretPath(path: readonly PropertyKey[]): boolean {
  return path.some((part) => part === 'url' || (typeof part === 'string' && isSecretName(part)))
}
