/** What decides where a string ends. */
export interface SqlModes {
  /** `NO_BACKSLASH_ESCAPES` is off. */
  readonly backslashes: boolean
  /** `ANSI_QUOTES` is on: `"…"` is a name, in which a backslash means nothing. */
  readonly ansiQuotes: boolean
}

const QUESTION = 0x3f
const SLASH = 0x2f
const STAR = 0x2a
const DASH = 0x2d
const HASH = 0x23
const BACKSLASH = 0x5c
const SINGLE = 0x27
const DOUBLE = 0x22
const BACKTICK = 0x60

/**
 * Where the placeholders of a text are. Question marks inside strings, quoted names and comments are none; comments that
 * servers execute (those that begin with `!` or `M!`) are code.
 */
export function placeholdersOf(text: string, modes: SqlModes): readonly number[] {
  const found: number[] = []
  if (!text.includes('?')) return found
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at)
    if (code === QUESTION) {
      found.push(at)
      at++
    } else at = skip(text, at, code, modes)
  }
  return found
}

/** The index behind what begins at `at`. */
function skip(text: string, at: number, code: number, modes: SqlModes): number {
  switch (code) {
    case SINGLE: return endOfQuoted(text, at, code, modes.backslashes)
    case DOUBLE: return endOfQuoted(text, at, code, modes.backslashes && !modes.ansiQuotes)
    case BACKTICK: return endOfQuoted(text, at, code, false)
    case HASH: return endOfLine(text, at)
    case DASH: return text.charCodeAt(at + 1) === DASH && beginsComment(text.charCodeAt(at + 2)) ? endOfLine(text, at) : at + 1
    case SLASH: return text.charCodeAt(at + 1) === STAR ? endOfComment(text, at) : at + 1
    default: return at + 1
  }
}

/** `--` is a comment before white space, a control character or the end. */
function beginsComment(code: number): boolean {
  return Number.isNaN(code) || code <= 0x20
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.length : end + 1
}

function endOfComment(text: string, at: number): number {
  if (/^\/\*M?!/.test(text.slice(at, at + 4))) return at + 3
  const end = text.indexOf('*/', at + 2)
  return end === -1 ? text.length : end + 2
}

/** A quote is doubled inside; a doubled one looks like an end and a new beginning, which comes to the same. */
function endOfQuoted(text: string, start: number, quote: number, backslashes: boolean): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at + 1
    if (code === BACKSLASH && backslashes) at++
  }
  return text.length
}

/** First word of a statement in upper case, comments and parentheses before it passed over. */
export function verbOf(text: string): string {
  const match = /^(?:[\s(;]|\/\*(?!M?!)[^]*?\*\/|(?:#|--\s)[^\n]*(?:\n|$)|\/\*M?!\d*)*([a-z]+)/i.exec(text)
  return (match?.[1] ?? '').toUpperCase()
}

