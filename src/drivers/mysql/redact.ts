import { NAMES_ONLY } from './errno.js'
import type { WireValue } from './params.js'

/** Text parameters of a failed statement, kept only as long as its error. */
const PARAMS = new WeakMap<object, readonly string[]>()

/** Shorter values are only taken out where the server quotes them: as bare text they could be part of any word. */
const BARE_LENGTH = 4

/**
 * Remembers what an error's message must not repeat, and takes the values out of what `mysql2` adds to it: its `sql` is
 * the text as it was sent.
 */
export function rememberParams(error: unknown, sql: string, values: readonly WireValue[]): void {
  if (typeof error !== 'object' || error === null) return
  if ('sql' in error) Object.assign(error, { sql })
  const texts = values.filter((value): value is string => typeof value === 'string' && value !== '')
  if (texts.length > 0) PARAMS.set(error, texts)
}

/** First line of a server's message, without values. */
export function redacted(message: string, errno: number | undefined, error: unknown): string {
  let text = errno === undefined || NAMES_ONLY.has(errno) ? message : withoutQuoted(message)
  const params = typeof error === 'object' && error !== null ? PARAMS.get(error) : undefined
  for (const value of params ?? []) {
    text = text.replaceAll(`'${value}'`, "'…'")
    if (value.length >= BARE_LENGTH) text = text.replaceAll(value, '…')
  }
  return text.split('\n', 1)[0] ?? text
}

/** "Duplicate entry 'a' for key 'b'": what is called a key, a column or a table keeps its name. */
const NAMED = /\b((?:for )?(?:key|column|table|field|function|index|constraint|partition) )$/i

/** Takes out what stands in quotes, also over line breaks and doubled or escaped quotes, but for names. */
function withoutQuoted(message: string): string {
  const last = /(.*\b(?:key|column|table|field) )('[^']*'(?:\.'[^']*')?)([^']*)$/is.exec(message)
  if (last?.[1] !== undefined) return `${quotesOut(last[1])}${last[2] ?? ''}${last[3] ?? ''}`
  return quotesOut(message)
}

/** From the first quote to the last: the value may hold quotes itself. */
function quotesOut(message: string): string {
  const first = message.indexOf("'")
  const last = message.lastIndexOf("'")
  if (first === -1) return message
  if (NAMED.test(message.slice(0, first)) && message.indexOf("'", first + 1) === last) return message
  return `${message.slice(0, first)}'…'${last > first ? message.slice(last + 1) : ''}`
}
