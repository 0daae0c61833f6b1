import { describeGot, oneProblem, shownName } from '../config/problem.js'
import { suggestName } from '../config/suggest.js'
import type { ConfigError } from '../core/errors.js'
import type { CallCacheOptions, RetryPolicy } from '../core/queryable.js'
import type { SqlFragment } from '../core/statement.js'
import type { TransactionOptions } from './transaction-options.js'

/** What one option takes, in words and as a test. */
export type Check = readonly [expected: string, fits: (value: unknown) => boolean]

const isMs = (value: unknown): boolean => typeof value === 'number' && value >= 0
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const oneOf = (...words: readonly string[]): Check => [`one of ${words.map((word) => `'${word}'`).join(', ')}`, (value) => words.some((word) => word === value)]

const MS: Check = ['a number of milliseconds of at least 0', isMs]
const FLAG: Check = ['true or false', (value) => typeof value === 'boolean']
const TEXT: Check = ['a text', (value) => typeof value === 'string']
const ROLE = oneOf('primary', 'replica')
const SIGNAL: Check = ['an AbortSignal', (value) => isObject(value) && typeof value['aborted'] === 'boolean' && typeof value['addEventListener'] === 'function']
const SCHEMA: Check = ['a Standard Schema (zod, valibot, arktype, …)', isSchema]

const POLICY: Check = ['an object of timeoutMs, maxAttempts, backoff and perTryTimeoutMs', isObject]

/** Options of one statement. */
const CALL = {
  target: ROLE, readOnly: FLAG, timeoutMs: MS, signal: SIGNAL, prepare: FLAG, name: TEXT, label: TEXT,
  cache: ['true, false, or an object of ttlMs, swrMs, tags, tables, key and inTransaction', isCacheWish],
  causalToken: TEXT, maxReplicationLagMs: MS, ambient: FLAG, retry: POLICY, schema: SCHEMA,
  batchSize: ['a whole number above 0', (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0],
} satisfies Readonly<Record<string, Check>>

const KEY: Check = ['a text of 1 to 255 characters', (value) => typeof value === 'string' && value.length > 0 && value.length <= 255 && !value.includes('\0')]

/** Options of a statement that only changes data. */
const WRITE = { ...CALL, idempotencyKey: KEY } satisfies Readonly<Record<string, Check>>

/** Options of a transaction. */
const TRANSACTION = {
  isolationLevel: oneOf('read uncommitted', 'read committed', 'repeatable read', 'serializable'),
  readOnly: FLAG, deferrable: FLAG, retry: POLICY, causalToken: TEXT, timeoutMs: MS, signal: SIGNAL, name: TEXT, label: TEXT, target: ROLE, ambient: FLAG,
  retries: ['a whole number of at least 0', (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0],
  idempotencyKey: KEY,
} satisfies Readonly<Record<string, Check>>

/** Options of a lent connection. */
const CONNECTION = { target: ROLE, label: TEXT, timeoutMs: MS, signal: SIGNAL } satisfies Readonly<Record<string, Check>>

/** Options of a session. */
const SESSION = {
  token: ['a text, or a list of texts', (value: unknown) => typeof value === 'string' || (Array.isArray(value) && value.every((each) => typeof each === 'string'))],
} satisfies Readonly<Record<string, Check>>

/** Options of a plan. */
const EXPLAIN = { ...CONNECTION, analyze: FLAG } satisfies Readonly<Record<string, Check>>

/** Options of closing. */
const CLOSE = { drainMs: MS } satisfies Readonly<Record<string, Check>>

/** Which options a call takes. */
export type CallKind = 'call' | 'write' | 'transaction' | 'connection' | 'explain' | 'session' | 'close'

const TABLES: Readonly<Record<CallKind, ReadonlyMap<string, Check>>> = {
  call: new Map<string, Check>(Object.entries(CALL)),
  write: new Map<string, Check>(Object.entries(WRITE)),
  transaction: new Map<string, Check>(Object.entries(TRANSACTION)),
  connection: new Map<string, Check>(Object.entries(CONNECTION)),
  explain: new Map<string, Check>(Object.entries(EXPLAIN)),
  session: new Map<string, Check>(Object.entries(SESSION)),
  close: new Map<string, Check>(Object.entries(CLOSE)),
}

/**
 * Checks the options of one call. By hand and not by schema: it is on the way of every statement that has options.
 *
 * @throws {@link ConfigError} naming the option, what was expected and what came
 */
export function checkCall(kind: CallKind, options: object): void { checkNamed(TABLES[kind], options) }

/**
 * The options a transaction takes, without some of them: for what offers transactions and decides these itself.
 */
export function transactionOptionsBut(...names: readonly (keyof typeof TRANSACTION)[]): readonly (readonly [string, Check])[] {
  return Object.entries(TRANSACTION).filter(([name]) => !(names as readonly string[]).includes(name))
}

/**
 * Refuses names that `table` does not know, and values that do not fit.
 *
 * @throws {@link ConfigError} naming the option, what was expected and what came
 */
export function checkNamed(table: ReadonlyMap<string, Check>, options: object): void {
  if (typeof options !== 'object' || options === null) throw oneProblem('options', 'an object', describeGot(options, false))
  for (const name in options) {
    const value = (options as Readonly<Record<string, unknown>>)[name]
    const check = table.get(name)
    if (name === 'retry' && check && isObject(value)) checkPolicy(value)
    if (check ? value === undefined || check[1](value) : value === undefined) continue
    throw check ? oneProblem(name, check[0], describeGot(value, true)) : unknownOption(name, [...table.keys()])
  }
}

function unknownOption(name: string, known: readonly string[]): ConfigError {
  return oneProblem(shownName(name), 'a known option of this call', 'an unknown name', suggestName(name, known))
}

/**
 * Checks the options of a transaction, and that they fit together.
 *
 * @throws {@link ConfigError} naming the option, what was expected and what came
 */
export function checkTransaction(options: Pick<TransactionOptions, 'target' | 'readOnly' | 'idempotencyKey'>): void {
  checkCall('transaction', options)
  if (options.idempotencyKey !== undefined && options.readOnly === true) throw oneProblem('idempotencyKey', 'none beside readOnly: true', 'a key', 'what only reads can simply be repeated')
  if (options.target !== 'replica' || options.readOnly === true) return
  throw oneProblem('readOnly', "true beside target: 'replica'", String(options.readOnly), 'replicas take read-only transactions only')
}

/** Refuses a key where nothing could be repeated with it. */
export function refuseKey(options: { readonly idempotencyKey?: string | undefined }, where: string): void {
  if (options.idempotencyKey === undefined) return
  throw oneProblem('idempotencyKey', `none ${where}`, 'a key', 'give it to the outermost db.transaction(work, { idempotencyKey })')
}

/** Checks what is to be run with a transaction or a connection. @throws {@link ConfigError} */
export function checkWork(work: unknown): void {
  if (typeof work !== 'function') throw oneProblem('the first argument', 'a function', describeGot(work, false))
}

/** What is no text must be a fragment. @throws {@link ConfigError} */
export function fragmentOf(sql: SqlFragment): SqlFragment {
  if (isObject(sql) && typeof sql.compile === 'function') return sql
  throw oneProblem('sql', 'a text, or a fragment made by the sql tag', describeGot(sql, false), 'db.query(text, params, options), or db.query(sql`…`, options)')
}

/** Refuses what stands where parameter values belong. */
export function notParams(params: unknown): ConfigError {
  return oneProblem('params', 'a list of values', describeGot(params, false), 'db.query(text, [value, …], options)')
}

/** Refuses parameter values beside a fragment, which brings its own. */
export function paramsBesideFragment(params: readonly unknown[]): ConfigError {
  return oneProblem('params', 'none beside a fragment', describeGot(params, false), 'write the values into the template: sql`… ${value} …`')
}

/** Refuses what stands where the entries of a batch belong. */
export function notEntries(entries: unknown): ConfigError {
  return oneProblem('the first argument of batch', 'a list of statements', describeGot(entries, false), 'db.batch([[text, params], sql`…`])')
}

const NAMES: Check = ['', (value) => Array.isArray(value) && value.every((name) => typeof name === 'string')]
const CACHE = { ttlMs: MS, swrMs: MS, tags: NAMES, tables: NAMES, key: TEXT, inTransaction: FLAG } satisfies Readonly<Record<keyof CallCacheOptions, Check>>

function isCacheWish(value: unknown): boolean {
  if (typeof value === 'boolean') return true
  return isObject(value) && Object.entries(value).every(([name, item]) =>
    item === undefined || (Object.hasOwn(CACHE, name) && CACHE[name as keyof typeof CACHE][1](item)))
}

const BACKOFF = new Map<string, Check>([['baseDelayMs', MS], ['maxDelayMs', MS]])
const POLICY_FIELDS = new Map<string, Check>(Object.entries({
  timeoutMs: MS, perTryTimeoutMs: MS, maxAttempts: ['a whole number of at least 1', (value) => Number.isSafeInteger(value) && (value as number) >= 1],
  backoff: ['an object of baseDelayMs and maxDelayMs', isObject],
} satisfies Readonly<Record<keyof RetryPolicy, Check>>))

/** Names the field that is wrong, `retry.maxAttempts`. */
function checkPolicy(policy: Readonly<Record<string, unknown>>): void {
  checkInside('retry', policy, POLICY_FIELDS)
  if (isObject(policy['backoff'])) checkInside('retry.backoff', policy['backoff'], BACKOFF)
}

function checkInside(path: string, values: Readonly<Record<string, unknown>>, fields: ReadonlyMap<string, Check>): void {
  for (const [name, value] of Object.entries(values)) {
    const check = fields.get(name)
    if (value === undefined || check?.[1](value) === true) continue
    if (check) throw oneProblem(`${path}.${name}`, check[0], describeGot(value, true))
    throw oneProblem(`${path}.${shownName(name)}`, `one of ${[...fields.keys()].join(', ')}`, 'an unknown name', suggestName(name, [...fields.keys()]))
  }
}

function isSchema(value: unknown): boolean {
  const standard = (typeof value === 'object' || typeof value === 'function') && value !== null ? (value as { '~standard'?: unknown })['~standard'] : undefined
  return isObject(standard) && typeof standard['validate'] === 'function'
}
