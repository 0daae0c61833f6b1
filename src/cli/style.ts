/** Puts a colour around a text. */
export type Paint = (text: string) => string

/** Colours and glyphs of an output: real ones for a terminal that has them, plain text for everything else. */
export interface Style {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly cyan: Paint
  readonly glyphs: Glyphs
}

/** The few signs that are not ASCII, or what stands for them. All one column wide. */
export interface Glyphs {
  readonly done: string
  readonly failed: string
  readonly full: string
  readonly empty: string
  readonly mark: string
  readonly bullet: string
  readonly arrow: string
}

const UNICODE: Glyphs = { done: '✔', failed: '✘', full: '█', empty: '░', mark: '▶', bullet: '·', arrow: '→' }
const ASCII: Glyphs = { done: '+', failed: 'x', full: '#', empty: '.', mark: '>', bullet: '-', arrow: '->' }

/** What decides about the style. */
export interface StyleFacts {
  readonly color: boolean
  readonly unicode: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What a stream can show. `NO_COLOR` (no-color.org) outranks `FORCE_COLOR`; signs beyond ASCII need a UTF-8 locale,
 * elsewhere they would come out as question marks.
 */
export function styleFacts(isTty: boolean, env: Environment): StyleFacts {
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '' && env['FORCE_COLOR'] !== '0'
  const color = !env['NO_COLOR'] && (forced || (isTty && env['TERM'] !== 'dumb'))
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  return { color, unicode: /utf-?8/i.test(locale) }
}

/** The style for these facts. */
export function makeStyle({ color, unicode }: StyleFacts): Style {
  const paint = (open: number, close: number): Paint => (text) =>
    color && text !== '' ? `\u001B[${String(open)}m${text}\u001B[${String(close)}m` : text
  return {
    bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39), cyan: paint(36, 39),
    glyphs: unicode ? UNICODE : ASCII,
  }
}

/** No colours, no signs beyond ASCII. */
export const PLAIN_STYLE: Style = makeStyle({ color: false, unicode: false })
