import type { Quoting } from '../core/lexicon.js'
import { CHARACTER, DIGIT, continuesName } from './token.js'

/**
 * End (exclusive) of the string or quoted name whose content begins at `from`; negative when it cannot be told for
 * certain: never closed, or a closing quote that a backslash may escape.
 */
export function stringEnd(text: string, from: number, quote: number, backslashes: Quoting['backslashes']): number {
  let doubtful = false
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      if (text.charCodeAt(at + 1) !== quote) return doubtful ? -(at + 1) : at + 1
      at++
    } else if (code === 92 && backslashes !== 'literal') {
      if (backslashes === 'escape') { at++; continue }
      const run = backslashRun(text, at)
      // An even run is so many backslashes under both readings; an odd one before a quote ends the string in one only.
      if (run % 2 === 1 && text.charCodeAt(at + run) === quote) doubtful = true
      at += run - 1
    }
  }
  return -Math.max(text.length, 1)
}

function backslashRun(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === 92) at++
  return at - from
}

/** End (exclusive) of the block comment that begins at `from`; -1 when it is never closed. */
export function blockCommentEnd(text: string, from: number, nested: boolean): number {
  if (!nested) {
    const close = text.indexOf('*/', from + 2)
    return close < 0 ? -1 : close + 2
  }
  let depth = 1
  for (let at = from + 2; at < text.length - 1; at++) {
    const code = text.charCodeAt(at)
    if (code === 42 && text.charCodeAt(at + 1) === 47) {
      at++
      if (--depth === 0) return at + 1
    } else if (code === 47 && text.charCodeAt(at + 1) === 42) {
      at++
      depth++
    }
  }
  return -1
}

/** End (exclusive) of the opening `$tag$` at `from`; -1 when there is none. */
export function dollarTagEnd(text: string, from: number): number {
  let at = from + 1
  if (CHARACTER[text.charCodeAt(at)] === DIGIT) return -1
  while (at < text.length && continuesName(text.charCodeAt(at), false)) at++
  return text.charCodeAt(at) === 36 ? at + 1 : -1
}

/**
 * End (exclusive) of the number at `from`. It stops before a letter that cannot belong to it: older servers read
 * `LIMIT 1for update` as a number and two words.
 */
export function numberEnd(text: string, from: number): number {
  let at = from
  if (text.charCodeAt(at) === 48) {
    const base = text.charCodeAt(at + 1) | 32
    if (base === 120 || base === 111 || base === 98) {
      const end = run(text, at + 2, base === 120)
      if (end > at + 2) return end
    }
  }
  at = run(text, at, false)
  if (text.charCodeAt(at) === 46 && text.charCodeAt(at + 1) !== 46) at = run(text, at + 1, false)
  const code = text.charCodeAt(at) | 32
  if (code !== 101) return at
  const sign = text.charCodeAt(at + 1)
  const digits = sign === 43 || sign === 45 ? at + 2 : at + 1
  return CHARACTER[text.charCodeAt(digits)] === DIGIT ? run(text, digits, false) : at
}

/** End (exclusive) of the plain digits at `from`. */
export function digitsEnd(text: string, from: number): number {
  let at = from
  while (CHARACTER[text.charCodeAt(at)] === DIGIT) at++
  return at
}

/** Digits with single underscores between them. */
function run(text: string, from: number, hexadecimal: boolean): number {
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (CHARACTER[code] === DIGIT || (hexadecimal && (code | 32) >= 97 && (code | 32) <= 102)) continue
    if (code !== 95 || CHARACTER[text.charCodeAt(at + 1)] !== DIGIT) break
  }
  return at
}

/** A name with `\XXXX` and `\+XXXXXX` decoded, and `\\` as one backslash. */
export function decodeUnicodeEscapes(raw: string): string {
  return raw.replace(/\\(?:\\|\+([0-9a-f]{6})|([0-9a-f]{4}))/giu, (whole, long?: string, short?: string) => {
    const digits = long ?? short
    if (digits === undefined) return '\\'
    const code = Number.parseInt(digits, 16)
    return code <= 0x10FFFF ? String.fromCodePoint(code) : whole
  })
}

/** Lower case for A to Z and nothing else. */
export function foldAscii(word: string): string {
  return word.replace(/[A-Z]+/gu, (letters) => letters.toLowerCase())
}

const HINT = /^[\s+]*sluice:\s*(primary|replica)\s*$/iu

/** The wish a comment's content states, when it states nothing else. */
export function hintIn(comment: string): 'primary' | 'replica' | undefined {
  const wish = HINT.exec(comment)?.[1]?.toLowerCase()
  return wish === 'primary' || wish === 'replica' ? wish : undefined
}
