import { ConfigError } from '../core/errors.js'
import type { SqlFragment, SqlRenderer } from '../core/statement.js'

/** A piece of SQL that is neither text nor a value. */
interface Identifier {
  readonly path: readonly string[]
}

type Part = string | Identifier

/** Texts of templates all of whose values are plain, by call site and renderer: such a template always reads the same. */
const compiledTexts = new WeakMap<readonly string[], WeakMap<SqlRenderer, string>>()

/**
 * A composed piece of SQL with its values, made by the {@link sql} tag. Immutable.
 *
 * Invariant: `values.length === parts.length - 1` where `parts` are texts; identifiers stand alone.
 */
export class Sql implements SqlFragment {
  readonly #parts: readonly Part[]
  readonly #values: readonly unknown[]
  readonly #plain: boolean

  /** @internal Use the {@link sql} tag. */
  constructor(parts: readonly Part[], values: readonly unknown[]) {
    this.#parts = parts
    this.#values = values
    this.#plain = typeof parts[0] === 'string' && !values.some((value) => value instanceof Sql)
  }

  /** Renders the text with the engine's placeholders; values never enter it. */
  compile(renderer: SqlRenderer): ReturnType<SqlFragment['compile']> {
    if (this.#plain) return { text: this.#plainText(renderer), params: this.#values }
    const params: unknown[] = []
    return { text: this.#render(renderer, params), params }
  }

  #plainText(renderer: SqlRenderer): string {
    // Only plain fragments come here, so the parts are texts; a template's parts are one object per call site.
    const strings = this.#parts as readonly string[]
    let texts = compiledTexts.get(strings)
    if (!texts) compiledTexts.set(strings, texts = new WeakMap())
    let text = texts.get(renderer)
    if (text === undefined) texts.set(renderer, text = this.#render(renderer, []))
    return text
  }

  #render(renderer: SqlRenderer, params: unknown[]): string {
    let text = ''
    for (let index = 0; index < this.#parts.length; index++) {
      const part = this.#parts[index]
      if (part !== undefined) text += typeof part === 'string' ? part : quoted(part, renderer)
      if (index >= this.#values.length) continue
      const value = this.#values[index]
      if (value instanceof Sql) text += value.#render(renderer, params)
      else text += renderer.placeholder(params.push(value))
    }
    return text
  }
}

function quoted(identifier: Identifier, renderer: SqlRenderer): string {
  return identifier.path.map((name) => renderer.quoteIdentifier(name)).join('.')
}

/** The {@link sql} tag with its companions. */
export interface SqlTag {
  /** Values become parameters, fragments become text. */
  (strings: TemplateStringsArray, ...values: readonly unknown[]): Sql
  /**
   * A quoted identifier: `sql.id('app', 'users')` is `"app"."users"`.
   *
   * @throws ConfigError without a name, or when one is no string or empty
   */
  id(...path: readonly string[]): Sql
  /**
   * Fragments, or values that become parameters, with a separator between them (default `, `). A separator given as a
   * string is SQL text. No entries make an empty fragment.
   *
   * @example sql`select * from t where id in (${sql.join(ids)})`
   */
  join(entries: readonly unknown[], separator?: string | Sql): Sql
  /** SQL text as it is. Never give it anything a user typed. */
  raw(text: string): Sql
  /**
   * Rows for a VALUES list: `sql.values([[1, 'a'], [2, 'b']])` is `($1, $2), ($3, $4)`.
   *
   * @throws ConfigError without rows, or when rows differ in length
   */
  values(rows: readonly (readonly unknown[])[]): Sql
  /** No text at all: the other arm of a condition. */
  readonly empty: Sql
}

function template(strings: TemplateStringsArray, ...values: readonly unknown[]): Sql {
  if (!Array.isArray(strings) || !('raw' in strings)) {
    throw new ConfigError(`sql is a template tag: expected sql\`…\`, got a call with a ${typeof strings}`, {
      hint: 'write sql`…`; for text made elsewhere there is sql.raw(text)',
    })
  }
  return new Sql(strings, values)
}

function id(...path: readonly string[]): Sql {
  const bad = path.find((name) => typeof name !== 'string' || name === '')
  if (path.length === 0 || bad !== undefined) {
    throw new ConfigError(`sql.id expected names, got ${path.length === 0 ? 'none' : bad === '' ? 'an empty one' : `a ${typeof bad}`}`)
  }
  return new Sql([{ path: [...path] }], [])
}

function raw(text: string): Sql {
  if (typeof text !== 'string') throw new ConfigError(`sql.raw expected SQL text, got a ${typeof text}`)
  return new Sql([text], [])
}

const EMPTY = new Sql([''], [])

function join(entries: readonly unknown[], separator: string | Sql = ', '): Sql {
  if (entries.length === 0) return EMPTY
  const between = typeof separator === 'string' ? separator : ''
  if (typeof separator === 'string') {
    return new Sql(['', ...Array.from({ length: entries.length - 1 }, () => between), ''], [...entries])
  }
  const values = entries.flatMap((entry, index) => (index === 0 ? [entry] : [separator, entry]))
  return new Sql(Array.from({ length: values.length + 1 }, () => ''), values)
}

function values(rows: readonly (readonly unknown[])[]): Sql {
  const width = rows[0]?.length ?? 0
  if (width === 0 || rows.some((row) => row.length !== width)) {
    throw new ConfigError('sql.values expected at least one row, all of one length and none empty', {
      hint: `got ${rows.length} rows of ${[...new Set(rows.map((row) => row.length))].join(', ') || 'no'} values`,
    })
  }
  return join(rows.map((row) => new Sql(['(', ...Array.from({ length: width - 1 }, () => ', '), ')'], [...row])))
}

/**
 * Tagged template for SQL: values become parameters in the engine's own style, fragments nest.
 *
 * @example
 * const active = sql`active = ${true}`
 * await db.query(sql`select * from ${sql.id('users')} where ${active} and id = ${id}`)
 */
export const sql: SqlTag = Object.assign(template, { id, join, raw, values, empty: EMPTY })
