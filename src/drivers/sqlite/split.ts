/** One statement of a text. */
export interface SqlitePart {
  readonly text: string
  /** `SELECT`, `INSERT`, … of the statement itself, also behind WITH; upper case. */
  readonly verb: string
  /** It gives rows and changes nothing, as far as its verb tells: it may be interrupted between two rows. */
  readonly reads: boolean
}

const READS: ReadonlySet<string> = new Set(['SELECT', 'VALUES', 'EXPLAIN', 'PRAGMA'])
const MAIN: ReadonlySet<string> = new Set(['SELECT', 'VALUES', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE'])

/** Strings, quoted names and comments (skipped), words, semicolons and parentheses; everything else is passed over. */
const TOKEN = /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$)|--[^\n]*|\/\*[^]*?(?:\*\/|$)|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[;()]/g

/**
 * Cuts a text into its statements. SQLite's own interfaces compile the first one only and forget the rest. A semicolon
 * inside CREATE TRIGGER … BEGIN … END ends nothing; the rule is that of `sqlite3_complete()`: such a statement ends with
 * `; END ;`.
 */
export function splitStatements(text: string): SqlitePart[] {
  const parts: SqlitePart[] = []
  let start = 0
  let words: string[] = []
  let depth = 0
  let main: string | undefined
  let afterSemicolon = false
  let endSeen = false
  const finish = (end: number): void => {
    const verb = words[0]
    if (verb !== undefined) {
      const own = verb === 'WITH' ? main ?? 'WITH' : verb
      parts.push({ text: text.slice(start, end), verb: own, reads: READS.has(own) })
    }
    start = end + 1
    words = []
    depth = 0
    main = undefined
    afterSemicolon = endSeen = false
  }
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === ';') {
      if (!isTrigger(words) || endSeen) finish(index)
      else afterSemicolon = true
    } else if (token === '(') depth++
    else if (token === ')') depth--
    else if (/^[A-Za-z_\u0080-\uffff]/.test(token)) {
      const word = token.toUpperCase()
      endSeen = afterSemicolon && word === 'END'
      afterSemicolon = false
      if (words.length < 4) words.push(word)
      if (depth === 0 && MAIN.has(word)) main ??= word
    }
  }
  finish(text.length)
  return parts
}

function isTrigger([create, second, third]: readonly string[]): boolean {
  return create === 'CREATE' && (second === 'TRIGGER' || ((second === 'TEMP' || second === 'TEMPORARY') && third === 'TRIGGER'))
}

/** First word, upper case; comments before it are passed over. */
export function verbOf(text: string): string {
  return (/^(?:\s|--[^\n]*(?:\n|$)|\/\*[^]*?(?:\*\/|$))*([a-z]*)/i.exec(text)?.[1] ?? '').toUpperCase()
}
