import { DATABASE, SERVER, type Kind, type Meaning, type Section } from './aliases.js'
import { schemeNamed, sameEngine } from './draft.js'
import { parseDuration } from './duration.js'
import { isRecord } from './fields.js'
import type { DatabaseOptions } from './options.js'
import { configError, describeGot, shownName, type Problem } from './problem.js'
import { suggestName } from './suggest.js'

/** A file's content as options, and where in the file each one stands. */
export interface SpelledOptions {
  readonly options: DatabaseOptions
  readonly origins: ReadonlyMap<string, string>
}

/**
 * Translates what a file says into options: snake_case, the names other tools use (see aliases.ts), texts for numbers,
 * flags and durations.
 *
 * @param base - where in the file this is, `dbs.primary`; empty for the whole
 * @param source - the file's name, for errors
 * @throws ConfigError for unknown names and unreadable values
 */
export function optionsFromSpelling(content: Readonly<Record<string, unknown>>, base: string, source: string): SpelledOptions {
  const reading = new Reading()
  reading.section(DATABASE, content, base)
  const settled = reading.settled()
  if (reading.problems.length > 0) throw configError(reading.problems, undefined, source)
  return { options: nested(settled), origins: reading.origins }
}

/** One pass over a file (or over one server in it): values found so far by option path. */
class Reading {
  readonly problems: Problem[] = []
  readonly origins = new Map<string, string>()
  readonly #values = new Map<string, unknown>()

  section(section: Section, content: Readonly<Record<string, unknown>>, base: string): void {
    for (const [name, value] of Object.entries(content)) {
      const meaning = Object.hasOwn(section, camelCase(name)) ? section[camelCase(name)] : undefined
      const shown = meaning === undefined ? shownName(name) : name
      const path = base === '' ? shown : `${base}.${shown}`
      if (meaning === undefined) this.#refuse(path, 'a known option', 'an unknown name', suggestName(name, namesLike(name, section)))
      else if (value !== null && value !== undefined) this.#take(meaning, value, path)
    }
  }

  #take(meaning: Meaning, value: unknown, path: string): void {
    const { as = 'as-is' } = meaning
    if (as === 'ignored') return
    // An engine may stand beside the URL: both belong to one object.
    const to = meaning.to === 'primary' && typeof value === 'string' ? 'primary.url' : meaning.to
    if (meaning.section !== undefined && isRecord(value)) { this.section(meaning.section(), value, path); return }
    if (to === undefined) { this.#refuse(path, 'an object', describeGot(value, false)); return }
    const earlier = this.origins.get(to)
    if (earlier !== undefined) { this.#refuse(path, `one value for ${to}`, 'a second one', `it is already given as ${earlier}`); return }
    this.origins.set(to, path)
    this.#values.set(to, this.#converted(as, value, path, to))
  }

  #converted(as: Kind, value: unknown, path: string, to: string): unknown {
    switch (as) {
      case 'number': return typeof value === 'string' ? numberIn(value) ?? value : value
      case 'flag': return flagIn(value)
      case 'ms': return this.#durationMs(value, 1, path)
      case 'seconds': return this.#durationMs(value, 1_000, path)
      case 'recycle': return value === -1 ? 0 : this.#durationMs(value, 1_000, path)
      case 'word': return typeof value === 'string' ? value.toLowerCase().replaceAll('_', '-') : value
      case 'scheme': return typeof value === 'string' ? schemeNamed(value) : value
      case 'reads-flag': return chosen(flagIn(value), 'replica', 'primary')
      case 'pre-ping': return chosen(flagIn(value), 'always', 'never')
      case 'server': return this.#server(value, path, to)
      case 'servers': return Array.isArray(value) ? value.map((item, index) => this.#server(item, `${path}.${String(index)}`, `${to}.${String(index)}`)) : value
      default: return value
    }
  }

  #durationMs(value: unknown, unitMs: number, path: string): unknown {
    const amount = typeof value === 'string' ? numberIn(value) : value
    if (typeof amount === 'number') return Math.round(amount * unitMs)
    const ms = typeof value === 'string' ? parseDuration(value) : undefined
    if (ms !== undefined) return ms
    this.#refuse(path, `a duration like '30s', '5m' or '100ms', or a number of ${unitMs === 1 ? 'milli' : ''}seconds`, describeGot(value, true))
    return undefined
  }

  #server(value: unknown, path: string, to: string): unknown {
    if (!isRecord(value)) return value
    const inner = new Reading()
    inner.section(SERVER, value, path)
    const settled = inner.settled('')
    this.problems.push(...inner.problems)
    for (const [option, origin] of inner.origins) this.origins.set(`${to}.${option}`, origin)
    return nested(settled)
  }

  #refuse(path: string, expected: string, got: string, hint?: string): void {
    this.problems.push({ path, expected, got, hint })
  }

  /** The values, with those that only mean something together brought together. */
  settled(server = 'primary.'): ReadonlyMap<string, unknown> {
    this.#settleAddress(server)
    this.#settleEncryption()
    return this.#values
  }

  // `driver: sqlite3` with `datasource: app.db`: the URL names the engine, or gets its name.
  #settleAddress(prefix: string): void {
    const [url, engine] = [this.#values.get(`${prefix}url`), this.#values.get(`${prefix}engine`)]
    if (typeof url !== 'string' || typeof engine !== 'string') return
    const path = this.origins.get(`${prefix}url`) ?? 'url'
    const scheme = /^([a-z][a-z0-9.-]*)(?:\+[a-z0-9]+)?:(?:\/\/|[^\d])/i.exec(url)?.[1]?.toLowerCase()
    this.#values.delete(`${prefix}engine`)
    if (scheme === undefined && /[\s=@]/.test(url)) {
      this.#refuse(path, `a URL like ${engine}://user:password@host/database`, 'a text in another form')
    } else if (scheme === undefined) {
      this.#values.set(`${prefix}url`, `${engine}:${url}`)
    } else if (!sameEngine(scheme, engine)) {
      this.#refuse(path, `a URL of the engine named beside it (${engine})`, 'one of another engine')
    }
  }

  // One key by any name: an age recipient, an age identity, else a passphrase.
  #settleEncryption(): void {
    const at = 'backup.encryption'
    const key = this.#values.get(`${at}.key`)
    if (typeof key === 'string') {
      if (/^age1/i.test(key)) this.#values.set(`${at}.recipients`, [key])
      else if (/^AGE-SECRET-KEY-/i.test(key)) this.#values.set(`${at}.identities`, [key])
      else this.#values.set(`${at}.passphrase`, key)
      this.#values.delete(`${at}.key`)
    }
    const details = [...this.#values.keys()].filter((name) => name.startsWith(`${at}.`))
    if (this.#values.get(at) === false) for (const name of details) this.#values.delete(name)
    else if (details.length > 0) this.#values.delete(at)
  }
}

function nested(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const [path, value] of values) {
    const parts = path.split('.')
    const last = parts.pop() ?? path
    let at = root
    for (const part of parts) {
      const inner = at[part]
      at = isRecord(inner) ? inner : (at[part] = {})
    }
    at[last] = isRecord(value) && isRecord(at[last]) ? { ...at[last], ...value } : value
  }
  return root
}

function numberIn(text: string): number | undefined {
  return /^\s*-?\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined
}

function flagIn(value: unknown): unknown {
  if (value === 'true') return true
  return value === 'false' ? false : value
}

function chosen(flag: unknown, whenTrue: string, whenFalse: string): unknown {
  if (flag === true) return whenTrue
  return flag === false ? whenFalse : flag
}

/** `max_open`, `max-open` -> `maxOpen`. */
function camelCase(name: string): string {
  return name.replaceAll(/[_-]+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase())
}

/** The section's names in the style the file uses. */
function namesLike(name: string, section: Section): string[] {
  const names = Object.keys(section)
  if (/[A-Z]/.test(name)) return names
  return names.map((one) => one.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
}
