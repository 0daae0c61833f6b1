import type { z as Zod } from 'zod'
import { DEFAULTS } from './defaults.js'
import { parseDuration } from './duration.js'
import { isRecord } from './fields.js'
import type { DatabaseOptions } from './options.js'
import { configError, describeGot, isSecretPath, shownName, type Origins, type Problem } from './problem.js'
import { loadSchemas } from './schema.js'
import { retrySettings } from './retry.js'
import { defined } from './shorthands.js'
import { nearest, suggestName } from './suggest.js'

type Path = readonly PropertyKey[]

/**
 * Refuses unknown names, wrong types and values that cannot work together, all in one {@link ConfigError}.
 * `options` must be expanded (see `expandShorthands`). What a URL says is checked when it is parsed.
 */
export function checkOptions(options: DatabaseOptions, origins?: Origins, source?: string): void {
  const { database, node, tls } = loadSchemas()
  const problems = check(database, options, [])
  for (const [path, server] of isRecord(options) ? serversOf(options) : []) {
    if (!isRecord(server)) continue
    problems.push(...check(node, server, path))
    if (isRecord(server['ssl'])) problems.push(...check(tls, server['ssl'], [...path, 'ssl']))
  }
  if (problems.length === 0) problems.push(...contradictions(options))
  if (problems.length > 0) throw configError(problems, origins, source)
}

function serversOf(options: DatabaseOptions): (readonly [path: Path, server: unknown])[] {
  const replicas: readonly unknown[] = Array.isArray(options.replicas) ? options.replicas : []
  return [
    [['primary'], options.primary], [['directUrl'], options.directUrl],
    ...replicas.map((replica, index) => [['replicas', index], replica] as const),
  ]
}

function check(schema: Zod.ZodObject, value: unknown, base: Path): Problem[] {
  const result = schema.safeParse(value)
  if (result.success) return []
  const problems = new Map<string, Problem>()
  for (const issue of result.error.issues) {
    for (const problem of problemsOf(issue, schema, value, base)) {
      // One field may fail several checks; they all say the same.
      if (!problems.has(problem.path)) problems.set(problem.path, problem)
    }
  }
  return [...problems.values()]
}

function problemsOf(issue: Zod.core.$ZodIssue, schema: Zod.ZodObject, root: unknown, base: Path): Problem[] {
  const path = [...base, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => ({
      path: pathText([...path, shownName(name)]), expected: 'a known option', got: 'an unknown name',
      hint: suggestName(name, namesAt(schema, issue.path)),
    }))
  }
  const value = issue.path.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part], root)
  const hidden = isSecretPath(path) || isServerText(path)
  return [{
    path: pathText(path), expected: issue.message, got: describeGot(value, !hidden),
    hint: hidden ? undefined : hintFor(path, value, issue.message),
  }]
}

function isServerText(path: Path): boolean {
  return path.length <= 2 && ['primary', 'replicas', 'directUrl'].includes(String(path[0])) && typeof path.at(-1) !== 'undefined'
    && (path.length === 1 || typeof path[1] === 'number')
}

/** `replicas.0.port`; the options themselves are called `options`. */
function pathText(path: Path): string {
  return path.length === 0 ? 'options' : path.map(String).join('.')
}

function namesAt(schema: Zod.ZodObject, path: Path): string[] {
  let current: unknown = schema
  for (const part of path) {
    current = typeof part === 'number' ? field(bare(current), 'element') : field(field(bare(current), 'shape'), part)
  }
  const shape = field(bare(current), 'shape')
  return isRecord(shape) ? Object.keys(shape) : []
}

function field(value: unknown, name: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[name] : undefined
}

/** A schema without its `.optional()`. */
function bare(schema: unknown): unknown {
  const inner = field(field(schema, 'def'), 'innerType')
  return inner === undefined ? schema : bare(inner)
}

const WITHOUT_LIMIT = /^(?:pool\.|statementTimeoutMs|connectTimeoutMs|slowQueryMs)/

function hintFor(path: Path, value: unknown, expected: string): string | undefined {
  if (typeof value === 'string') return hintForText(path, value, expected)
  if (value === Infinity && WITHOUT_LIMIT.test(pathText(path))) return 'write 0 to switch the limit off'
  if (typeof value === 'number' && expected.includes('a text')) return 'write it in quotes'
  return undefined
}

function hintForText(path: Path, value: string, expected: string): string | undefined {
  const name = String(path.at(-1))
  if (expected.includes('number') && /^-?\d+(?:\.\d+)?$/.test(value)) return `write ${value}, without quotes`
  const durationMs = name.endsWith('Ms') ? parseDuration(value) : undefined
  if (durationMs !== undefined) return `write ${String(durationMs)}: ${name} is in milliseconds (texts like '30s' are for files and the environment)`
  if (expected === 'true or false' && /^(?:true|false)$/.test(value)) return `write ${value}, without quotes`
  const words = [...expected.matchAll(/'([^']+)'/g)].map((match) => match[1] ?? '')
  const near = nearest(value, words)
  return near === undefined ? undefined : `did you mean '${near}'?`
}

/** Values that are fine alone and cannot work together. */
function contradictions(options: DatabaseOptions): Problem[] {
  const pool = { ...DEFAULTS.pool, ...defined(options.pool) }
  const retry = retrySettings(options.retry)
  const problems: Problem[] = []
  const atMost = (path: string, value: number | undefined, limitPath: string, limit: number): void => {
    if (value === undefined || value <= limit) return
    problems.push({ path, expected: `at most ${limitPath} (${String(limit)})`, got: String(value), hint: `raise ${limitPath} or lower ${path}` })
  }
  atMost('pool.min', pool.min, 'pool.max', pool.max)
  atMost('pool.maxIdle', pool.maxIdle, 'pool.max', pool.max)
  if (pool.maxIdle !== undefined) atMost('pool.min', pool.min, 'pool.maxIdle', pool.maxIdle)
  if (pool.maxLifetimeMs > 0) atMost('pool.maxLifetimeJitterMs', options.pool?.maxLifetimeJitterMs, 'pool.maxLifetimeMs', pool.maxLifetimeMs)
  atMost('retry.baseDelayMs', retry.baseDelayMs, 'retry.maxDelayMs', retry.maxDelayMs)
  problems.push(...encryptionProblems(options))
  return problems
}

function encryptionProblems(options: DatabaseOptions): Problem[] {
  const keys = options.backup?.encryption
  if (keys === undefined || keys === false) return []
  if ((keys.recipients?.length ?? 0) > 0 || (keys.identities?.length ?? 0) > 0 || keys.passphrase !== undefined) return []
  return [{ path: 'backup.encryption', expected: 'a key (make one with: age-keygen -o backup-key.txt)', got: 'none', hint: HOW_TO_GIVE_A_KEY }]
}

const HOW_TO_GIVE_A_KEY = 'age-keygen prints a public key; give that one, backup: { encryption: { recipients: [\'age1…\'] } } '
  + '(in a file, backup.encryption_key: age1…), and keep backup-key.txt, which reads the backups, somewhere else'
