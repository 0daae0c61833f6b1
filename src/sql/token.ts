/**
 * Kinds of token, as plain numbers so that the scanner switches on small integers.
 *
 * `WORD` is an unquoted name or keyword, `NAME` a quoted identifier, `PARAM` a placeholder (`$1`, `:name`, lone `?` of
 * engines that have it), `CAST` is `::`, `VARIABLE` is `@name`, `OTHER` a character no statement may hold there.
 */
export const END = 0
export const WORD = 1
export const NAME = 2
export const STRING = 3
export const NUMBER = 4
export const PARAM = 5
export const OPEN = 6
export const CLOSE = 7
export const COMMA = 8
export const DOT = 9
export const SEMICOLON = 10
export const OPERATOR = 11
export const CAST = 12
export const OPEN_BRACKET = 13
export const CLOSE_BRACKET = 14
export const VARIABLE = 15
export const OTHER = 16

/** Classes of an ASCII character by its code; everything above 127 is a letter to SQL. */
export const LETTER = 1
export const DIGIT = 2
export const SPACE = 3
export const SYMBOL = 4

/** Character class by code, for codes 0 to 127; 0 = none of the classes. */
export const CHARACTER: Uint8Array = characterClasses()

function characterClasses(): Uint8Array {
  const table = new Uint8Array(128)
  for (let code = 65; code <= 90; code++) table[code] = table[code + 32] = LETTER
  table[95] = LETTER
  for (let code = 48; code <= 57; code++) table[code] = DIGIT
  for (const code of [9, 10, 11, 12, 13, 32]) table[code] = SPACE
  for (const symbol of '+-*/<>=~!@#%^&|`?:$\\{}') table[symbol.charCodeAt(0)] = SYMBOL
  return table
}

/** Whether a character may stand inside an unquoted name. */
export function continuesName(code: number, dollar: boolean): boolean {
  if (code >= 128) return true
  const kind = CHARACTER[code]
  return kind === LETTER || kind === DIGIT || (dollar && code === 36)
}
