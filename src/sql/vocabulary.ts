import type { FunctionClass, Lexicon, StatementRule } from '../core/lexicon.js'

/** Parts a keyword plays in the grammar all engines share. */
const PLAIN = 0
export const SELECT = 1
export const FROM = 2
export const JOIN = 3
/** Ends the list of tables: `where`, `order`, `union`, … */
export const CLAUSE = 4
export const GROUP = 5
export const WITH = 6
export const INTO = 7
export const INSERT = 8
export const UPDATE = 9
export const DELETE = 10
export const TABLE = 11
export const VALUES = 12
export const USING = 13
export const AS = 14
/** Stands between a verb or `from` and a table without being one: `only`, `lateral`, `ignore`. */
export const TRANSPARENT = 15
export const CUSTOM_OPERATOR = 16
export const RECURSIVE = 17
export const ON = 18
/** `rollup`, `cube`: constructs inside GROUP BY, functions elsewhere. */
export const GROUPING = 19

const PARTS: Readonly<Record<string, number>> = {
  select: SELECT, from: FROM, join: JOIN, group: GROUP, with: WITH, into: INTO, insert: INSERT, merge: INSERT,
  update: UPDATE, delete: DELETE, table: TABLE, values: VALUES, using: USING, as: AS,
  only: TRANSPARENT, lateral: TRANSPARENT, ignore: TRANSPARENT, low_priority: TRANSPARENT, high_priority: TRANSPARENT,
  delayed: TRANSPARENT, straight_join: JOIN, operator: CUSTOM_OPERATOR,
  recursive: RECURSIVE, on: ON, rollup: GROUPING, cube: GROUPING,
  where: CLAUSE, having: CLAUSE, window: CLAUSE, order: CLAUSE, limit: CLAUSE, offset: CLAUSE, fetch: CLAUSE,
  union: CLAUSE, intersect: CLAUSE, except: CLAUSE, set: CLAUSE, returning: CLAUSE, when: CLAUSE,
}

/** Everything the scanner wants to know about a word that is no plain name. */
export interface Word {
  readonly text: string
  /** One of the parts above. */
  readonly part: number
  readonly reserved: boolean
  /** A parenthesis after it never opens a call. */
  readonly neverCalls: boolean
  /** It ends an operand: what follows begins none. */
  readonly operand: boolean
  readonly notCallAfter: ReadonlySet<string> | undefined
  /** Words that make a row lock of it when they follow. */
  readonly locks: ReadonlySet<string> | undefined
  readonly refused: string | undefined
  readonly relation: 'write' | 'session' | undefined
}

/** A function by the name a statement calls it with. */
export interface KnownFunction {
  readonly class: FunctionClass
  /** Declared by the caller, not built in. */
  readonly own: boolean
}

/** The caller's own knowledge about functions. */
export interface OwnFunctions {
  readonly writeFunctions: readonly string[]
  readonly readOnlyFunctions: readonly string[]
}

/** A lexicon made ready for one look-up per word. */
export class Vocabulary {
  readonly lexicon: Lexicon
  readonly words: ReadonlyMap<string, Word>
  readonly functions: ReadonlyMap<string, KnownFunction>
  readonly #temporaryPrefix: string | undefined

  constructor(lexicon: Lexicon, own: OwnFunctions) {
    this.lexicon = lexicon
    this.words = wordsOf(lexicon)
    this.functions = functionsOf(lexicon, own)
    this.#temporaryPrefix = lexicon.temporarySchema && `${lexicon.temporarySchema}_`
  }

  rule(word: string): StatementRule | undefined { return this.lexicon.statements.get(word) }

  /** Whether a schema of this name holds tables of one session only. */
  isTemporary(schema: string): boolean {
    if (schema === this.lexicon.temporarySchema) return true
    return this.#temporaryPrefix !== undefined && schema.startsWith(this.#temporaryPrefix)
  }
}

function wordsOf(lexicon: Lexicon): ReadonlyMap<string, Word> {
  const { keywords, locks, relations } = lexicon
  const words = new Map<string, Word>()
  const all = [
    ...keywords.reserved, ...keywords.constructs, ...keywords.others, ...keywords.refused.keys(),
    ...keywords.notCallAfter.keys(), ...locks.keys(), ...relations.keys(),
  ]
  for (const text of all) {
    const keyword = keywords.reserved.has(text) || keywords.constructs.has(text) || keywords.others.has(text)
    words.set(text, {
      text,
      part: keyword ? PARTS[text] ?? PLAIN : PLAIN,
      reserved: keywords.reserved.has(text),
      neverCalls: keywords.reserved.has(text) || keywords.constructs.has(text),
      operand: !keyword || keywords.names.has(text),
      notCallAfter: keywords.notCallAfter.get(text),
      locks: locks.get(text),
      refused: keywords.refused.get(text),
      relation: relations.get(text),
    })
  }
  return words
}

/**
 * Built-in functions and the caller's. What is known to write or to need its session stays so whatever the caller
 * declares harmless, and a name declared as a writer is one in every schema: the careful reading wins.
 */
function functionsOf(lexicon: Lexicon, own: OwnFunctions): ReadonlyMap<string, KnownFunction> {
  const functions = new Map<string, KnownFunction>()
  for (const name of own.readOnlyFunctions) {
    // As written for quoted calls, folded for the others.
    for (const spelling of [name, name.toLowerCase()]) functions.set(spelling, { class: 'read', own: true })
  }
  for (const [name, kind] of lexicon.functions) functions.set(name, { class: kind, own: false })
  for (const name of own.writeFunctions) {
    const lower = name.toLowerCase()
    const writes: KnownFunction = { class: 'write', own: true }
    functions.set(lower, writes)
    functions.set(lower.slice(lower.lastIndexOf('.') + 1), writes)
  }
  return functions
}
