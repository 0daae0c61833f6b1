import type { WireValue } from './params.js'

/** Text parameters of a failed statement, kept only as long as its error. */
const PARAMS = new WeakMap<object, readonly string[]>()

/** Shorter values are only taken out where the server quotes them: as bare text they could be part of any word. */
const BARE_LENGTH = 4

/** Remembers what an error's message must not repeat. Any kind of error may quote a parameter (`select $1::regclass`). */
export function rememberParams(error: unknown, values: readonly WireValue[]): void {
  if (typeof error !== 'object' || error === null || values.length === 0) return
  const texts = values.filter((value): value is string => typeof value === 'string' && value !== '')
  if (texts.length > 0) PARAMS.set(error, texts)
}

/**
 * First line of a server's message, without parameter values. Data exceptions (class 22) quote the offending input,
 * whether it was a parameter or not: there everything quoted goes.
 */
export function redacted(message: string, sqlState: string | undefined, error: unknown): string {
  let text = sqlState?.startsWith('22') ? withoutQuoted(message) : message
  const params = typeof error === 'object' && error !== null ? PARAMS.get(error) : undefined
  for (const value of params ?? []) {
    text = text.replaceAll(`"${value}"`, '"…"')
    if (value.length >= BARE_LENGTH) text = text.replaceAll(value, '…')
  }
  return text.split('\n', 1)[0] ?? text
}

/** From the first quote of any language to the last: the input may itself contain quotes and line breaks. */
function withoutQuoted(message: string): string {
  return message.replace(/["'«»„“”‘’「」][\s\S]*["'«»„“”‘’「」]/, '"…"').replace(/\b0x[0-9a-f]{2}\b/gi, '0x…')
}
