import type { Lexicon } from '../../core/lexicon.js'
import type { LintStatement } from '../../core/lint-facts.js'
import { Lexer } from '../../sql/lex.js'
import { scriptQuoting, split } from '../../sql/split.js'
import { CAST, CLOSE, COMMA, DOT, END, NAME, OPEN, STRING, WORD } from '../../sql/token.js'

/** A statement and where it begins in its file. */
export interface PlacedStatement extends LintStatement {
  readonly start: number
}

const NAMED = '((?:"[^"]*"|[^\\s"(),]+))'
/** What they are about stands in the first group, what they do to it behind. */
const ABOUT: readonly RegExp[] = [
  new RegExp(`^alter (?:ignore )?table (?:if exists )?(?:only )?${NAMED}`),
  new RegExp(`^create (?:or replace )?(?:global |local )?(?:temp |temporary |unlogged )?table (?:if not exists )?${NAMED}`),
  new RegExp(`^create (?:unique |fulltext |spatial )?index .*?\\bon (?:only )?${NAMED}`),
  new RegExp(`^drop (?:temporary )?table (?:if exists )?${NAMED}`),
  new RegExp(`^drop index .*?\\bon ${NAMED}`),
  new RegExp(`^truncate (?:table )?(?:only )?${NAMED}`),
  new RegExp(`^rename table ${NAMED}`),
  new RegExp(`^(?:reindex (?:\\( .*? \\) )?table(?: concurrently)?|cluster|vacuum (?:\\( .*? \\)|full|analyze|verbose|freeze)*) ${NAMED}`),
]

/** The statements of a script, as rules read them. */
export function statementsOf(text: string, lexicon: Lexicon): PlacedStatement[] {
  return split(text, lexicon).statements.map(({ text: statement, start }) => ({ ...readStatement(statement, lexicon), start }))
}

function readStatement(text: string, lexicon: Lexicon): LintStatement {
  const tokens = tokensOf(text, lexicon)
  const words = joined(tokens)
  const found = ABOUT.map((expression) => expression.exec(words)).find((match) => match !== null)
  const rest = found ? words.slice(found[0].length).trim() : ''
  return { words, table: found?.[1], parts: partsOf(words, rest) }
}

function tokensOf(text: string, lexicon: Lexicon): string[] {
  const lexer = new Lexer(text, scriptQuoting(lexicon.quoting))
  const tokens: string[] = []
  for (let kind = lexer.next(); kind !== END; kind = lexer.next()) {
    if (kind === WORD) tokens.push(lexer.value)
    // what stands in a name must not be taken for what stands between names
    else if (kind === NAME) tokens.push(`"${lexer.value.replace(/[\s"().,]/g, '_')}"`)
    else if (kind === STRING) tokens.push("''")
    else if (kind === OPEN || kind === CLOSE || kind === COMMA || kind === DOT || kind === CAST) tokens.push(text.slice(lexer.start, lexer.end))
    else tokens.push(text.slice(lexer.start, lexer.end).toLowerCase())
  }
  return tokens
}

function joined(tokens: readonly string[]): string {
  return tokens.join(' ').replaceAll(' . ', '.')
}

/** Cut at the commas of the list: that of ALTER TABLE stands open, that of CREATE TABLE in parentheses. */
function partsOf(words: string, rest: string): string[] {
  if (/^create .*table /.test(words)) return rest.startsWith('( ') ? cut(rest.slice(2)) : []
  return /^(alter|rename) /.test(words) ? cut(rest) : []
}

function cut(list: string): string[] {
  const parts: string[][] = [[]]
  let depth = 0
  for (const word of list.split(' ')) {
    if (word === '(' || word === '[') depth++
    else if (word === ')' || word === ']') depth--
    if (depth < 0) break
    if (word === ',' && depth === 0) parts.push([])
    else parts.at(-1)?.push(word)
  }
  return parts.map((part) => part.join(' ')).filter((part) => part !== '')
}

/** The same for the same table however it is written: without quotes, and without the schema everybody has. */
export function tableKey(table: string): string {
  return table.replaceAll('"', '').replace(/^public\./, '')
}
