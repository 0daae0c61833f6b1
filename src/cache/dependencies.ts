import { ConfigError } from '../core/errors.js'

/** What cached rows depend on: names of tables, tags and keys, each with its kind before it. */
export type Dependencies = readonly string[]

/** What may be invalidated. */
export interface Invalidation {
  /** Tables, with or without a schema: `users` is also `public.users`. */
  readonly tables?: readonly string[] | undefined
  /** Tags that calls gave their entries. */
  readonly tags?: readonly string[] | undefined
  /** Keys that calls gave their entries. */
  readonly keys?: readonly string[] | undefined
}

/** What a caller says about his rows himself. */
export interface Named {
  readonly tables?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  readonly key?: string | undefined
}

const KINDS: ReadonlySet<string> = new Set<keyof Invalidation>(['tables', 'tags', 'keys'])

/** Changed by every change of a table: rows of which nobody can say what they were read from depend on it. */
const ANY_TABLE = '*'

/**
 * A table's name as a dependency: its last part, lower case. Tables of one name in two schemas count as one: dropping
 * too much is harmless.
 */
function tableDependency(name: string): string {
  const unquoted = name.replaceAll(/["`[\]]/g, '').toLowerCase()
  return `t:${unquoted.slice(unquoted.lastIndexOf('.') + 1)}`
}

function tagDependency(tag: string): string { return `g:${tag}` }

function keyDependency(key: string): string { return `k:${key}` }

/**
 * Refuses what would invalidate nothing, or not what was meant, and say nothing.
 *
 * @throws ConfigError naming what was expected and what came
 */
export function checkedInvalidation(what: Invalidation): Invalidation {
  const hint = "db.cache.invalidate({ tables: ['users'], tags: ['dashboard'], keys: ['top'] }); everything: db.cache.clear()"
  if (typeof what as unknown !== 'object' || (what as unknown) === null) throw new ConfigError('invalidate: expected an object of tables, tags or keys', { option: 'invalidate', hint })
  for (const [name, names] of Object.entries(what) as [string, unknown][]) {
    if (!KINDS.has(name)) throw new ConfigError(`invalidate: expected tables, tags or keys, got the unknown name '${name}'`, { option: name, hint })
    const fits = names === undefined || (Array.isArray(names) && names.every((each) => typeof each === 'string'))
    if (!fits) throw new ConfigError(`invalidate: expected ${name} to be a list of texts`, { option: name, hint })
  }
  return what
}

/** What an invalidation touches; changes of tables also touch {@link ANY_TABLE}. */
export function touchedBy({ tables = [], tags = [], keys = [] }: Invalidation): Dependencies {
  const touched = [...new Set(tables.map(tableDependency)), ...tags.map(tagDependency), ...keys.map(keyDependency)]
  return tables.length > 0 ? [...touched, ANY_TABLE] : touched
}

/**
 * What rows depend on.
 *
 * @param read - tables read off the statement; undefined when that cannot be told
 */
export function dependenciesOf(read: readonly string[] | undefined, named: Named): Dependencies {
  const { tables, tags = [], key } = named
  const known = read ?? (tables ? [] : undefined)
  return [
    ...known ? new Set([...known, ...tables ?? []].map(tableDependency)) : [ANY_TABLE],
    ...tags.map(tagDependency), ...key === undefined ? [] : [keyDependency(key)],
  ]
}
