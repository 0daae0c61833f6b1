/** Deeper parameters are not worth a key, and may be cyclic. */
const MAX_DEPTH = 16

/**
 * The parameter values as one text that is the same only for the same values of the same types: 1, '1', 1n, true, null and a
 * Date all differ. undefined when a value has no such text (a function, an instance of a class): then nothing is cached.
 */
export function keyOfParams(params: readonly unknown[]): string | undefined {
  let key = ''
  for (const value of params) {
    const part = encoded(value, 0)
    if (part === undefined) return undefined
    key += `${part},`
  }
  return key
}

function encoded(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    // its length keeps a text from looking like several values
    case 'string': return `s${String(value.length)}:${value}`
    case 'number': return Object.is(value, -0) ? 'n-0' : `n${String(value)}`
    case 'bigint': return `b${String(value)}`
    case 'boolean': return value ? 't' : 'f'
    case 'undefined': return 'u'
    case 'object': return value === null ? 'z' : encodedObject(value, depth)
    default: return undefined
  }
}

function encodedObject(value: object, depth: number): string | undefined {
  if (depth >= MAX_DEPTH) return undefined
  if (value instanceof Date) return `d${String(value.getTime())}`
  if (value instanceof Uint8Array) return `x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}`
  if (Array.isArray(value)) return joined('[', value.map((item) => encoded(item, depth + 1)), ']')
  if (!isPlain(value)) return undefined
  return joined('{', Object.entries(value).map(([name, item]) => {
    const part = encoded(item, depth + 1)
    return part === undefined ? undefined : `${String(name.length)}:${name}=${part}`
  }), '}')
}

function joined(open: string, parts: readonly (string | undefined)[], close: string): string | undefined {
  return parts.includes(undefined) ? undefined : `${open}${parts.join(',')}${close}`
}

/** A value that says itself how it becomes a parameter is not known by its fields. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value) && !('toPostgres' in value) && !('toSqlString' in value)
}

/** Statement texts remembered by a short number. */
const MAX_TEXTS = 10_000

/** Makes the keys of statements. */
export class Keys {
  readonly #shared: boolean
  #texts = new Map<string, number>()
  #next = 1

  /** @param shared - other processes must come to the same keys */
  constructor(shared: boolean) { this.#shared = shared }

  /** The key of a statement; undefined when its parameters have none. A caller's own key stands for both. */
  of(text: string, params: readonly unknown[], scope: string, ownKey: string | undefined): string | undefined {
    if (ownKey !== undefined) return `k${scope} ${ownKey}`
    const values = params.length === 0 ? '' : keyOfParams(params)
    if (values === undefined) return undefined
    // a short key is hashed faster than a long text at every look-up; between processes the text itself counts
    return this.#shared ? `t${scope} ${values}\0${text}` : `t${scope} ${String(this.#numberOf(text))}.${values}`
  }

  #numberOf(text: string): number {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (this.#texts.size >= MAX_TEXTS) this.#texts = new Map()
    this.#texts.set(text, this.#next)
    return this.#next++
  }
}
