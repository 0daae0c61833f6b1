import type { StatementRule } from '../core/lexicon.js'
import { noteAttribute, parenthesisKind } from './calls.js'
import { DISTINCT_ON, GROUP_OF, IN_FROM, IN_GROUP, IN_WITH, NOWHERE, OPERATOR_OF, OPTIONS_OF, type Frame } from './frame.js'
import { onKeyword, onName } from './keywords.js'
import { ScanState } from './scan-state.js'
import { StatementFacts } from './statement-facts.js'
import {
  CLOSE, CLOSE_BRACKET, COMMA, DOT, END, NAME, NUMBER, OPEN, OPERATOR, PARAM, SEMICOLON, STRING, VARIABLE, WORD,
} from './token.js'
import { AS, type Vocabulary } from './vocabulary.js'

/** What one pass over a text yields. */
export interface ScanResult {
  readonly statements: readonly StatementFacts[]
  readonly hint: 'primary' | 'replica' | undefined
  /** The text may mean something else to the server. */
  readonly doubtful: boolean
}

/** Reads a text once, token by token, and gathers the facts of each statement in it. Never throws. */
export function scan(text: string, vocabulary: Vocabulary): ScanResult {
  const scanner = new Scanner(text, vocabulary)
  return scanner.run()
}

class Scanner {
  readonly #state: ScanState
  readonly #statements: StatementFacts[] = []
  /** A token of the current statement has been seen. */
  #started = false
  /** The previous token is EXPLAIN's option ANALYZE, whose value may follow. */
  #afterAnalyze = false
  /** EXPLAIN's options in parentheses may still come. */
  #optionsAllowed = false
  /** The rule of the EXPLAIN whose statement has not begun yet. */
  #explain: StatementRule | undefined

  constructor(text: string, vocabulary: Vocabulary) {
    this.#state = new ScanState(text, vocabulary)
  }

  run(): ScanResult {
    const state = this.#state
    const { lexer } = state
    for (;;) {
      const kind = lexer.next()
      const named = kind === WORD || kind === NAME
      if (kind !== DOT && kind !== OPEN && !(named && state.continuesChain)) state.settleTable()
      if (kind === END) break
      if (kind === SEMICOLON) this.#semicolon()
      else this.#token(kind, named)
    }
    this.#finish()
    return { statements: this.#statements, hint: lexer.hint, doubtful: lexer.doubtful }
  }

  #token(kind: number, named: boolean): void {
    const state = this.#state
    this.#started = true
    const frame = state.frames.current
    if (frame.kind === OPTIONS_OF) {
      if (this.#option(frame, kind)) return
    } else if (frame.kind === OPERATOR_OF) {
      this.#operatorName(kind)
    }
    if (named) this.#name(kind)
    else if (kind === OPEN) this.#open()
    else if (kind === CLOSE) this.#close()
    else this.#other(kind)
  }

  #name(kind: number): void {
    const state = this.#state
    const { lexer, chain, previous, vocabulary, facts } = state
    const name = lexer.value
    // AS OF a moment in time is no label
    const label = state.continuesChain || (previous.as && name !== 'of')
    if (state.deep && previous.kind === DOT && !state.pendingTable) noteAttribute(state, name)
    if (state.continuesChain) chain.extend(name)
    else chain.start(name, previous)
    if (kind === NAME && name.includes('.')) chain.ambiguous = true
    const known = vocabulary.words.get(name)
    const info = label || kind === NAME ? undefined : known
    chain.info = info
    if (state.deep && known?.relation !== undefined && !label) this.#relation(known.relation)
    else if (state.deep && known?.relation !== undefined && chain.parts === 2 && chain.first === vocabulary.lexicon.builtinSchema) {
      this.#relation(known.relation)
    }
    if (state.expectVerb) this.#verb(kind === WORD ? name : '', kind)
    else if (facts.headOpen && kind === WORD) facts.head.push(name)
    this.#meaning(name, kind)
    state.expectVerb &&= facts.explain === 'options'
    state.pass(kind, info ? name : '', info?.operand !== false || state.pendingTable, info?.part === AS)
  }

  #meaning(name: string, kind: number): void {
    const state = this.#state
    const { chain, facts, previous } = state
    if (!state.deep) {
      if (kind === WORD && facts.verb === 'CREATE') this.#body(name, previous.word)
    } else if (facts.rule?.scan === 'copy' && state.frames.depth === 0) {
      this.#copyWord(name, kind)
    } else if (chain.info) {
      onKeyword(state, chain.info)
    } else if (chain.parts === 1) {
      onName(state, name)
    }
  }

  #relation(relation: 'write' | 'session'): void {
    const { facts, chain } = this.#state
    if (relation === 'session') facts.session ??= `reads ${chain.text}, which belongs to one connection`
    else facts.write ??= `reads ${chain.text}, which is right on the primary only`
  }

  /** The first word of a statement, or of the one EXPLAIN explains. */
  #verb(name: string, kind: number): void {
    const state = this.#state
    const { facts, vocabulary, frames } = state
    if (facts.explain === 'options' && this.#explain?.options?.has(name) === true) return
    if (facts.explain === 'options' && (name === 'analyze' || name === 'analyse' || name === 'verbose')) {
      if (name !== 'verbose') facts.analyze = true
      this.#optionsAllowed = false
      return
    }
    if (facts.explain === 'options' && facts.rule?.passes?.has(name)) return
    if (facts.verb === '') facts.verb = name.toUpperCase()
    const rule = vocabulary.rule(name)
    facts.rule = rule
    if (rule?.scan === 'explain' && facts.explain === 'none' && frames.depth === 0) {
      facts.explain = 'options'
      facts.plansReadsOnly = rule.plansReadsOnly === true
      this.#explain = rule
      this.#optionsAllowed = true
      return
    }
    if (facts.explain === 'options') {
      facts.explain = 'statement'
      const plain = kind === NAME || (kind === WORD && vocabulary.words.get(name)?.reserved !== true)
      facts.describes = rule === undefined && plain && !facts.analyze && frames.depth === 0 && this.#explain?.describesTables === true
    }
    facts.headOpen = true
    state.deep = rule !== undefined && rule.scan !== 'explain' && (rule.scan !== 'none' || rule.callsCount === true)
    if (rule?.scan === 'copy') facts.tablesKnown = false
    if (frames.depth > 0 && rule?.scan !== 'query') facts.write ??= `${name.toUpperCase()} in parentheses`
  }

  /** Inside EXPLAIN's parentheses; false when they turn out to hold the query itself. */
  #option(frame: Frame, kind: number): boolean {
    const state = this.#state
    const { lexer, facts, previous, vocabulary } = state
    // Only a reserved word cannot be the name of an option: `values` can.
    const query = kind === OPEN
      || (kind === WORD && vocabulary.rule(lexer.value)?.scan === 'query' && vocabulary.words.get(lexer.value)?.reserved === true)
    if (previous.kind === OPEN && query) {
      frame.kind = GROUP_OF
      return false
    }
    if (kind === CLOSE) return false
    const name = lexer.value
    const { text, start, end } = lexer
    if (this.#afterAnalyze && (name === 'false' || name === 'off' || text.slice(start, end) === '0')) facts.analyze = false
    this.#afterAnalyze = name === 'analyze' || name === 'analyse'
    if (this.#afterAnalyze) facts.analyze = true
    // UESCAPE may turn any name before it into ANALYZE
    const refused = kind === WORD ? vocabulary.words.get(name)?.refused : undefined
    if (refused !== undefined) facts.write ??= refused
    if (kind === OPEN) state.frames.open(OPTIONS_OF)
    state.pass(kind, '', false)
    return true
  }

  /** `OPERATOR(pg_catalog.+)` is the one harmless form: any other schema may hold an operator that writes. */
  #operatorName(kind: number): void {
    const { lexer, vocabulary, previous, facts } = this.#state
    const harmless = kind === CLOSE ? previous.kind === OPERATOR
      : kind === OPERATOR ? previous.kind !== OPEN
      : kind === DOT ? previous.kind === WORD
      : kind === WORD && previous.kind === OPEN && lexer.value === vocabulary.lexicon.builtinSchema
    if (!harmless) facts.write ??= 'uses an operator of a schema that is not built in'
  }

  #copyWord(name: string, kind: number): void {
    const { facts, previous } = this.#state
    if (kind !== WORD) return
    if (name === 'from') facts.change ??= 'COPY FROM writes rows'
    else if (name === 'program') facts.write ??= 'COPY … PROGRAM runs a program on the server'
    else if (name === 'stdout' && previous.word === 'to') facts.toClient = true
  }

  /** Semicolons inside BEGIN ATOMIC … END end no statement. */
  #body(name: string, before: string): void {
    const { facts, vocabulary } = this.#state
    if (facts.bodyDepth > 0) {
      if (name === 'case') facts.bodyDepth++
      else if (name === 'end') facts.bodyDepth--
    } else if (name === 'atomic' && before === 'begin' && vocabulary.lexicon.atomicBodies) {
      facts.bodyDepth = 1
    }
  }

  #open(): void {
    const state = this.#state
    const { frames, facts, previous } = state
    const parent = frames.current
    if (facts.headOpen) facts.head.push('(')
    facts.headOpen = false
    if (state.expectVerb) {
      frames.open(this.#optionsAllowed ? OPTIONS_OF : GROUP_OF)
      this.#optionsAllowed = false
      return state.pass(OPEN, '', false)
    }
    const kind = state.deep ? parenthesisKind(state) : GROUP_OF
    if (state.pendingTable && kind === GROUP_OF) state.settleTable()
    else if (state.pendingTable) facts.functionTable = true
    state.pendingTable = false
    const table = parent.expecting && kind === GROUP_OF
    const grouping = parent.clause === IN_GROUP && previous.word === 'sets'
    const bodyOf = parent.cteBody
    parent.cteBody = ''
    if (table) parent.expecting = false
    // Neither a body nor a column list: the query of WITH has begun.
    if (parent.clause === IN_WITH && bodyOf === '' && previous.kind !== WORD && previous.kind !== NAME) parent.clause = NOWHERE
    const frame = frames.open(kind)
    frame.bodyOf = bodyOf
    if (table) {
      frame.query = frame.expecting = true
      frame.clause = IN_FROM
    } else if (grouping) {
      frame.clause = IN_GROUP
    }
    state.pass(OPEN, '', false)
  }

  #close(): void {
    const state = this.#state
    const closed = state.frames.close()
    state.facts.headOpen = false
    if (!closed) state.facts.write ??= 'its parentheses do not match'
    else if (closed.bodyOf !== '') state.frames.current.ctes.push(closed.bodyOf)
    const kind = closed?.kind
    state.pass(CLOSE, '', kind !== DISTINCT_ON && kind !== OPERATOR_OF && kind !== OPTIONS_OF)
  }

  #other(kind: number): void {
    const state = this.#state
    const { facts, previous, chain, vocabulary } = state
    if (state.expectVerb) state.expectVerb = facts.explain === 'options' && this.#explain?.options !== undefined && kind === OPERATOR
    if (kind === DOT) {
      if (facts.headOpen) facts.head.push('.')
      const named = previous.kind === WORD || previous.kind === NAME
      if (!named) chain.parts = 0
      else if (chain.parts === 1 && vocabulary.isTemporary(chain.first)) this.#temporary()
    } else {
      if (facts.headOpen && kind === OPERATOR) facts.head.push(state.lexer.text.slice(state.lexer.start, state.lexer.end))
      facts.headOpen = false
      if (kind === COMMA && state.frames.current.clause === IN_FROM) state.frames.current.expecting = true
      if (kind === VARIABLE && state.deep) this.#variable()
    }
    const operand = kind === STRING || kind === NUMBER || kind === PARAM || kind === CLOSE_BRACKET || kind === VARIABLE
    state.pass(kind, '', operand)
  }

  #variable(): void {
    const { lexer, facts, vocabulary: { lexicon } } = this.#state
    if (facts.rule?.scan === 'none') return
    const [, global = '', name = ''] = /^@@(global\.)?(\w+)$/i.exec(lexer.text.slice(lexer.start, lexer.end)) ?? []
    const kind = lexicon.systemVariables?.get(name.toLowerCase()) ?? (global === '' ? 'session' : 'read')
    if (kind === 'session') facts.session ??= 'uses a variable, which belongs to one connection'
    else if (kind === 'write') facts.write ??= `reads @@${name}, which is right on the primary only`
  }

  #temporary(): void {
    const { facts, deep } = this.#state
    facts.temporary = true
    if (deep) facts.session ??= 'uses a temporary schema, which belongs to one connection'
  }

  #semicolon(): void {
    const { facts, frames } = this.#state
    if (frames.depth === 0 && facts.bodyDepth === 0) return this.#finish()
    if (frames.depth > 0) facts.write ??= 'a semicolon stands inside parentheses'
    this.#state.pass(SEMICOLON, '', false)
  }

  #finish(): void {
    const state = this.#state
    if (state.frames.depth > 0) state.facts.write ??= 'its parentheses do not match'
    if (this.#started) this.#statements.push(state.facts)
    this.#started = this.#afterAnalyze = this.#optionsAllowed = false
    this.#explain = undefined
    state.facts = new StatementFacts()
    state.frames.clear()
    state.expectVerb = true
    state.deep = state.pendingTable = false
    state.chain.parts = 0
    state.wordBefore = ''
    state.pass(END, '', false)
  }
}
