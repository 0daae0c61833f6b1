import { stripVTControlCharacters } from 'node:util'

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** A whole number in groups of three: `12,345`. */
export function count(value: number): string {
  return grouped.format(value)
}

/** Milliseconds with as many digits as are of use: `0.42`, `8.1`, `130`. */
export function millis(value: number): string {
  if (value < 1) return value.toFixed(2)
  return value < 10 ? value.toFixed(1) : count(Math.round(value))
}

/** Seconds with one decimal: `12.4 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

/** Bytes with a decimal prefix: `512 B`, `8.1 MB`. */
export function bytes(value: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
  const scaled = value / 1_000 ** power
  return `${power === 0 || scaled >= 100 ? String(Math.round(scaled)) : scaled.toFixed(1)} ${BYTE_UNITS[power] ?? 'B'}`
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `1 read`, `2 reads`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  const last = words.at(-1)
  if (last === undefined) return 'none'
  return words.length === 1 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}

/** Columns a text takes on a terminal; colours take none. */
export function width(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length
}

const ESCAPE_CHARACTER = String.fromCharCode(27)
const COLOUR = new RegExp(`(${ESCAPE_CHARACTER}\\[[0-9;]*m)`)

/** The text cut to `columns`; colours are kept whole and take no room. */
export function clip(text: string, columns: number): string {
  if (width(text) <= columns) return text
  let room = columns
  return text.split(COLOUR).map((piece, index) => {
    if (index % 2 === 1) return piece
    const shown = Array.from(piece).slice(0, room)
    room -= shown.length
    return shown.join('')
  }).join('')
}

/** The text in lines of at most `columns`, broken at spaces; a longer word has a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && width(last) + 1 + width(word) <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
