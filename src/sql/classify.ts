import type { StatementClass } from '../core/lexicon.js'
import { scan, type ScanResult } from './scan.js'
import { verdict, type StatementFacts, type Verdict } from './statement-facts.js'
import type { Vocabulary } from './vocabulary.js'

/** What the classifier found out about one SQL text. */
export interface Classification {
  readonly class: StatementClass
  /** A sentence for people: `calls nextval(), which writes or is right on the primary only`. */
  readonly why: string
  /** The wish of a comment that says `sluice: primary` or `sluice: replica`. */
  readonly hint: 'primary' | 'replica' | undefined
  /** Statements in the text; 0 when it is empty. */
  readonly statements: number
  /**
   * Tables read or written, lower case, schema-qualified where the text does so; `undefined` when that cannot be told
   * (unknown functions, DDL, DO, CALL). A superset: never too few, but for what triggers and views do unseen.
   */
  readonly tables: readonly string[] | undefined
  /** First keyword in upper case, `''` when there is none. */
  readonly verb: string
  /** May share a pipelined connection: one statement, a proven read, only built-in functions that cannot block. */
  readonly shareable: boolean
}

const NO_TABLES: readonly string[] = Object.freeze([])

/** Classifies one text from the beginning; see {@link Classifier} for the remembering kind. */
export function classify(text: string, vocabulary: Vocabulary): Classification {
  const found = scan(text, vocabulary)
  const [first, ...others] = found.statements
  if (!first) {
    const { class: kind, why } = trusted({ class: 'read', why: 'holds no statement' }, found)
    return { class: kind, why, hint: found.hint, statements: 0, tables: NO_TABLES, verb: '', shareable: false }
  }
  if (others.length > 0) return several(found)
  const { class: kind, why } = trusted(verdict(first), found)
  return {
    class: kind, why, hint: found.hint, statements: 1, tables: found.doubtful ? undefined : tablesOf(first), verb: first.verb,
    shareable: kind === 'read' && first.quick && first.explain === 'none' && first.rule?.scan !== 'copy',
  }
}

/** What cannot be read for certain is no proven read. */
function trusted(judged: Verdict, { doubtful }: ScanResult): Verdict {
  if (!doubtful || judged.class !== 'read') return judged
  return { class: 'write', why: 'holds a quote, comment or character that the server may read otherwise' }
}

function several({ statements, hint, doubtful }: ScanResult): Classification {
  const verdicts = statements.map(verdict)
  const tied = verdicts.find((judged) => judged.class === 'transaction-control')
    ?? verdicts.find((judged) => judged.class === 'session')
  const tables = new Set<string>()
  let known = !doubtful
  for (const statement of statements) {
    const those = tablesOf(statement)
    if (!those) known = false
    else for (const table of those) tables.add(table)
  }
  return {
    class: tied?.class ?? 'write',
    why: tied ? `holds ${statements.length} statements, and one of them: ${tied.why}` : `holds ${statements.length} statements`,
    hint, statements: statements.length, tables: known ? [...tables] : undefined,
    verb: statements[0]?.verb ?? '', shareable: false,
  }
}

/** Statements judged by their first words alone touch no table only when they read settings or steer the session. */
function tablesOf(facts: StatementFacts): readonly string[] | undefined {
  if (!facts.rule || !facts.tablesKnown) return undefined
  if (facts.rule.scan === 'none' || facts.rule.scan === 'explain') return facts.rule.class === 'write' ? undefined : NO_TABLES
  return facts.tables.size === 0 ? NO_TABLES : [...facts.tables]
}
